"""Builds what the catalogue functions need: HTTP clients, key pairs and the context of a sync."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from coursebridge import clients, secret_values
from coursebridge.catalog import conform, filters
from coursebridge.catalog.conform import Wish
from coursebridge.catalog.search.publishing import Publisher
from coursebridge.catalog.settings_change import UNFINISHED
from coursebridge.catalog.sync.context import Context
from coursebridge.catalog.widening import is_wider
from coursebridge.clock import utc_now
from coursebridge.integrations.runs import RunControl
from coursebridge.integrations.store import IntegrationStore
from coursebridge.linkedin.client import HttpClient, LinkedInClient, http_client
from coursebridge.linkedin.credentials import KeyPair, credentials_secret, pair_for, tokens_secret
from coursebridge.linkedin.tokens import TokenSource
from coursebridge.observability import logger
from coursebridge.settings import settings
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.runs import RunStore
from coursebridge.storage.statements import StatementStore
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coursebridge.integrations.models import Filters, Integration
    from coursebridge.linkedin.credentials import Scope


class TokenSecret:
    """The tokens of one integration in Secrets Manager, shared by all invocations."""

    def __init__(self, integration_id: str) -> None:
        self._name = tokens_secret(settings().secret_prefix, integration_id)

    def read(self) -> dict[str, Any]:
        """Return the tokens by client id."""
        return secret_values.read_or_empty(self._name)

    def write(self, tokens: dict[str, Any]) -> None:
        """Replace the tokens, unless Secrets Manager refuses: a token that is not shared is good all the same."""
        try:
            secret_values.write(self._name, tokens, "Access tokens for LinkedIn, shared by all invocations")
        except ClientError as error:
            # It keeps every version for a day, and at most a hundred.
            logger.warning("LinkedIn's token is not shared", code=error.response["Error"]["Code"])


@cache
def oauth_http() -> HttpClient:
    """Return the HTTP client for LinkedIn's OAuth server."""
    return http_client(settings().linkedin_oauth_url)


@cache
def api_http() -> HttpClient:
    """Return the HTTP client for LinkedIn's API."""
    return http_client(settings().linkedin_api_url)


def key_pair(integration_id: str, scope: Scope) -> KeyPair:
    """Return the key pair that serves a scope.

    Raises:
        CredentialsRefused: the integration has none.
    """
    prefix = settings().secret_prefix
    return pair_for(
        scope, lambda of_scope: secret_values.read_or_empty(credentials_secret(prefix, integration_id, of_scope))
    )


@cache
def _tokens(integration_id: str, pair: KeyPair) -> TokenSource:
    return TokenSource(oauth_http(), pair, TokenSecret(integration_id))


def linkedin(integration_id: str, scope: Scope) -> LinkedInClient:
    """Return a client for one scope of an integration's LinkedIn account.

    Raises:
        CredentialsRefused: the integration has no key pair.
    """
    return LinkedInClient(api_http(), _tokens(integration_id, key_pair(integration_id, scope)), scope)


def context(integration_id: str, reported: Callable[[], Iterable[str]] = tuple) -> Context:
    """Return the context that the tasks of an integration's catalogue sync share.

    Args:
        integration_id: the integration.
        reported: returns the courses that activity reports wait for, the longest awaited first.
    """
    courses = CourseStore(table(), integration_id)
    statements = StatementStore(table(), integration_id)
    return Context(
        integration_id=integration_id,
        integration=partial(IntegrationStore(table()).get, integration_id),
        linkedin=partial(linkedin, integration_id, "content"),
        runs=RunStore(table(), integration_id, "catalog"),
        courses=courses,
        classifications=ClassificationStore(table(), integration_id),
        reindex=lambda generation, changes: _publisher().publish(courses, generation, changes),
        published=lambda: _publisher().published(integration_id),
        now=utc_now,
        awaited=lambda: dict.fromkeys(chain(statements.awaited_courses(), reported())),
        known_entries=_known_entries(integration_id),
    )


@lru_cache(maxsize=4)
def _known_entries(_integration_id: str) -> set[bytes]:
    """Return the digests stored for one integration; each set takes a megabyte or two, so only a few are kept."""
    return set()


def _publisher() -> Publisher:
    """Return the publisher of search indexes.

    The import is local because it takes longer than most tasks, which do not need it.
    """
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415

    # Each part of an index being uploaded to S3 is in memory.
    transfer = TransferConfig(max_concurrency=2)
    return Publisher(clients.s3(), settings().bucket_name, transfer)


def preview(integration: Integration, wanted: Filters) -> dict[str, Any]:
    """Return what saving these filters would do: counts (``archived``, ``restored``, ``kept``), samples and notes."""
    wish = replace(Wish.of(integration), filters=wanted)
    counted = conform.preview(CourseStore(table(), integration.id), wish)
    return {**counted, "notes": left_to_syncs(integration, wanted)}


def left_to_syncs(before: Integration, after: Filters) -> list[str]:
    """Describe in sentences what only syncs can do about a change of filters."""
    told = list(filters.left_to_syncs(before.filters, after))
    if not RunStore(table(), before.id, "catalog").state().get("watermark"):
        told.append("Nothing has been synced completely yet: the courses that match come with the next sync.")
    elif is_wider(before.filters, after, ClassificationStore(table(), before.id).parents_of):
        told.append(
            "The filters are wider: courses that match but are not here yet come with the next sync, which is full."
        )
    return told


def run_control(integration_id: str) -> RunControl:
    """Return the control that starts, redrives and confirms an integration's catalogue runs."""
    runs = RunStore(table(), integration_id, "catalog")
    arn = settings().catalog_state_machine_arn
    return RunControl(runs, clients.stepfunctions(), arn, on_abandoned=UNFINISHED)
