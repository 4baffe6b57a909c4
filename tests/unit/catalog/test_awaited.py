"""Courses that learning waits for and no listing holds: requested one by one, few of them, and rarely in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coursebridge.catalog.sync import awaiting
from coursebridge.catalog.sync.awaiting import is_asset
from coursebridge.storage.unknown_courses import UnknownCourseStore

if TYPE_CHECKING:
    from catalog_lab import Lab, MakeLab

NOBODYS = "urn:li:lyndaCourse:1"


def in_english(make_lab: MakeLab, **options: object) -> Lab:
    """Return a lab that is in sync with the English courses, LinkedIn's request counters reset."""
    lab = make_lab(filters={"languages": ["en"]}, **options)
    assert lab.sync()["clean"]
    lab.clock.goes_on(hours=1)
    lab.world.requests.reset()
    return lab


def asked(lab: Lab) -> int:
    """Return how many assets were requested one by one since this was last asked."""
    number = lab.calls("/v2/learningAssets/{urn}")
    lab.world.requests.reset()
    return number


def archived(lab: Lab) -> dict[str, str | None]:
    return {one.urn: one.archived_reason for one in lab.context.courses.all() if not one.is_active}


def unlisted(lab: Lab, *types: str) -> list[str]:
    """Return assets of these types that are not in the table, sorted."""
    return sorted(lab.truth(*types) - {one.urn for one in lab.context.courses.all()})


@pytest.mark.parametrize("mode", ["full", "incremental"])
@pytest.mark.parametrize("asset_type", ["COURSE", "LEARNING_PATH", "VIDEO"])
def test_an_asset_that_no_listing_holds_comes_in_archived(make_lab: MakeLab, mode: str, asset_type: str) -> None:
    lab = in_english(make_lab)
    awaited = unlisted(lab, asset_type)[0]
    lab.awaited = [awaited]

    run = lab.sync(mode)

    assert archived(lab) == {awaited: "filtered"}
    assert (run["mode"], run["clean"], run["counts"]["created"]) == (mode, True, 1)
    assert run["counts"]["read"] == sum(number for name, number in run["counts"].items() if name != "read")
    assert asked(lab) == 1


def test_an_asset_that_has_come_is_not_requested_again(make_lab: MakeLab) -> None:
    lab = in_english(make_lab)
    lab.awaited = unlisted(lab)[:1]
    lab.sync("incremental")
    lab.world.requests.reset()

    assert lab.sync("incremental")["counts"]["read"] == 0
    assert asked(lab) == 0
    assert lab.sync()["clean"]
    assert asked(lab) == 0


def test_only_the_course_that_came_is_amended_in_the_index(make_lab: MakeLab) -> None:
    lab = in_english(make_lab)
    lab.awaited = unlisted(lab)[:1]

    lab.sync("incremental")

    assert lab.amended == frozenset(lab.awaited)


def test_what_the_listings_bring_is_not_requested(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, locales=("en_US",))
    lab.step(retire=4)
    lab.awaited = lab.truth(retired=None)

    lab.sync()

    assert asked(lab) == 0
    assert {one.urn for one in lab.context.courses.all()} == lab.awaited


@pytest.mark.parametrize(
    "awaited", [[], ["https://example.com/courses/1", "urn:li:skill:1", "urn:li:lyndaCourse:", "x"]]
)
def test_no_call_is_made_for_what_is_no_asset(make_lab: MakeLab, awaited: list[str]) -> None:
    lab = in_english(make_lab)
    lab.awaited = awaited
    without = lab.calls()

    run = lab.sync("incremental")

    assert (run["clean"], asked(lab), without) == (True, 0, 0)


def test_an_asset_beyond_the_licence_comes_in_as_missing_and_is_restored_by_a_listing(make_lab: MakeLab) -> None:
    lab = in_english(make_lab, size=60, locales=("en_US",))
    awaited = min(lab.truth(licensed=False))
    lab.awaited = [awaited]

    lab.sync("incremental")
    lab.sync()

    assert archived(lab) == {awaited: "missing"}
    lab.changes(filters={"languages": ["en"], "licensed_only": False})
    lab.sync()
    assert awaited in lab.active()


def test_an_asset_beyond_the_licence_counts_once_in_the_full_run_that_brings_it(make_lab: MakeLab) -> None:
    lab = in_english(make_lab, size=60, locales=("en_US",))
    lab.awaited = [min(lab.truth(licensed=False))]

    counts = lab.sync()["counts"]

    assert archived(lab) == {lab.awaited[0]: "missing"}
    assert (counts["created"], counts["archived"]) == (1, 0)
    assert counts["read"] == sum(number for name, number in counts.items() if name != "read")


def test_what_linkedin_does_not_know_is_asked_for_ever_more_rarely(make_lab: MakeLab) -> None:
    lab = in_english(make_lab)
    lab.awaited = [NOBODYS]
    days = []
    for day in range(130):
        assert lab.sync("incremental")["clean"]
        days += [day] * asked(lab)
        lab.clock.goes_on(days=1)

    assert days == [0, 1, 2, 4, 8, 16, 32, 62, 92, 122]


