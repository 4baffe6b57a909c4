"""The learning function, called as API Gateway calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import learning_handler
from coursebridge import clients
from coursebridge.auth import scopes, wiring
from coursebridge.auth.tokens import Grant
from coursebridge.catalog.search import wiring as search_wiring
from learning_lab import ACME, Caller, put_integration
from unit.conftest import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coursebridge.storage.table import Table

BUCKET = "test-bucket"


@pytest.fixture
def connect(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Caller]]:
    """A function that makes callers with these scopes, of an integration or (``None``) of none."""
    clients.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    queue_url = clients.sqs().create_queue(QueueName="exports")["QueueUrl"]
    monkeypatch.setenv("BUCKET_NAME", BUCKET)
    monkeypatch.setenv("EXPORT_QUEUE_URL", queue_url)
    put_integration(deployed)

    def connected(*held: str, integration_id: str | None = ACME) -> Caller:
        grant = Grant("first", 1, integration_id, frozenset(held or scopes.LEARNING))
        return Caller(deployed, wiring.tokens().mint(grant), learning_handler.lambda_handler, Context())

    yield connected
    while search_wiring.replicas():
        search_wiring.replicas().popitem()


@pytest.fixture
def lms(connect: Callable[..., Caller]) -> Caller:
    """An LMS that may read and write the learning data of one integration."""
    return connect()


@pytest.fixture
def admin(connect: Callable[..., Caller]) -> Caller:
    """An admin who may also do what an LMS does."""
    return connect(*scopes.LEARNING, *scopes.ADMIN, integration_id=None)
