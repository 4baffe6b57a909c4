"""Webhooks with a receiver in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_socket

from coursebridge import clients, secret_values
from coursebridge.webhooks.dispatch import Dispatcher
from coursebridge.webhooks.sending import Sender
from coursebridge.webhooks.service import Webhooks
from learning_lab import ACME, AT, NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Table
    from coursebridge.webhooks.targets import Target

PREFIX = "test/"
URL = "https://lms.example.com/hook?x=1"


@dataclass
class Lab:
    """Endpoints of one integration, a receiver that gives ``answers``, and the queue of deliveries."""

    table: Table
    queue_url: str
    answers: list[int | Exception] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    addresses: list[str] = field(default_factory=lambda: ["93.184.216.34"])

    @property
    def webhooks(self) -> Webhooks:
        return Webhooks(self.table, ACME, PREFIX, inside=False, actor="admin")

    @property
    def dispatcher(self) -> Dispatcher:
        sender = Sender(
            lambda: httpx.MockTransport(self._receive),
            lambda _host, _port: self.addresses,
            inside=False,
            now=lambda: NOW,
        )
        return Dispatcher(self.table, clients.sqs(), self.queue_url, PREFIX, sender, lambda: NOW)

    def _receive(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)

    def create(self, **settings: Any) -> tuple[Target, str]:
        return self.webhooks.create({"url": URL, **settings}, NOW)

    def queued(self) -> int:
        found = clients.sqs().get_queue_attributes(
            QueueUrl=self.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def deliveries(self, target: Target, status: str | None = None) -> list[Any]:
        return self.webhooks.page(target.id, status, limit=100, after=None)[0]


def bus_event(type_: str = "AttemptCompleted", event_id: str = "e1", **data: Any) -> dict[str, Any]:
    """Return an event as a rule of the bus delivers it."""
    detail = {"version": "1", "id": event_id, "time": AT, "integration_id": ACME, "data": data}
    return {"source": "coursebridge", "detail-type": type_, "detail": detail}


@pytest.fixture(autouse=True)
def _event_loops_may_wake_themselves() -> None:
    pytest_socket.enable_socket()
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def lab(table: Table) -> Iterator[Lab]:
    """A lab with a table, a queue and a receiver."""
    secret_values._provider.cache_clear()
    yield Lab(table, clients.sqs().create_queue(QueueName="deliveries")["QueueUrl"])
    secret_values._provider.cache_clear()
