"""The memory of courses that LinkedIn did not give: when it is asked again, and how much is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.storage import keys
from coursebridge.storage.unknown_courses import MOST_BYTES, Asked, UnknownCourseStore

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

NOW = parse_rfc3339("2026-03-01T08:00:00.000Z")


def before(days: float) -> str:
    return rfc3339(NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("first", "last", "due"),
    [(0.9, 0.9, False), (1, 1, True), (5, 2, False), (4, 2, True), (200, 29, False), (200, 30, True)],
)
def test_a_course_is_due_after_as_long_as_it_was_asked_for_in_vain(first: float, last: float, due: bool) -> None:
    assert Asked(before(first), before(last)).is_due(NOW) is due


def test_another_time_in_vain_counts_once_however_often_it_is_noted() -> None:
    once = Asked(before(3), before(3)).again(before(1))

    assert once == once.again(before(1)) == once.again(before(2)) == Asked(before(3), before(1))


def test_what_is_kept_comes_back_and_expires(table: Table) -> None:
    store = UnknownCourseStore(table, "acme")
    courses = {"urn:li:lyndaCourse:1": Asked(before(3), before(1))}

    assert store.get() == {}
    store.put(courses, NOW)

    item = table.get(keys.unknown_courses("acme"))
    assert store.get() == courses
    assert item is not None
    assert datetime.fromtimestamp(int(item["expires_at"]), NOW.tzinfo) == NOW + timedelta(days=90)


def test_of_too_many_the_longest_known_are_forgotten(table: Table) -> None:
    store = UnknownCourseStore(table, "acme")
    dice = Random(1)
    courses = {f"urn:li:lyndaCourse:{dice.getrandbits(300):x}": Asked(before(n), before(1)) for n in range(1, 12_000)}

    store.put(courses, NOW)

    item = table.get(keys.unknown_courses("acme"))
    kept = store.get()
    assert item is not None
    assert len(item["courses"]) <= MOST_BYTES
    assert list(kept) == list(reversed(list(courses)[: len(kept)]))
    assert len(kept) >= 3_000
