"""The `learningActivityReports` resource: sums of the true activity, by window."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.activity import Activity, Content, Engagement, Learner
from sandbox.world import World

Json = dict[str, Any]
DAY = 86_400_000
START = 1_750_032_000_000
"""2025-06-16, midnight UTC."""
COURSE = Content("urn:li:lyndaCourse:1", "COURSE", "A course", "en_US")
OTHER_COURSE = Content("urn:li:lyndaCourse:2", "COURSE", "Ein Kurs", "de_DE")
VIDEO = Content("urn:li:lyndaVideo:(urn:li:lyndaCourse:1,5)", "VIDEO", "A video", "en_US")
Report = Callable[..., Json]


def learner(number: int) -> Learner:
    return Learner(number, f"learner{number}@example.com", f"E{number}")


def engage(world: World, who: int, content: Content, *engagements: tuple[int, int, int]) -> Activity:
    activity = world.activity.of(learner(who), content)
    activity.engagements += [Engagement(START + at, seconds, progress) for at, seconds, progress in engagements]
    if activity.engagements[-1].progress == 100:
        activity.completed_at = activity.engagements[-1].at
    return activity


@pytest.fixture
def report(http: httpx.Client) -> Report:
    """A function that calls the criteria finder for one row per learner and course."""

    def call(status: int = 200, **parameters: object) -> Json:
        wanted = {
            "q": "criteria",
            "startedAt": START,
            "timeOffset.unit": "DAY",
            "timeOffset.duration": 14,
            "aggregationCriteria.primary": "INDIVIDUAL",
            "aggregationCriteria.secondary": "CONTENT",
            "assetType": "COURSE",
            "count": 1000,
        } | parameters
        query = {name: str(value) for name, value in wanted.items() if value is not None}
        response = http.get("/v2/learningActivityReports", params=query)
        assert response.status_code == status
        body: Json = response.json()
        return body

    return call


def values(row: Json) -> dict[str, int]:
    return {activity["engagementType"]: activity["engagementValue"] for activity in row["activities"]}


def test_a_row_tells_seconds_progress_and_completion(world: World, report: Report) -> None:
    engage(world, 7, COURSE, (DAY, 60, 40), (2 * DAY, 90, 100))
    (row,) = report()["elements"]
    assert row["learnerDetails"] == {
        "name": "Learner 7",
        "email": "learner7@example.com",
        "uniqueUserId": "E7",
        "enterpriseGroups": ["OFFICIAL"],
        "customAttributes": {"Department": ["IT"]},
        "entity": {"profileUrn": "urn:li:enterpriseProfile:(urn:li:enterpriseAccount:105587602,500007)"},
    }
    assert row["contentDetails"] == {
        "name": "A course",
        "contentProviderName": "LinkedIn",
        "contentUrn": "urn:li:lyndaCourse:1",
        "locale": {"country": "US", "language": "en"},
    }
    assert row["activities"] == [
        {
            "engagementType": "SECONDS_VIEWED",
            "engagementValue": 150,
            "engagementMetricQualifier": "TOTAL",
            "assetType": "COURSE",
            "firstEngagedAt": START + DAY,
            "lastEngagedAt": START + 2 * DAY,
        },
        {
            "engagementType": "PROGRESS_PERCENTAGE",
            "engagementValue": 100,
            "engagementMetricQualifier": "TOTAL",
            "assetType": "COURSE",
        },
        {
            "engagementType": "COMPLETIONS",
            "engagementValue": 1,
            "engagementMetricQualifier": "TOTAL",
            "assetType": "COURSE",
            "firstEngagedAt": START + 2 * DAY,
            "lastEngagedAt": START + 2 * DAY,
        },
    ]


def test_zeros_are_left_out_of_single_rows(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (0, 60, 40))
    assert values(report()["elements"][0]) == {"SECONDS_VIEWED": 60, "PROGRESS_PERCENTAGE": 40}


def test_disjoint_windows_add_up(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (0, 60, 20), (DAY - 1, 30, 50), (DAY, 40, 100))
    windows = [report(startedAt=START + day * DAY, **{"timeOffset.duration": 1})["elements"] for day in range(3)]
    assert [[values(row) for row in rows] for rows in windows] == [
        [{"SECONDS_VIEWED": 90, "PROGRESS_PERCENTAGE": 50}],
        [{"SECONDS_VIEWED": 40, "PROGRESS_PERCENTAGE": 100, "COMPLETIONS": 1}],
        [],
    ]


def test_asset_types_are_reported_apart(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (0, 60, 20))
    engage(world, 1, VIDEO, (0, 70, 100))
    assert [row["contentDetails"]["contentUrn"] for row in report()["elements"]] == [COURSE.urn]
    assert [row["contentDetails"]["contentUrn"] for row in report(assetType="VIDEO")["elements"]] == [VIDEO.urn]


def test_languages_are_reported_apart(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (0, 60, 20))
    engage(world, 1, OTHER_COURSE, (0, 60, 20))
    rows = report(**{"locale.language": "de"})["elements"]
    assert [row["contentDetails"]["contentUrn"] for row in rows] == [OTHER_COURSE.urn]


def test_rows_follow_the_aggregation(world: World, report: Report) -> None:
    for who in (1, 2):
        engage(world, who, COURSE, (0, 10, 20))
        engage(world, who, OTHER_COURSE, (DAY, 20, 100))

    def rows(primary: str | None, secondary: str | None) -> list[Json]:
        criteria = {"aggregationCriteria.primary": primary, "aggregationCriteria.secondary": secondary}
        elements: list[Json] = report(**criteria)["elements"]
        return elements

    assert [len(rows(*pair)) for pair in (("INDIVIDUAL", "CONTENT"), ("INDIVIDUAL", None), ("CONTENT", None))] == [
        4,
        2,
        2,
    ]
    (account,) = rows(None, None)
    assert values(account) == {"SECONDS_VIEWED": 60, "COMPLETIONS": 2, "DAYS_ACTIVE": 2}
    assert "contentDetails" not in account
    assert account["learnerDetails"] == {"entity": {"accountUrn": "urn:li:enterpriseAccount:105587602"}}


def test_pages_hold_every_row_once(world: World, report: Report) -> None:
    for who in range(25):
        engage(world, who, COURSE, (0, 10, 20))
    pages = [report(start=start, count=10) for start in (0, 10, 20)]
    emails = [row["learnerDetails"]["email"] for page in pages for row in page["elements"]]
    assert sorted(emails) == sorted(f"learner{who}@example.com" for who in range(25))
    assert {page["paging"]["total"] for page in pages} == {25}


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (500, {"timeOffset.duration": 15}),
        (500, {"timeOffset.unit": "WEEK", "timeOffset.duration": 3}),
        (403, {"count": 1001}),
        (400, {"assetType": None}),
        (400, {"startedAt": None}),
        (400, {"timeOffset.unit": "MONTH"}),
        (400, {"q": "nonsense"}),
        (400, {"aggregationCriteria.primary": "GALAXY"}),
    ],
)
def test_a_bad_call_is_refused(report: Report, status: int, changes: Json) -> None:
    assert report(status, **changes)["status"] == status


def test_two_weeks_are_fourteen_days(report: Report) -> None:
    assert report(**{"timeOffset.unit": "WEEK", "timeOffset.duration": 2})["elements"] == []


def test_emails_can_be_missing(world: World, report: Report) -> None:
    for who in range(40):
        engage(world, who, COURSE, (0, 10, 20))
    world.quirks.switch_on("report_missing_email")
    learners = [row["learnerDetails"] for row in report()["elements"]]
    assert 5 < sum("email" not in one for one in learners) < 35
    assert all(one["uniqueUserId"] for one in learners)


def test_asset_types_can_be_missing(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (0, 10, 20))
    world.quirks.switch_on("report_missing_asset_type", {"share": 1.0})
    assert not any("assetType" in activity for activity in report()["elements"][0]["activities"])


def test_days_active_can_be_logins(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (0, 10, 20))
    world.quirks.switch_on("report_logins")
    account = report(**{"aggregationCriteria.primary": "ACCOUNT", "aggregationCriteria.secondary": None})
    assert values(account["elements"][0]) == {"SECONDS_VIEWED": 10, "COMPLETIONS": 0, "LOGINS": 1}


def test_activities_can_come_in_any_order(world: World, report: Report) -> None:
    for who in range(10):
        engage(world, who, COURSE, (0, 10, 20), (1, 10, 100))
    plain = report()["elements"]
    world.quirks.switch_on("report_shuffled_activities")
    shuffled = report()["elements"]
    assert len({tuple(values(row)) for row in shuffled}) > 3
    for before, after in zip(plain, shuffled, strict=True):
        assert values(before).items() <= values(after).items()


def test_windows_can_be_cut_at_pacific_midnight(world: World, report: Report) -> None:
    engage(world, 1, COURSE, (-3_600_000, 10, 20))
    assert report()["elements"] == []
    world.quirks.switch_on("report_pacific_days")
    assert len(report()["elements"]) == 1


def test_reports_can_lag(world: World, http: httpx.Client, report: Report) -> None:
    engage(world, 1, COURSE, (0, 10, 20))
    (row,) = report()["elements"]
    lag = (row["latestDataAt"] - START) // 1000
    world.quirks.switch_on("report_lag", {"seconds": lag + 60})
    assert report()["elements"] == []


def test_what_nobody_was_told_is_reported(http: httpx.Client, report: Report) -> None:
    plan = {"learners": 3, "courses": 2, "completed": 1.0, "until": START + 3 * DAY, "days": 2}
    truth = http.post("/_sandbox/learn", json=plan).json()["truth"]
    assert all(activity["withheld"] and not activity["pushed"] for activity in truth)
    rows = report()["elements"]
    assert sorted((row["learnerDetails"]["email"], row["contentDetails"]["contentUrn"]) for row in rows) == sorted(
        (activity["learner"]["email"], activity["content_urn"]) for activity in truth
    )
    assert all(values(row)["COMPLETIONS"] == 1 for row in rows)
