"""Personal data does not get into logs by accident."""

from __future__ import annotations

import logging

import pytest
from pydantic import ValidationError

from coursebridge import observability
from coursebridge.contract import Answer


class Shown(Answer):
    """An answer with a field of personal data."""

    emails: list[int]


def test_an_answer_that_does_not_fit_is_told_without_what_was_in_it() -> None:
    with pytest.raises(ValidationError) as told:
        Shown.model_validate({"emails": ["ada@example.com"]})

    assert "ada@example.com" not in str(told.value)


def test_the_urls_that_are_called_are_not_logged() -> None:
    assert observability.logger
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
