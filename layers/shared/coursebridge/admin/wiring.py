"""Builds the admin services of this process, which act on behalf of the caller of a request."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import httpx

from coursebridge import clients as aws
from coursebridge import clock, secret_values
from coursebridge.admin.callers import Callers
from coursebridge.admin.consequences import SettingsChange
from coursebridge.admin.credentials import Credentials
from coursebridge.admin.integrations import Integrations
from coursebridge.admin.linkedin_webhooks import LinkedInWebhooks
from coursebridge.admin.runs import Runs
from coursebridge.admin.selftest import Selftest
from coursebridge.admin.statements import Statements
from coursebridge.auth import wiring
from coursebridge.auth.administration import Clients
from coursebridge.catalog import wiring as catalog_wiring
from coursebridge.integrations import schedules
from coursebridge.integrations.runs import RunControl
from coursebridge.integrations.store import IntegrationStore
from coursebridge.linkedin.client import LinkedInClient
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.linkedin.tokens import TokenSource, mint
from coursebridge.secret_values import pseudonym_key
from coursebridge.settings import settings
from coursebridge.storage.runs import RunStore
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.integrations.schedules import Schedules
    from coursebridge.linkedin.credentials import Scope
    from coursebridge.linkedin.tokens import AccessToken

# Reserved in a request for what follows the work on courses: the search index and the answer.
TIME_TO_ANSWER_MILLIS = 12_000
QUICK_SECONDS = 5.0
VERIFYING_SECONDS = 8.0


@cache
def clients() -> Clients:
    """Return the service that creates, changes and revokes clients."""
    return Clients(table(), partial(secret_values.read, settings().bootstrap_secret_arn))


@cache
def kept_schedules() -> Schedules:
    """Return the schedules of this stack."""
    return schedules.of_stack()


def integrations(actor: str) -> Integrations:
    """Return the service that administers integrations on behalf of a caller."""
    return Integrations(table(), clients(), kept_schedules(), settings().secret_prefix, actor, _purge_in_the_background)


def _purge_in_the_background(integration_id: str) -> None:
    aws.functions().invoke(
        FunctionName=settings().purge_function_name,
        InvocationType="Event",
        Payload=json.dumps({"integration_id": integration_id}),
    )


def credentials(actor: str, invocation: LambdaContext) -> Credentials:
    """Return the service that saves key pairs on behalf of a caller, within the time of an invocation."""
    return Credentials(integrations(actor), verify, trial, time_is_up(invocation))


def verify(client_id: str, client_secret: str) -> AccessToken:
    """Mint a token with a key pair, to test the pair before it is saved.

    LinkedIn gets less time than in a sync, so that the caller gets an answer in any case.

    Raises:
        CredentialsRefused: LinkedIn gives no token; carries LinkedIn's error, the cause and a remedy.
        LinkedInError: LinkedIn has problems at the moment.
    """
    return mint(_quick_http(settings().linkedin_oauth_url, VERIFYING_SECONDS), KeyPair.of(client_id, client_secret))


class _Unshared:
    """Tokens that nobody else uses: what an earlier token of an application allows may be out of date."""

    def __init__(self, tokens: dict[str, Any]) -> None:
        self._tokens = tokens

    def read(self) -> dict[str, Any]:
        return self._tokens

    def write(self, tokens: dict[str, Any]) -> None:
        self._tokens = tokens


def trial(pair: KeyPair, token: AccessToken) -> Callable[[Scope], LinkedInClient]:
    """Return what makes LinkedIn clients, by scope, that use a key pair not saved yet; each call has one attempt."""
    minted = {pair.client_id: {"access_token": token.value, "renew_at": clock.rfc3339(token.renew_at)}}
    tokens = TokenSource(_quick_http(settings().linkedin_oauth_url), pair, _Unshared(minted))
    return lambda scope: LinkedInClient(_quick_http(settings().linkedin_api_url), tokens, scope, attempts=1)


def linkedin_webhooks(actor: str, base_url: str) -> LinkedInWebhooks:
    """Return the service that administers LinkedIn's clients on behalf of a caller."""
    return LinkedInWebhooks(integrations(actor), base_url)


def callers(actor: str) -> Callers:
    """Return the service that administers clients on behalf of a caller."""
    return Callers(clients(), actor)


def time_is_up(invocation: LambdaContext) -> Callable[[], bool]:
    """Return a function that tells whether a request has only the time left for its answer."""
    return clock.time_is_up(invocation, TIME_TO_ANSWER_MILLIS)


def settings_change(invocation: LambdaContext) -> SettingsChange:
    """Return the service that applies saved settings within the time of an invocation."""
    return SettingsChange(
        table(),
        catalog_wiring.context,
        aws.functions(),
        settings().catalog_function_name,
        time_is_up(invocation),
    )


def selftest(integration_id: str, base_url: str, invocation: LambdaContext) -> Selftest:
    """Return the self-test of an integration, quick enough for one request.

    Raises:
        NotFound: there is no such integration.
    """
    integration = IntegrationStore(table()).get(integration_id)

    def linkedin(scope: Scope) -> LinkedInClient:
        pair = catalog_wiring.key_pair(integration_id, scope)
        tokens = TokenSource(
            _quick_http(settings().linkedin_oauth_url), pair, catalog_wiring.TokenSecret(integration_id)
        )
        return LinkedInClient(_quick_http(settings().linkedin_api_url), tokens, scope, attempts=1)

    def minted(scope: Scope) -> AccessToken:
        return mint(_quick_http(settings().linkedin_oauth_url), catalog_wiring.key_pair(integration_id, scope))

    return Selftest(
        integration,
        clients().get(integration.webhook_client_id),
        table(),
        wiring.tokens(),
        minted,
        linkedin,
        httpx.Client(timeout=QUICK_SECONDS),
        base_url,
        time_is_up(invocation),
    )


def _quick_http(base_url: str, seconds: float = QUICK_SECONDS) -> httpx.Client:
    return httpx.Client(base_url=base_url, timeout=seconds)


def runs(actor: str) -> Runs:
    """Return the service that starts and shows runs on behalf of a caller."""
    return Runs(table(), {"catalog": catalog_wiring.run_control, "activity": _activity_control}, actor)


def _activity_control(integration_id: str) -> RunControl:
    store = RunStore(table(), integration_id, "activity")
    return RunControl(store, aws.stepfunctions(), settings().activity_state_machine_arn)


def statements(actor: str) -> Statements:
    """Return the service that shows and replays statements on behalf of a caller."""
    return Statements(table(), actor, pseudonym_key)
