"""What functions read from their environment."""

from __future__ import annotations

import pytest

from coursebridge.settings import MissingSetting, Settings


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(MissingSetting, match="the environment variable TABLE_NAME is not set"):
        _ = Settings({"BUCKET_NAME": "bucket"}).table_name


def test_a_variable_that_is_empty_is_not_set() -> None:
    with pytest.raises(MissingSetting, match="the environment variable TABLE_NAME is not set"):
        _ = Settings({"TABLE_NAME": ""}).table_name


def test_what_can_be_done_without_has_a_default() -> None:
    assert Settings({}).api_public_url == ""
    assert Settings({"TOKEN_LIFETIME_SECONDS": ""}).token_lifetime_seconds == 3600


def test_numbers_are_read_as_numbers() -> None:
    assert Settings({"TOKEN_LIFETIME_SECONDS": "60"}).token_lifetime_seconds == 60


@pytest.mark.parametrize(("text", "is_local"), [("true", True), ("false", False), ("", False)])
def test_switches_are_read_as_such(text: str, is_local: bool) -> None:
    assert Settings({"LOCAL": text}).local is is_local
