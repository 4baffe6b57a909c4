"""Mapping the rows of a report, whatever LinkedIn leaves out, adds or reorders."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.activity.mapper import Person, UnusableRow, person_of, reported_activity
from coursebridge.activity.windows import Window
from coursebridge.records.evidence import Report

WINDOW = Window(datetime(2024, 1, 23, 8, tzinfo=UTC), 14)
FIRST, LAST, COMPLETED = "2024-01-30T04:44:34.755Z", "2024-01-30T18:19:00.000Z", "2024-01-30T04:46:29.339Z"
Json = dict[str, Any]


def activity(kind: str, value: Any, **more: Any) -> Json:
    told = {
        "engagementType": kind,
        "engagementValue": value,
        "engagementMetricQualifier": "TOTAL",
        "assetType": "COURSE",
    } | more
    return {name: member for name, member in told.items() if member is not ...}


SECONDS = activity("SECONDS_VIEWED", 620, firstEngagedAt=1706589874755, lastEngagedAt=1706638740000)
PROGRESS = activity("PROGRESS_PERCENTAGE", 100)
COMPLETION = activity("COMPLETIONS", 1, lastEngagedAt=1706589989339)


def row(*activities: Json, **changes: Any) -> Json:
    """Return a row, by default LinkedIn's own example."""
    whole = {
        "latestDataAt": 1706638740000,
        "learnerDetails": {
            "name": "A Learner",
            "email": "learner@example.com",
            "uniqueUserId": "E123",
            "enterpriseGroups": ["OFFICIAL"],
            "customAttributes": {"Department": ["IT"]},
            "entity": {"profileUrn": "urn:li:enterpriseProfile:(urn:li:enterpriseAccount:1,2)"},
        },
        "contentDetails": {"name": "Course", "contentUrn": "urn:li:lyndaCourse:252"},
        "activities": list(activities or (SECONDS, PROGRESS, COMPLETION)),
    }
    return whole | changes


def report(*activities: Json) -> Report:
    found = reported_activity(row(*activities), "COURSE", WINDOW)
    assert found is not None
    return found.report


def test_linkedins_own_example_is_read() -> None:
    found = reported_activity(row(), "COURSE", WINDOW)

    assert found is not None
    assert found.person == Person(
        "urn:li:enterpriseProfile:(urn:li:enterpriseAccount:1,2)",
        "learner@example.com",
        "E123",
        "A Learner",
        ("OFFICIAL",),
    )
    assert (found.content_urn, found.completed_again_at) == ("urn:li:lyndaCourse:252", COMPLETED)
    assert found.report == Report(
        progress=100,
        completed_at=COMPLETED,
        completion_times=frozenset({COMPLETED}),
        first_engaged_at=FIRST,
        last_engaged_at=LAST,
        seconds={WINDOW.key: 620},
        completions={WINDOW.key: 1},
    )


@pytest.mark.parametrize("order", list(itertools.permutations((SECONDS, PROGRESS, COMPLETION))))
def test_the_order_of_activities_says_nothing(order: tuple[Json, ...]) -> None:
    assert report(*order) == report()


def test_what_else_is_among_the_activities_does_no_harm() -> None:
    noise = [
        activity("LOGINS", 3, assetType=...),
        activity("DAYS_ACTIVE", 3, engagementMetricQualifier="UNIQUE"),
        activity("MARKED_AS_DONE", 0),
        activity("SECONDS_VIEWED", 99_999, assetType="VIDEO"),
        activity("SECONDS_VIEWED", 88_888, engagementMetricQualifier="UNIQUE"),
        activity("A_NEW_KIND", 7),
        {"engagementType": "COMPLETIONS"},
        {},
    ]

    assert report(*noise, SECONDS, PROGRESS, COMPLETION, *noise) == report()


def test_views_may_be_unique_ones_only() -> None:
    views = activity("VIEWS", 4, engagementMetricQualifier="UNIQUE", assetType=...)

    assert report(SECONDS, views).views == {WINDOW.key: 4}


def test_a_missing_asset_type_is_the_one_that_was_asked_for() -> None:
    bare = [{**one, "assetType": None} for one in (SECONDS, PROGRESS, COMPLETION)]

    assert report(*bare) == report()


def test_zero_completions_are_no_completion() -> None:
    assert report(SECONDS, activity("COMPLETIONS", 0, lastEngagedAt=1706589989339)).completed == set()


def test_full_progress_alone_is_no_completion() -> None:
    assert report(SECONDS, PROGRESS).completed_at is None


def test_a_completion_without_a_time_happened_at_the_last_sign_of_life() -> None:
    found = report(SECONDS, activity("COMPLETIONS", 1))

    assert (found.completed_at, found.completion_times) == (LAST, frozenset())


def test_a_row_without_any_time_happened_in_its_window() -> None:
    found = report(PROGRESS)

    assert (found.first_engaged_at, found.last_engaged_at) == (WINDOW.key, WINDOW.key)


@pytest.mark.parametrize("value", ["620", 620.0, "620.0"])
def test_numbers_may_be_text_or_fractions(value: object) -> None:
    assert report(activity("SECONDS_VIEWED", value)).seconds == {WINDOW.key: 620}


@pytest.mark.parametrize("value", [None, True, "many", "nan", "inf", [], {}, -5, 1e19, 10**40])
def test_what_is_no_number_is_nothing(value: object) -> None:
    assert report(PROGRESS, activity("SECONDS_VIEWED", value)).seconds == {}


def test_progress_ends_at_a_hundred() -> None:
    assert report(activity("PROGRESS_PERCENTAGE", 140)).progress == 100


@pytest.mark.parametrize("activities", [[], None, [activity("SECONDS_VIEWED", 0)], "nonsense"])
def test_a_row_without_activity_says_nothing(activities: object) -> None:
    assert reported_activity(row(activities=activities), "COURSE", WINDOW) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"contentDetails": {}},
        {"contentDetails": None},
        {"learnerDetails": {}},
        {"learnerDetails": {"name": "Somebody"}},
    ],
)
def test_a_row_about_nobody_or_nothing_is_unusable(changes: Json) -> None:
    with pytest.raises(UnusableRow):
        reported_activity(row(**changes), "COURSE", WINDOW)


@pytest.mark.parametrize("missing", ["email", "uniqueUserId", "entity", "enterpriseGroups", "name"])
def test_any_detail_of_a_learner_may_be_missing(missing: str) -> None:
    details = {name: value for name, value in row()["learnerDetails"].items() if name != missing}

    assert person_of(details).is_identified


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_json_breaks_the_mapper(value: object) -> None:
    strange = activity("SECONDS_VIEWED", value, firstEngagedAt=value, lastEngagedAt=value, assetType=value)

    reported_activity(row(strange, PROGRESS), "COURSE", WINDOW)
    person_of({"email": value, "entity": value, "enterpriseGroups": value, "uniqueUserId": value})


def test_two_windows_of_the_same_person_and_content_join() -> None:
    later = Window(WINDOW.end, 14)
    one = reported_activity(row(), "COURSE", WINDOW)
    other = reported_activity(row(activity("SECONDS_VIEWED", 30), activity("PROGRESS_PERCENTAGE", 20)), "COURSE", later)
    assert one is not None
    assert other is not None

    both = one | other

    assert both == other | one
    assert both.report.seconds == {WINDOW.key: 620, later.key: 30}
    assert (both.report.progress, both.report.completed_at) == (100, COMPLETED)
