"""Fixtures for a deployment in memory, with a table made from the template."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from moto import mock_aws

import quick_moto
from cfn import resources
from coursebridge import clients, cursors, secret_values, settings
from coursebridge.auth import wiring
from coursebridge.storage import table as table_module
from coursebridge.storage import wiring as storage_wiring
from coursebridge.storage.table import Table
from described import kept_to_description
from policies import handlers, kept_to_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE_NAME = "coursebridge-test"
CREATED = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
REMEMBERING = (
    cursors.cursors,
    secret_values._provider,
    settings.settings,
    wiring.access,
    wiring.exchange,
    wiring.registry,
    storage_wiring.table,
    wiring.tokens,
)


# How long an example takes depends on the machine, and drawing the first text builds a table of Unicode.
hypothesis.settings.register_profile(
    "coursebridge", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("coursebridge")
quick_moto.quicken()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exempt the objects that live until the end, which are most of them, from garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set useless credentials and a region before anything makes a client."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(autouse=True, scope="session")
def temporary_files_go_with_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep temporary files in a folder of the session, because functions leave theirs for Lambda to discard."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("disk"))
    yield
    tempfile.tempdir = before


@pytest.fixture(autouse=True)
def nobody_waits_for_other_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause: a test makes the changes of other writers itself, in between."""
    monkeypatch.setattr(table_module, "_wait", lambda _seconds: None)


@pytest.fixture(autouse=True)
def functions_keep_to_their_policies_and_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that each function's policy allows what it does, and that the API's description lists what it answers."""
    for function, name in handlers().items():
        module = sys.modules.get(name)
        if module:
            handler = kept_to_policy(function, module.lambda_handler)
            monkeypatch.setattr(module, "lambda_handler", kept_to_description(handler))


@cache
def table_properties() -> dict[str, Any]:
    """Return those of the table's properties in the template that are needed to create it."""
    properties = resources("AWS::DynamoDB::Table")["Table"]
    return {name: properties[name] for name in CREATED}


@pytest.fixture
def table(aws_environment: None) -> Iterator[Table]:
    """The template's table, empty. All tests share the clients, because making one takes longer than most tests."""
    with mock_aws():
        client = clients.dynamodb()
        client.create_table(TableName=TABLE_NAME, **table_properties())
        yield Table(client, TABLE_NAME)


@dataclass(frozen=True)
class Context:
    """What a function needs to know about its invocation."""

    function_name: str = "test"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:test"
    aws_request_id: str = "request"
    left: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""
        return self.left


@pytest.fixture
def deployed(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """A deployment as a new function finds it: its environment and secrets, and empty caches."""
    secrets = clients.secretsmanager()
    held: dict[str, Any] = {
        "signing": {"kid": "k1", "key": "s" * 64},
        "bootstrap": {"client_id": "first", "client_secret": "first-secret"},
        "pseudonym-key": {"key": "p" * 64},
    }
    arns = {
        name: secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"] for name, value in held.items()
    }
    environment = {
        "TABLE_NAME": TABLE_NAME,
        "SIGNING_KEYS_SECRET_ARN": arns["signing"],
        "BOOTSTRAP_SECRET_ARN": arns["bootstrap"],
        "PSEUDONYM_SECRET_ARN": arns["pseudonym-key"],
        "API_PUBLIC_URL": "https://api.example.com",
        "POWERTOOLS_SERVICE_NAME": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "Coursebridge",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield table
    _forget()


def _forget() -> None:
    for remembering in REMEMBERING:
        remembering.cache_clear()
