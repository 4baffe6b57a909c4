"""The admin services of this process, on behalf of the caller of a request."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from coursebridge import secret_values
from coursebridge.admin.callers import Callers
from coursebridge.admin.credentials import Credentials
from coursebridge.admin.integrations import Integrations
from coursebridge.admin.webhooks import Webhooks
from coursebridge.auth import wiring
from coursebridge.auth.administration import Clients
from coursebridge.integrations import schedules
from coursebridge.linkedin.client import http_client
from coursebridge.linkedin.tokens import mint
from coursebridge.settings import settings

if TYPE_CHECKING:
    from coursebridge.integrations.schedules import Schedules
    from coursebridge.linkedin.credentials import KeyPair
    from coursebridge.linkedin.tokens import AccessToken


@cache
def clients() -> Clients:
    """Return the life of clients."""
    return Clients(wiring.table(), partial(secret_values.read, settings().need("bootstrap_secret_arn")))


@cache
def kept_schedules() -> Schedules:
    """Return what keeps the schedules of this stack."""
    return schedules.of_stack()


def integrations(actor: str) -> Integrations:
    """Return what administers integrations on behalf of a caller."""
    return Integrations(wiring.table(), clients(), kept_schedules(), settings().need("secret_prefix"), actor)


def credentials(actor: str) -> Credentials:
    """Return what keeps key pairs on behalf of a caller."""
    return Credentials(integrations(actor), verify)


def verify(pair: KeyPair) -> AccessToken:
    """Ask LinkedIn for a token with this very pair.

    Raises:
        LinkedInError: it gives none.
    """
    with http_client(settings().need("linkedin_oauth_url")) as http:
        return mint(http, pair)


def webhooks(actor: str, base_url: str) -> Webhooks:
    """Return what administers webhook clients on behalf of a caller."""
    return Webhooks(integrations(actor), base_url)


def callers(actor: str) -> Callers:
    """Return what administers clients on behalf of a caller."""
    return Callers(clients(), actor)
