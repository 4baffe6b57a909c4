"""The AWS clients: one of each, shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge import clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@pytest.fixture
def fresh() -> Iterator[None]:
    """Let a test make the client anew, and forget it afterwards."""
    clients.s3.cache_clear()
    yield
    clients.s3.cache_clear()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("region", "emulator", "address"),
    [
        ("eu-central-1", None, "https://my-bucket.s3.eu-central-1.amazonaws.com/file"),
        ("us-east-1", None, "https://my-bucket.s3.us-east-1.amazonaws.com/file"),
        ("cn-north-1", None, "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/file"),
        ("eu-central-1", "http://localhost:4566", "http://localhost:4566/my-bucket/file"),
    ],
)
def test_a_signed_link_leads_to_the_region_itself_or_to_the_emulator(
    region: str, emulator: str | None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    if emulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)

    link = clients.s3().generate_presigned_url("get_object", Params={"Bucket": "my-bucket", "Key": "file"})

    assert link.partition("?")[0] == address
