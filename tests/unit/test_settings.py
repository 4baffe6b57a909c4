"""What functions read from their environment."""

from __future__ import annotations

import pytest

from coursebridge.settings import MissingSetting, Settings


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(MissingSetting, match="the environment variable TABLE_NAME is not set"):
        Settings.from_environment({"BUCKET_NAME": "bucket"}).need("table_name")


def test_numbers_are_read_as_numbers() -> None:
    assert Settings.from_environment({"TOKEN_LIFETIME_SECONDS": "60"}).token_lifetime_seconds == 60