@pytest.mark.parametrize("quirk", ["server_errors", "error_in_200", "not_json_200", "echoing_error"])
def test_an_asset_that_linkedin_does_not_give_leaves_the_run_clean(make_lab: MakeLab, quirk: str) -> None:
    lab = in_english(make_lab)
    lab.awaited = unlisted(lab)[:1]
    status = {"status": 403} if quirk == "echoing_error" else {}
    lab.world.quirks.switch_on(quirk, {"share": 1.0, "path": "/v2/learningAssets/", **status})

    run = lab.sync("incremental")

    assert (run["status"], run["clean"], run["errors"]) == ("succeeded", True, [])
    lab.world.quirks.switch_off()
    lab.clock.goes_on(days=2)
    lab.sync("incremental")
    assert archived(lab) == {lab.awaited[0]: "filtered"}


@pytest.mark.parametrize(
    "oddity", [{"urn": "urn:li:lyndaCourse:2"}, {"urn": None}, {"type": "CHAPTER"}, {"type": None}]
)
def test_another_asset_than_the_one_requested_is_left_alone(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, oddity: dict[str, str | None]
) -> None:
    lab = in_english(make_lab)
    lab.awaited = unlisted(lab)[:1]
    monkeypatch.setattr(awaiting, "MOST_ASKED", 1)
    whole = {"urn": lab.awaited[0], "type": "COURSE"}
    monkeypatch.setattr("coursebridge.linkedin.assets.asset", lambda _client, _urn: whole | oddity)

    assert lab.sync("incremental")["clean"]
    assert archived(lab) == {}


def test_the_most_urgent_come_first_and_what_was_asked_for_before_comes_last(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = in_english(make_lab)
    monkeypatch.setattr(awaiting, "MOST_ASKED", 2)
    first, second, third, *_ = reversed(unlisted(lab))
    lab.awaited = [NOBODYS, first, second, third]

    lab.sync("incremental")
    assert (asked(lab), set(archived(lab))) == (2, {first})
    lab.clock.goes_on(days=2)
    lab.sync("incremental")
    assert (asked(lab), set(archived(lab))) == (2, {first, second, third})
    lab.sync("incremental")
    assert asked(lab) == 1


def test_only_so_many_are_requested_in_one_run(make_lab: MakeLab) -> None:
    lab = in_english(make_lab)
    lab.awaited = [f"urn:li:lyndaCourse:{number}" for number in range(1, 1000)]

    run = lab.sync("incremental")

    assert asked(lab) == awaiting.MOST_ASKED == 300
    assert run["progress"]["done"] == run["progress"]["total"]


def test_what_nothing_waits_for_any_more_is_forgotten(make_lab: MakeLab) -> None:
    lab = in_english(make_lab)
    other = "urn:li:lyndaCourse:2"
    for awaited in (NOBODYS, other):
        lab.awaited = [awaited]
        lab.sync("incremental")

    assert set(UnknownCourseStore(lab.table, "acme").get()) == {other}


def test_nothing_is_requested_while_a_range_that_may_hold_it_has_failed(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, filters={"languages": ["en"]})
    lab.awaited = [NOBODYS]
    lab.world.quirks.switch_on("down", {"after": 4})

    run = lab.sync()

    assert (run["status"], asked(lab)) == ("failed", 0)
    lab.world.quirks.switch_off()
    assert lab.control.redrive(run["id"])
    assert lab.resumed(run)["status"] == "succeeded"
    assert asked(lab) == 1


def test_the_daily_limit_stops_the_run_and_the_next_day_continues_it(make_lab: MakeLab) -> None:
    lab = in_english(make_lab)
    lab.awaited = [NOBODYS, *unlisted(lab)[:2]]
    lab.world.quirks.switch_on("throttle_day", {"path": "/v2/learningAssets/"})

    run = lab.sync("incremental")

    assert (run["status"], run["errors"][0]["code"]) == ("failed", "linkedin_day_limit")
    lab.world.quirks.switch_off()
    lab.clock.goes_on(days=1)
    assert lab.sync("incremental")["id"] == run["id"]
    assert set(archived(lab)) == set(lab.awaited[1:])


def test_a_task_that_is_repeated_leaves_the_same(make_lab: MakeLab) -> None:
    lab = in_english(make_lab, size=60, locales=("en_US",))
    lab.awaited = [min(lab.truth(licensed=False)), NOBODYS]
    lab.world.quirks.switch_on("down", {"path": "/v2/learningAssets/", "after": 1, "times": 5})

    run = lab.sync("incremental")

    assert archived(lab) == {lab.awaited[0]: "missing"}
    assert (run["status"], run["counts"]["created"], run["counts"]["restored"]) == ("succeeded", 1, 0)


@pytest.mark.parametrize(
    "urn",
    [
        "urn:li:lyndaCourse:252",
        "urn:li:lyndaLearningPath:57fbd40f3dd5594c8cb04601",
        "urn:li:lyndaVideo:(urn:li:lyndaCourse:252,24961)",
    ],
)
def test_courses_learning_paths_and_videos_are_assets(urn: str) -> None:
    assert is_asset(urn)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "urn:li:lyndaCourse:",
        "urn:li:lyndaCourse:1\n",
        "urn:li:lyndaCourse:1/../2",
        f"urn:li:lyndaCourse:{'1' * 101}",
        "urn:li:lyndaAuthor:1",
        "https://www.linkedin.com/learning/urn:li:lyndaCourse:252",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert not is_asset(name)
