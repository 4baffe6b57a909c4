"""The exact requests for reports, and the staging of rows between reading and recording."""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from activity_lab import COURSE, OTHER_COURSE
from coursebridge.activity import staging
from coursebridge.activity.mapper import Person, ReportedActivity
from coursebridge.linkedin import reports
from coursebridge.linkedin.errors import UnusableAnswer
from coursebridge.records.evidence import Report
from policies import refused, watched

if TYPE_CHECKING:
    from activity_lab import Lab

START = datetime(2021, 7, 26, 2, 46, 40, tzinfo=UTC)
WEEK = reports.Report("COURSE", START, 7)


class Answers:
    """A LinkedIn that answers requests for a report with these bodies, one after the other."""

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self._bodies = list(bodies)
        self.starts: list[int] = []

    def get(self, _path: str, parameters: list[tuple[str, str]]) -> dict[str, Any]:
        self.starts.append(int(dict(parameters)["start"]))
        return self._bodies.pop(0)


def page(rows: int, first: int = 0, **paging: Any) -> dict[str, Any]:
    return {"elements": [{"row": number} for number in range(first, first + rows)], "paging": paging}


def read(*bodies: dict[str, Any]) -> tuple[int, list[int]]:
    answers: Any = Answers(*bodies)
    return sum(map(len, reports.pages(answers, WEEK))), answers.starts


NEXT = [{"rel": "next", "href": "/v2/learningActivityReports?start=1000"}]


def test_a_report_is_asked_for_as_linkedin_documents_it() -> None:
    assert WEEK.parameters(1000) == [
        ("q", "criteria"),
        ("startedAt", "1627267600000"),
        ("timeOffset.unit", "DAY"),
        ("timeOffset.duration", "7"),
        ("aggregationCriteria.primary", "INDIVIDUAL"),
        ("aggregationCriteria.secondary", "CONTENT"),
        ("assetType", "COURSE"),
        ("contentSource", "ALL_SOURCES"),
        ("start", "1000"),
        ("count", "1000"),
    ]


@pytest.mark.parametrize(
    ("bodies", "rows", "starts"),
    [
        ([page(0, total=0, links=[])], 0, [0]),
        ([page(3, total=3, links=[])], 3, [0]),
        ([page(1000, total=1000, links=[]), page(0)], 1000, [0, 1000]),
        ([page(1000, total=1003, links=[]), page(3, 1000)], 1003, [0, 1000]),
        ([page(1000, total=2000), page(1000, 1000, total=2000)], 2000, [0, 1000]),
        ([page(1000, total="1500"), page(500, 1000)], 1500, [0, 1000]),
        ([page(1000, total=2500), page(0, total=0), page(500, 2000)], 1500, [0, 1000, 2000]),
        ([page(1000, total=2500), page(0), page(500, 2000)], 1500, [0, 1000, 2000]),
        ([page(1000), page(1, 1000)], 1001, [0, 1000]),
        ([page(5, links=NEXT), page(2, 5)], 7, [0, 1000]),
        ([page(5, total=1002), page(2, 5)], 7, [0, 1000]),
        ([page(0, total=1002), page(2)], 2, [0, 1000]),
        ([page(0, links=NEXT)], 0, [0]),
        ([{"elements": [{}] * 4}], 4, [0]),
        ([page(3, links="none", total="3")], 3, [0]),
        ([page(3, total=10**12)], 3, [0]),
    ],
)
def test_a_report_is_read_to_its_end(bodies: list[dict[str, Any]], rows: int, starts: list[int]) -> None:
    assert read(*bodies) == (rows, starts)


def test_what_is_no_row_is_passed_over() -> None:
    assert read({"elements": [None, "row", {"row": 1}]}) == (1, [0])


@pytest.mark.parametrize("body", [{}, {"elements": None}, {"elements": "none"}])
def test_what_is_no_report_is_unusable(body: dict[str, Any]) -> None:
    with pytest.raises(UnusableAnswer):
        read(body)


def test_the_same_page_again_and_again_is_not_read_for_ever() -> None:
    with pytest.raises(UnusableAnswer, match="offset 0 for offset 1000"):
        read(page(1000), page(1000))


def reported_activity(number: int) -> ReportedActivity:
    return ReportedActivity(Person(f"urn:{number}"), f"urn:li:lyndaCourse:{number}", Report(progress=number % 100))


