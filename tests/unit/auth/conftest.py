"""The token function, called as API Gateway calls it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

import token_handler
from answers import Answer
from coursebridge.auth.clients import Client
from coursebridge.storage import wiring as storage_wiring
from unit.conftest import Context
from xapi_builders import request

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

CREATED = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Door:
    """The token endpoint with one registered client, and the AWS calls of the last request, counted."""

    table: Table
    client: Client
    secret: str
    calls: Counter[str] = field(default_factory=Counter)

    def ask(self, source: str = "192.0.2.1", **form: str) -> Answer:
        """Ask for a token, with the right secret by default."""
        whole = {
            "grant_type": "client_credentials",
            "client_id": self.client.client_id,
            "client_secret": self.secret,
            **form,
        }
        event = request("POST", "/oauth2/token", urlencode(whole))
        event["requestContext"]["http"]["sourceIp"] = source
        self.calls.clear()
        return Answer.of(token_handler.lambda_handler(event, Context()))


@pytest.fixture
def door(deployed: Table) -> Door:
    client, secret = Client("client-1", "LMS", ("learning:read",), None, CREATED).with_new_secret(CREATED)
    deployed.put(client.to_item())
    door = Door(deployed, client, secret)
    for name, service in (("dynamodb", storage_wiring.table().client), ("secrets", _secrets())):
        service.meta.events.register(
            "before-call", lambda model, name=name, **_: door.calls.update([f"{name}:{model.name}"])
        )
    return door


def _secrets() -> Any:
    from coursebridge import clients  # noqa: PLC0415

    return clients.secretsmanager()
