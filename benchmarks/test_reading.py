"""Long lists read in pages: queries and processor time per page, which should not grow with the pages before it."""

from __future__ import annotations

import bisect
import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.people import attempts
from coursebridge.records.evidence import Evidence, Point
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import to_wire
from coursebridge.storage.records import Record
from coursebridge.storage.table import Table

if TYPE_CHECKING:
    from figures import Figures

    from coursebridge.people.attempts import Attempts
    from coursebridge.storage.table import Item

NOW = "2026-03-01T00:00:00.000Z"
EVIDENCE = Evidence(points={NOW: Point(10)})
URN = "urn:li:lyndaCourse:1"


class Partition:
    """A DynamoDB client that only answers queries of one partition; its own time is measured, to be deducted."""

    def __init__(self, items: list[Item], sort_key: str) -> None:
        self._items = sorted((to_wire(item) for item in items), key=lambda wire: wire[sort_key]["S"])
        self._names = [wire[sort_key]["S"] for wire in self._items]
        self._sort_key = sort_key
        self.calls = 0
        self.seconds = 0.0

    def query(self, **request: Any) -> dict[str, Any]:
        """Return one page."""
        started = time.process_time()
        self.calls += 1
        after = request.get("ExclusiveStartKey")
        at = bisect.bisect_right(self._names, after[self._sort_key]["S"]) if after else 0
        page = self._items[at : at + request["Limit"]]
        answer: dict[str, Any] = {"Items": page}
        if at + len(page) < len(self._items):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("PK", "SK", "GSI1PK", "GSI1SK")}
        self.seconds += time.process_time() - started
        return answer


def record(learner: str, urn: str) -> Item:
    return Record("acme", learner, urn).with_evidence(learner, EVIDENCE, 600).to_item(NOW)


@pytest.mark.parametrize(("whose", "number", "limit"), [("a learner's", 1_000, 100), ("a course's", 100_000, 500)])
def test_attempts_in_pages(figures: Figures, whose: str, number: int, limit: int) -> None:
    if whose == "a learner's":
        items = [record("ada", f"urn:li:lyndaCourse:{each}") for each in range(number)]
        partition = Partition(items, keys.SK)
    else:
        partition = Partition([record(f"l{each:06d}", URN) for each in range(number)], "GSI1SK")
    client: Any = partition
    table = Table(client, "table")

    def read(after: Item | None) -> Attempts:
        if whose == "a learner's":
            return attempts.of_learner(table, "acme", "ada", None, limit, after)
        return attempts.of_course(table, "acme", URN, None, limit, after)

    found, seconds, position = 0, [], None
    while True:
        partition.seconds = 0.0
        started = time.process_time()
        page = read(position)
        seconds.append(time.process_time() - started - partition.seconds)
        found, position = found + len(page.items), page.position
        if position is None:
            break

    assert found == number
    what = f"{whose} {number:,} attempts in pages of {limit}"
    figures.add(f"{what}: queries a page", partition.calls / len(seconds), "queries", "1")
    figures.add(f"{what}: processor time a page", statistics.median(seconds) * 1000, "ms")
    ends = statistics.median(seconds[-5:]) / statistics.median(seconds[:5])
    figures.add(f"{what}: last pages / first pages", ends, "x", "flat: about 1")
