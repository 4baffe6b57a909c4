"""The statements function, called as API Gateway calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import statements_handler
from answers import Answer
from coursebridge.auth import wiring
from coursebridge.auth.clients import Client
from coursebridge.auth.tokens import Grant
from coursebridge.storage import keys
from unit.conftest import Context
from xapi_builders import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table

CREATED = "2021-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Api:
    """A caller with a token of one integration."""

    table: Table
    token: str

    def call(self, method: str, body: object = None, *, path: str = "/xapi/statements", **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        event = request(method, path, body, headers=headers, **options)
        return Answer.of(statements_handler.lambda_handler(event, Context()))  # type: ignore[arg-type]

    def post(self, body: object, **options: Any) -> Answer:
        return self.call("POST", body, **options)

    def put(self, statement_id: str, body: object, **options: Any) -> Answer:
        return self.call("PUT", body, query={"statementId": statement_id}, **options)

    def get(self, **query: str) -> Answer:
        return self.call("GET", query=query)

    def ids(self, **query: str) -> list[str]:
        return [statement["id"] for statement in self.get(**query).json["statements"]]

    def stored(self, statement_id: str, integration_id: str = "acme") -> dict[str, Any] | None:
        return self.table.get(keys.statement(integration_id, statement_id))

    def count(self) -> int:
        return self.table.count("STATEMENTS#acme", index=keys.GSI1)


@pytest.fixture
def connect(deployed: Table) -> Callable[..., Api]:
    """A function that makes callers, by default of the integration ``acme``."""

    def connected(*, integration_id: str | None = "acme", scope: str = "xapi:all", validation: str = "lenient") -> Api:
        client = Client(f"client-of-{integration_id}", "test", (scope,), integration_id, CREATED)
        client, _ = client.with_new_secret(CREATED)
        deployed.put(client.to_item())
        if integration_id:
            item = {"id": integration_id, "statement_validation": validation, "learner_identification": "email"}
            deployed.put({**keys.integration(integration_id).item(), **item})
        grant = Grant(client.client_id, 1, integration_id, frozenset({scope}))
        return Api(deployed, wiring.tokens().mint(grant))

    return connected


@pytest.fixture
def api(connect: Callable[..., Api]) -> Api:
    """A caller that may read and write the statements of a lenient integration."""
    return connect()


@pytest.fixture
def strict_api(connect: Callable[..., Api]) -> Api:
    """A caller of a strict integration."""
    return connect(validation="strict")
