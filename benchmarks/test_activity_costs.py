"""Activity syncs of a year with 10,000 learners, a first and a second one: requests to LinkedIn, writes and memory.

The table is made of plain dictionaries and LinkedIn answers from this process, so the figures are those of the code
alone. `COURSEBRIDGE_LEARNERS` sets another number of learners.
"""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from activity_lab import BUCKET, PSEUDONYM_KEY, Lab
from catalog_lab import Clock, integration
from coursebridge.activity.context import Context
from coursebridge.activity.tasks import TASKS
from coursebridge.activity.windows import windows
from coursebridge.clock import to_millis
from coursebridge.linkedin import reports
from coursebridge.storage import keys
from coursebridge.storage.runs import RunStore
from memory_table import MemoryTable
from state_machine import StateMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from figures import Figures

LEARNERS = int(os.environ.get("COURSEBRIDGE_LEARNERS", "10000"))
COURSES = 200
COURSES_A_YEAR = 12
MEGABYTE = 1_000_000
Row = dict[str, Any]


@dataclass
class Upstream:
    """LinkedIn with a year of activity, generated on request: every learner completes a course every 30 days."""

    learners: int
    requests: int = 0
    first_day: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=360))

    def get(self, _path: str, parameters: list[tuple[str, str]]) -> Row:
        self.requests += 1
        asked = dict(parameters)
        since, start = int(asked["startedAt"]), int(asked["start"])
        until = since + int(asked["timeOffset.duration"]) * 86_400_000
        told = [(course, at) for course in range(COURSES_A_YEAR) if since <= (at := self.at(course)) < until]
        total = len(told) * self.learners
        rows = [
            self._row(*divmod(number, len(told)), told)
            for number in range(start, min(total, start + reports.PAGE_SIZE))
        ]
        return {"elements": rows, "paging": {"total": total, "links": []}}

    def at(self, course: int) -> int:
        return to_millis(self.first_day + timedelta(days=30 * course))

    def _row(self, learner: int, place: int, told: list[tuple[int, int]]) -> Row:
        course, at = told[place]
        common = {
            "engagementMetricQualifier": "TOTAL",
            "assetType": "COURSE",
            "firstEngagedAt": at,
            "lastEngagedAt": at,
        }
        return {
            "learnerDetails": {
                "email": f"learner{learner}@example.com",
                "entity": {"profileUrn": f"urn:li:enterpriseProfile:(urn:li:enterpriseAccount:1,{learner})"},
            },
            "contentDetails": {"contentUrn": f"urn:li:lyndaCourse:{(learner + course) % COURSES}"},
            "activities": [
                {"engagementType": "SECONDS_VIEWED", "engagementValue": 600, **common},
                {"engagementType": "COMPLETIONS", "engagementValue": 1, **common},
            ],
        }


@dataclass
class Year(Lab):
    """A lab whose LinkedIn is an :class:`Upstream`."""

    upstream: Any = None

    @property
    def context(self) -> Context:
        return Context(
            integration_id="acme",
            integration=lambda: self.settings,
            linkedin=lambda: self.upstream,
            runs=RunStore(self.table, "acme", "activity"),
            table=self.table,
            s3=self.s3,
            bucket=BUCKET,
            pseudonym_key=lambda: PSEUDONYM_KEY,
            now=self.clock,
        )


class Upright(Upstream):
    """An upstream that never throttles."""

    throttled = 0


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield client


def year(s3: Any, learners: int) -> tuple[Year, Any]:
    table: Any = MemoryTable()
    nothing: Any = None
    for number in range(COURSES):
        urn = f"urn:li:lyndaCourse:{number}"
        table.put({**keys.course("acme", urn).item(), "entity": "course", "urn": urn, "duration_seconds": 3600})
    settings = integration(activity={"lookback_days": 365})
    return Year(nothing, table, s3, nothing, settings, Clock(), upstream=Upright(learners)), table


def largest_task(lab: Year) -> float:
    """Run a complete sync and return the peak memory of its tasks, in megabytes."""
    peaks: list[int] = []

    class Measured(StateMachine):
        def task(self, name: str, arguments: dict[str, Any]) -> Any:
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            result = super().task(name, arguments)
            grown, peak = tracemalloc.get_traced_memory()
            # Memory that stays in use belongs to the table and the bucket, which a deployment keeps elsewhere.
            peaks.append(peak - max(kept, grown))
            return result

    tracemalloc.start()
    try:
        Measured(TASKS, lab.context).run(
            {"integration_id": "acme", "mode": "full", "trigger": "bench", "execution": "e1"}
        )
    finally:
        tracemalloc.stop()
    return max(peaks) / MEGABYTE


def test_a_year_of_everybodys_learning(s3: Any, figures: Figures) -> None:
    lab, table = year(s3, LEARNERS)
    run = lab.sync(execution="e1")
    written, requests = table.writes["record"], lab.upstream.requests
    lab.clock.goes_on(hours=1)
    again = lab.sync(execution="e2")

    told = LEARNERS * COURSES_A_YEAR
    least = sum(max(1, -(-rows // reports.PAGE_SIZE)) for rows in _rows_by_window(lab.upstream, lab.clock()))
    assert run["counts"]["created"] == told, run
    assert again["counts"]["unchanged"] == told
    figures.add(f"requests for a year of {LEARNERS:,} learners", requests, "", f"{least:,}")
    figures.add("records written in the first run", written, "", f"{told:,}")
    figures.add("records written in the second run", table.writes["record"] - written, "", "0")


def test_memory_does_not_grow_with_the_learners(s3: Any, figures: Figures) -> None:
    few, more = (largest_task(year(s3, LEARNERS // part)[0]) for part in (100, 10))

    figures.add("most memory a task of a run holds", more, "MB")
    figures.add("ten times the learners, ratio of that memory", more / few, "x", "about 1")


def _rows_by_window(upstream: Upstream, now: datetime) -> Iterator[int]:
    for window in windows(now, 365):
        since, until = to_millis(window.start), to_millis(window.end)
        yield sum(since <= upstream.at(course) < until for course in range(COURSES_A_YEAR)) * upstream.learners
