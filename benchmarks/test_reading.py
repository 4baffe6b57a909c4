"""Long lists in pages: calls to the table and processor time of a page, whatever lies before it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import pytest
from meter import Meter

from coursebridge.people import attempts
from coursebridge.records.evidence import Evidence, Point
from coursebridge.storage.learners import Record
from unit.conftest import TABLE_NAME, deployed, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from figures import Figures

    from coursebridge.people.attempts import Attempts
    from coursebridge.storage.table import Item, Table

__all__ = ["deployed", "table"]

NOW = "2026-03-01T00:00:00.000Z"
EVIDENCE = Evidence(points={NOW: Point(10)})
PAGE = 500


def record(learner: str, urn: str) -> Item:
    return Record("acme", learner, urn).with_evidence(learner, EVIDENCE, 600).to_item(NOW)


def read_through(meter: Meter, read: Callable[[Item | None], Attempts]) -> tuple[int, list[float], int]:
    """Read a list to its end; return how many attempts, the processor time of each page, and its most calls."""
    found, seconds, calls = 0, [], 0
    position: Any = None
    while True:
        with meter.on() as measured:
            page = read(position)
        found, position = found + len(page.items), page.position
        seconds.append(measured.seconds)
        calls = max(calls, sum(measured.calls.values()))
        if position is None:
            return found, seconds, calls


@pytest.mark.parametrize(
    ("whose", "number", "items"),
    [
        ("a learner's", 1_000, [record("ada", f"urn:li:lyndaCourse:{number}") for number in range(1_000)]),
        ("a course's", 100_000, (record(f"l{number:06d}", "urn:li:lyndaCourse:1") for number in range(100_000))),
    ],
)
def test_attempts_in_pages(figures: Figures, deployed: Table, whose: str, number: int, items: Any) -> None:
    deployed.put_many(items)
    limit = number // 10 if number <= 1_000 else PAGE

    def read(after: Item | None) -> Attempts:
        if whose == "a learner's":
            return attempts.of_learner(deployed, "acme", "ada", None, limit, after)
        return attempts.of_course(deployed, "acme", "urn:li:lyndaCourse:1", None, limit, after)

    found, seconds, calls = read_through(Meter(TABLE_NAME), read)

    assert found == number
    what = f"{whose} {number:,} attempts in pages of {limit}"
    figures.add(f"{what}: calls a page", calls, "calls", "1")
    figures.add(f"{what}: processor time a page", statistics.median(seconds) * 1000, "ms")
    ends = statistics.median(seconds[-6:-1]) / statistics.median(seconds[:5])
    figures.add(f"{what}: last pages / first pages", ends, "x", "flat: about 1")
