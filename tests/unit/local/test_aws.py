"""Tools never see a real account."""

import os

import pytest

from local.aws import Clients, tool_environment
from local.settings import StackSettings


def test_a_tools_environment_has_nothing_of_the_persons_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "real")

    environment = tool_environment(StackSettings(port=4999))

    assert "real" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_clients_talk_to_the_emulator() -> None:
    clients = Clients("http://127.0.0.1:4999", "eu-west-1")

    assert clients.dynamodb.meta.endpoint_url == "http://127.0.0.1:4999"
    assert clients.dynamodb.meta.region_name == "eu-west-1"
