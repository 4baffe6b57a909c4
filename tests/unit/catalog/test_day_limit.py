"""LinkedIn's daily limit of calls: nothing asks before it resets, and then the run that it stopped goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.linkedin import assets
from coursebridge.linkedin.errors import DayLimit
from coursebridge.syncs.tasks import SKIPPED
from memory_table import Killed

if TYPE_CHECKING:
    from catalog_lab import Lab, MakeLab
    from coursebridge.storage.run_shapes import Run

CALLS_A_DAY = 45


def limited(lab: Lab, calls: int = CALLS_A_DAY) -> None:
    lab.world.quirks.switch_off()
    lab.world.quirks.switch_on("throttle_day", {"after": calls})


def stopped(make_lab: MakeLab, **settings: Any) -> tuple[Lab, Run]:
    """Return a lab and its first run, which LinkedIn's limit stopped in the middle."""
    lab = make_lab(size=200, locales=("en_US", "de_DE", "fr_FR"), **settings)
    limited(lab, 17)
    run = lab.sync()
    assert (run["status"], run["planned"]) == ("failed", True)
    assert lab.active() < lab.truth()
    return lab, run


def next_day(lab: Lab, **by: float) -> None:
    lab.world.quirks.switch_off()
    lab.clock.goes_on(**(by or {"days": 1}))


def test_a_catalogue_that_takes_more_calls_than_a_day_has_is_finished_by_one_run_over_days(make_lab: MakeLab) -> None:
    lab = make_lab(size=3000, locales=("en_US",))
    started_at, ids, days = "", set(), 0
    while not lab.context.runs.state().get("watermark"):
        limited(lab)
        run = lab.sync("incremental")
        started_at = started_at or run["started_at"]
        ids.add(run["id"])
        days += 1
        assert days < 6, "each day goes on where the one before has ended"
        next_day(lab)

    assert (run["status"], run["clean"], run["errors"]) == ("succeeded", True, [])
    assert (len(ids), run["resumed"]) == (1, days - 1)
    assert run["counts"]["created"] == len(lab.truth())
    assert lab.active() == lab.truth()
    assert lab.context.runs.state()["watermark"] == started_at


def test_nobody_asks_again_on_the_same_day(make_lab: MakeLab) -> None:
    lab, run = stopped(make_lab)
    calls = lab.calls()

    assert lab.sync("incremental") == {}, "a schedule is passed over"
    started = lab.control.start("full", "admin")

    assert (started.run, started.is_new) == (run, False)
    assert lab.calls() == calls
    assert lab.context.runs.lock() is None


def test_a_redrive_asks_all_the_same(make_lab: MakeLab) -> None:
    lab, run = stopped(make_lab)
    lab.world.quirks.switch_off()

    run = lab.resumed(lab.control.redrive(run["id"]))

    assert (run["status"], lab.active()) == ("succeeded", lab.truth())
    assert lab.control.start("full", "admin").is_new


@pytest.mark.parametrize(
    ("asked", "change", "later", "goes_on"),
    [
        ("full", {}, {"days": 1}, True),
        ("incremental", {}, {"days": 1}, True),
        ("full", {}, {"days": 20}, True),
        ("full", {}, {"days": 22}, False),
        ("incremental", {"filters": {"levels": ["BEGINNER"]}}, {"days": 1}, False),
    ],
    ids=["the same", "a full one serves an incremental one", "for weeks", "not for ever", "other filters"],
)
def test_a_full_run_goes_on_as_long_as_it_is_what_is_wanted(
    make_lab: MakeLab, asked: str, change: dict[str, Any], later: dict[str, float], goes_on: bool
) -> None:
    lab, first = stopped(make_lab)
    lab.changes(**change)
    next_day(lab, **later)

    run = lab.sync(asked)

    assert (run["id"] == first["id"]) is goes_on
    assert run["status"] != "failed"


@pytest.mark.parametrize(("asked", "goes_on"), [("incremental", True), ("full", False)])
def test_an_incremental_run_goes_on_until_a_full_one_is_due(make_lab: MakeLab, asked: str, goes_on: bool) -> None:
    lab = make_lab(size=60)
    lab.sync()
    lab.step_seen_by_the_clock(create=20)
    limited(lab, 15)
    first = lab.sync("incremental")
    assert (first["mode"], first["status"]) == ("incremental", "failed")
    next_day(lab)

    run = lab.sync(asked)

    assert (run["id"] == first["id"]) is goes_on
    assert (run["status"], lab.active()) == ("succeeded", lab.truth())


