"""AWS's clients: one of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge import clients

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("make", "service"),
    [
        (clients.dynamodb, "dynamodb"),
        (clients.secretsmanager, "secretsmanager"),
        (clients.s3, "s3"),
        (clients.stepfunctions, "stepfunctions"),
        (clients.functions, "lambda"),
        (clients.scheduler, "scheduler"),
        (clients.events, "events"),
        (clients.sqs, "sqs"),
    ],
)
def test_a_client_is_made_once_and_gives_up_in_time(make: Callable[[], Any], service: str) -> None:
    client = make()

    assert client is make()
    assert client.meta.service_model.service_name == service
    assert client.meta.config.connect_timeout == 2
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 5}