def test_what_is_laid_down_comes_back_bucket_by_bucket(lab: Lab) -> None:
    place = lab.context.staging("run")
    told = [reported_activity(number) for number in range(500)]

    staged = place.write_range(3, told)

    halves = [place.activities(3, staged.offsets, first, last) for first, last in ((0, 31), (32, 63))]
    found = [one for half in halves for one in half]
    assert staged.rows == 500
    assert sorted(found, key=lambda one: one.content_urn) == sorted(told, key=lambda one: one.content_urn)
    assert set(place.people(3)) == {one.person for one in told}


def test_buckets_with_nothing_in_them_are_not_asked_for(lab: Lab) -> None:
    place = lab.context.staging("run")
    offsets = place.write_range(3, [reported_activity(1)]).offsets
    place.clear_all()

    empty = [number for number in range(staging.BUCKETS) if offsets[number] == offsets[number + 1]]

    assert len(empty) == staging.BUCKETS - 1
    assert [list(place.activities(3, offsets, number, number)) for number in empty] == [[]] * len(empty)


def test_what_an_earlier_version_laid_down_without_names_is_read(lab: Lab) -> None:
    place = lab.context.staging("run")
    times = ["2026-01-03T00:00:00.000Z", "2026-01-01T00:00:00.000Z", "2026-01-04T00:00:00.000Z"]
    person, row = ["u1", "a@example.com", None], [COURSE, times[0], 100, *times, {"w": 60}, {}, {"w": 1}]
    for kind, line in (("people", [*person, "Ada", ["STAFF"]]), ("rows", [*person, *row])):
        body = zlib.compress(json.dumps(line).encode() + b"\n")
        place.put_file(f"{kind}/000003", io.BytesIO(body))
    offsets = [0] + [len(body)] * staging.BUCKETS

    done, first, last = times
    report = Report(100, done, first_engaged_at=first, last_engaged_at=last, seconds={"w": 60}, completions={"w": 1})
    assert list(place.people(3)) == [Person("u1", "a@example.com", None, "Ada", ("STAFF",))]
    assert list(place.activities(3, offsets, 0, staging.BUCKETS - 1)) == [
        ReportedActivity(Person("u1", "a@example.com"), COURSE, report, times[0])
    ]


def test_all_rows_of_a_content_lie_in_one_bucket_of_every_range(lab: Lab) -> None:
    place = lab.context.staging("run")
    one = replace(reported_activity(1), content_urn=COURSE)
    offsets = [place.write_range(number, [one] * (number + 1)).offsets for number in range(3)]

    (group,) = staging.groups_of(offsets)

    assert [len(list(place.activities(number, offsets[number], *group))) for number in range(3)] == [1, 2, 3]


def test_a_task_takes_as_many_buckets_as_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "GROUP_BYTES", 100)
    sizes = [60] * staging.BUCKETS
    offsets = [sum(sizes[:number]) for number in range(staging.BUCKETS + 1)]

    assert staging.groups_of([offsets]) == [(number, number) for number in range(staging.BUCKETS)]
    assert staging.groups_of([[offset // 2 for offset in offsets]])[0] == (0, 2)
    assert staging.groups_of([[0] * (staging.BUCKETS + 1)]) == []


def test_what_one_task_cannot_hold_is_recorded_by_several(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "GROUP_BYTES", 1)
    learner = lab.learner(1)
    for urn in (COURSE, OTHER_COURSE):
        lab.course(urn)
        lab.did(1, (1, 100), urn=urn)

    run = lab.sync()

    known = list(lab.context.runs.ranges(run["id"]))
    assert [one["number"] for one in known] == list(range(len(known)))
    assert sum(one["kind"] == "contents" for one in known) == 2
    assert run["progress"] == {"done": len(known), "total": len(known)}
    assert all(lab.attempts(learner.id, urn)[0].status == "completed" for urn in (COURSE, OTHER_COURSE))


def test_the_function_may_do_what_a_run_does(real_lab: Lab) -> None:
    real_lab.learner(1)
    real_lab.did(1, (2, 100))
    real_lab.did(2, (2, 40))

    with watched(real_lab.table) as calls:
        real_lab.sync()
        real_lab.did(1, (0.5, 100))
        real_lab.sync("incremental")

    assert ("ConditionCheckItem", "", "LEARNER#acme#learner-1") in calls
    assert refused("ActivitySyncFunction", calls) == []