def test_a_run_that_was_not_even_planned_is_planned_anew(make_lab: MakeLab) -> None:
    lab = make_lab(size=8)
    limited(lab, 3)
    first = lab.sync()
    assert first["errors"][0]["code"] == "linkedin_day_limit"
    assert lab.sync() == {}
    next_day(lab)

    run = lab.sync()

    assert run["id"] != first["id"]
    assert run["status"] == "succeeded"


@pytest.mark.parametrize("writes", range(9))
def test_taking_a_run_up_can_be_killed_at_any_write_and_repeated(make_lab: MakeLab, writes: int) -> None:
    lab, first = stopped(make_lab)
    next_day(lab)
    event = {"mode": "full", "trigger": "schedule", "execution": "again"}
    lab.table.fails_after = writes
    try:
        planned = catalog_sync.plan(lab.context, event)
    except Killed:
        lab.table.fails_after = None
        planned = catalog_sync.plan(lab.context, event)
    lab.table.fails_after = None

    run = lab.resumed(lab.context.runs.get(planned["run_id"]))

    assert run["id"] == first["id"]
    assert (run["status"], run["progress"]["done"]) == ("succeeded", run["progress"]["total"])
    assert lab.active() == lab.truth()


def test_a_run_that_another_takes_up_first_is_left_to_it(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, _ = stopped(make_lab)
    next_day(lab)
    monkeypatch.setattr("coursebridge.storage.runs.RunStore.resume", lambda *_a, **_k: False)

    assert catalog_sync.plan(lab.context, {"mode": "full", "trigger": "schedule", "execution": "late"}) == SKIPPED


class TestARunThatHasReadEverythingBut:
    def test_a_second_opinion_goes_on_with_it(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=520, locales=("en_US",), quirks={"total_capped_500": {}})
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "schedule", "execution": "one"})
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
        lab.world.quirks.switch_on("throttle_day")
        assert catalog_sync.settle(lab.context, planned) == {"run_id": planned["run_id"], "ranges": [], "goes_on": True}
        catalog_sync.finished(lab.context, planned)
        run = lab.context.runs.get(planned["run_id"])
        assert run["status"] == "failed"
        assert "linkedin_day_limit" in {one["code"] for one in run["errors"]}
        lab.world.quirks.switch_off()
        lab.world.quirks.switch_on("total_capped_500")
        lab.clock.goes_on(days=1)

        run = lab.sync("incremental")

        assert (run["id"], run["status"], run["clean"]) == (planned["run_id"], "succeeded", True)
        assert lab.active() == lab.truth()

    def test_what_is_missing_goes_on_with_it(self, make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
        lab = make_lab(size=60, locales=("en_US",))
        lab.sync()
        lab.step(remove=2)

        def refused(*_: Any) -> None:
            raise DayLimit("APPLICATION DAY limit")

        with monkeypatch.context() as patch:
            patch.setattr(assets, "asset", refused)
            first = lab.sync()
        assert (first["status"], first["counts"]["archived"]) == ("failed", 0)
        next_day(lab)

        run = lab.sync("incremental")

        assert (run["id"], run["status"], run["counts"]["archived"]) == (first["id"], "succeeded", 2)
        assert lab.active() == lab.truth()


@pytest.mark.parametrize("size", [1000, 1400], ids=["to nothing", "by more than a page"])
def test_a_list_that_moved_too_far_between_two_days_is_not_taken_for_complete(make_lab: MakeLab, size: int) -> None:
    lab = make_lab(size=size, locales=("en_US",), archive_limit_percent=100)
    lab.sync()
    catalogue = lab.world.catalogue
    early = list(catalogue.handles())[:250]
    lab.clock.goes_on(days=1)
    limited(lab, 24)
    first = lab.sync()
    assert [one["status"] for one in lab.context.runs.ranges(first["id"]) if one.get("total")] == ["done"]
    for asset in early:
        catalogue.remove(asset)
    next_day(lab)

    run = lab.sync()

    assert run["id"] == first["id"]
    assert run["clean"] is False
    assert "catalogue_shifted" in {one["code"] for one in run["errors"]}
    assert run["counts"]["archived"] == 0
