"""Statements that nobody does anything about are counted, integration by integration."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coursebridge.apply import overdue as module
from coursebridge.apply.overdue import overdue
from people_lab import Lab, account, completion

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def directory(lab: Lab) -> Lab:
    """The lab in `directory` matching."""
    lab.configure(learner_matching="directory")
    return lab


def counted(lab: Lab, later: timedelta) -> int:
    return overdue(lab.table, lab.id, lab.now + later)


def test_what_is_held_for_a_day_is_overdue(directory: Lab) -> None:
    directory.take(completion(0), completion(0, actor=account("ada")))

    assert counted(directory, DAY) == 0
    assert counted(directory, DAY + MINUTE) == 2


def test_a_statement_that_came_late_has_a_day_from_then_on(directory: Lab) -> None:
    directory.take(completion(-2 * 24 * 60))

    assert counted(directory, DAY - MINUTE) == 0
    assert counted(directory, DAY + MINUTE) == 1


def test_a_sync_brings_what_a_course_is_awaited_for(directory: Lab) -> None:
    directory.learner(email="ada@example.com")
    directory.take(completion(0, urn="urn:li:lyndaCourse:9"))

    assert counted(directory, 2 * DAY) == 0


def test_only_those_of_the_integration_count(directory: Lab) -> None:
    directory.take(completion(0))

    assert counted(Lab(directory.table, id="other"), 2 * DAY) == 0


def test_counting_is_bounded(directory: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.take(*(completion(0, f"{number}@example.com") for number in range(5)))

    monkeypatch.setattr(module, "MOST_COUNTED", 3)
    assert counted(directory, 2 * DAY) == 3
    monkeypatch.setattr(module, "MOST_EXAMINED", 2)
    assert counted(directory, 2 * DAY) == 2
