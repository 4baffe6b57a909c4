"""The admin function, called as API Gateway calls it, with LinkedIn and the scheduler in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from urllib.parse import unquote

import httpx
import pytest

import admin_handler
from answers import Answer
from coursebridge import clients
from coursebridge.admin import wiring as admin
from coursebridge.auth import wiring
from coursebridge.auth.tokens import Grant
from coursebridge.clock import utc_now
from coursebridge.linkedin.client import LinkedInClient
from coursebridge.linkedin.errors import CredentialsRefused
from coursebridge.linkedin.tokens import AccessToken
from unit.conftest import Context as BareContext
from xapi_builders import request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coursebridge.linkedin.credentials import KeyPair, Scope
    from coursebridge.storage.table import Table

STATE_MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:{}"
GOOD_PAIR = {"client_id": "78content", "client_secret": "WPL_AP1.planted-linkedin-secret"}
ENVIRONMENT = {
    "SECRET_PREFIX": "test/",
    "BUCKET_NAME": "test-bucket",
    "LINKEDIN_OAUTH_URL": "https://oauth.example.com",
    "LINKEDIN_API_URL": "https://linkedin.example.com",
    "CATALOG_FUNCTION_NAME": "catalog-sync",
    "PURGE_FUNCTION_NAME": "purge",
    "CATALOG_STATE_MACHINE_ARN": STATE_MACHINE.format("catalog"),
    "ACTIVITY_STATE_MACHINE_ARN": STATE_MACHINE.format("activity"),
    "SCHEDULE_GROUP_NAME": "test",
    "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/schedules",
    "SCHEDULE_DEAD_LETTER_ARN": "arn:aws:sqs:eu-west-1:123456789012:dead",
}
REMEMBERING = (admin.clients, admin.kept_schedules)


@dataclass(frozen=True)
class Context(BareContext):
    """An invocation with this much time left."""

    left_millis: int = 29_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_millis


@dataclass(frozen=True)
class Functions:
    """A Lambda client that only notes what it is asked to invoke."""

    asked: list[tuple[str, Any]] = field(default_factory=list)

    def invoke(self, **request: Any) -> None:
        assert request["InvocationType"] == "Event"
        self.asked.append((request["FunctionName"], json.loads(request["Payload"])))


@dataclass(frozen=True)
class Api:
    """A caller of the admin API with a token, and the background invocations that its calls cause."""

    table: Table
    token: str
    functions: Functions = field(default_factory=Functions)

    def send(self, method: str, path: str, body: object = None, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        event = request(method, unquote(path), body, headers=headers, **options)
        return Answer.of(admin_handler.lambda_handler(event, Context()))

    def ask(self, method: str, path: str, body: object = None, *, expect: int = 200, **options: Any) -> Any:
        """Send, check the status, and return the JSON (or ``None`` for an empty answer)."""
        answer = self.send(method, path, body, **options)
        assert answer.status == expect, answer.text
        return answer.json if answer.text else None

    def as_client(self, scopes: set[str], integration_id: str | None = None, client_id: str = "first") -> Api:
        """Return the API as another client would call it."""
        return Api(self.table, wiring.tokens().mint(Grant(client_id, 1, integration_id, frozenset(scopes))))

    def integration(self, **settings: Any) -> Any:
        """Create an integration."""
        return self.ask("POST", "/admin/integrations", {"name": "Acme", **settings}, expect=201)


@pytest.fixture
def api(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API as the first admin calls it, in an empty deployment."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _forget()
    clients.s3().create_bucket(Bucket="test-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    clients.scheduler().create_schedule_group(Name="test")
    monkeypatch.setattr(admin, "verify", _only_the_good_pair)
    monkeypatch.setattr(admin, "trial", trial)
    functions = Functions()
    monkeypatch.setattr(clients, "functions", lambda: functions)
    token = wiring.tokens().mint(Grant("first", 1, None, frozenset({"admin:read", "admin:write"})))
    yield Api(deployed, token, functions)
    _forget()


def trial(pair: KeyPair, _token: AccessToken) -> Callable[[Scope], LinkedInClient]:
    """Return LinkedIn for a key pair, which may read what its client id names; ``78content`` may read everything."""

    def answer(asked: httpx.Request) -> httpx.Response:
        wanted = "report" if "Reports" in asked.url.path else "content"
        if pair.client_id.startswith("78only-") and not pair.client_id.endswith(wanted):
            return httpx.Response(403, json={"status": 403, "message": "Not enough permissions"})
        return httpx.Response(200, json={"elements": [], "paging": {"start": 0, "count": 1, "total": 0}})

    tokens = Mock(token=lambda: "t")
    transport = httpx.MockTransport(answer)
    return lambda scope: LinkedInClient(httpx.Client(transport=transport, base_url="https://l"), tokens, scope)


def _only_the_good_pair(_client_id: str, client_secret: str) -> AccessToken:
    if client_secret != GOOD_PAIR["client_secret"]:
        raise CredentialsRefused("invalid_client", "Client authentication failed")
    return AccessToken("t", utc_now() + timedelta(hours=1))


def _forget() -> None:
    for remembering in REMEMBERING:
        remembering.cache_clear()
