"""Incremental runs: what they ask for, what they catch, and when the watermark moves."""

import pytest

from catalog_lab import Lab, MakeLab
from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.clock import parse_rfc3339, to_millis

HOUR = 3600


def in_sync(make_lab: MakeLab, **options: object) -> Lab:
    lab = make_lab(**options)
    assert lab.sync()["clean"]
    lab.clock.goes_on(hours=1)
    return lab


def test_the_first_run_is_a_full_one_whatever_was_asked_for(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)

    assert lab.sync("incremental")["mode"] == "full"


def test_changes_come_in_and_the_rest_is_not_read(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=100)
    touched = lab.step(create=2, update=3, retire=1)
    lab.world.requests.reset()

    run = lab.sync("incremental")

    assert run["mode"] == "incremental"
    assert run["counts"]["created"] == 2
    assert run["counts"]["updated"] == 3
    assert run["counts"]["archived"] == 1
    assert run["counts"]["read"] == 6
    assert lab.active() == lab.truth()
    assert lab.context.courses.get(touched["retired"][0]).archived_reason == "retired"  # type: ignore[union-attr]
    assert lab.calls() <= 13 + 1 + 3 * 2


def test_it_asks_for_a_day_more_than_the_watermark(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=4)
    watermark = parse_rfc3339(lab.context.runs.state()["watermark"])
    lab.world.requests.reset()

    lab.sync("incremental")

    asked = {
        int(call["parameters"]["assetFilteringCriteria.lastModifiedAfter"])
        for call in lab.world.requests.report()["recent"]
        if call["path"] == "/v2/learningAssets"
    }
    assert asked == {to_millis(watermark) - 24 * HOUR * 1000}


def test_the_watermark_is_the_start_of_the_run(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=4)

    run = lab.sync("incremental")

    assert lab.context.runs.state()["watermark"] == run["started_at"]


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_the_watermark_stays_after_a_run_that_was_not_clean(make_lab: MakeLab, mode: str) -> None:
    lab = in_sync(make_lab, size=220, locales=("en_US",))
    before = lab.context.runs.state()["watermark"]
    lab.step(update=1)
    lab.world.quirks.switch_on("unusable_page", {"start": 110})
    if mode == "incremental":
        lab.world.quirks.switch_off()
        lab.world.quirks.switch_on("down", {"after": 15})

    run = lab.sync(mode)

    assert run["clean"] is False
    assert lab.context.runs.state()["watermark"] == before


def test_only_a_clean_run_counts_as_the_last_success(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=220, locales=("en_US",))
    before = lab.context.runs.state()["last_success_at"]
    lab.world.quirks.switch_on("unusable_page", {"start": 110})

    unclean = lab.sync()
    state = lab.context.runs.state()

    assert (unclean["status"], unclean["clean"]) == ("succeeded", False)
    assert (state["last_status"], state["last_finished_at"]) == ("succeeded", unclean["finished_at"])
    assert state["last_success_at"] == before
    lab.world.quirks.switch_off()
    clean = lab.sync()
    assert lab.context.runs.state()["last_success_at"] == clean["finished_at"]


def test_what_the_filter_missed_comes_with_the_next_run(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=20)
    lab.step(update=2)
    lab.world.quirks.switch_on("delta_misses_recent", {"seconds": HOUR})
    assert lab.sync("incremental")["counts"]["updated"] == 0
    lab.world.quirks.switch_off()
    lab.clock.goes_on(hours=20)

    assert lab.sync("incremental")["counts"]["updated"] == 2


def test_older_assets_than_asked_for_change_nothing(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=60)
    lab.context.runs.remember(watermark="2025-06-01T00:00:00.000Z")
    lab.world.quirks.switch_on("delta_returns_older", {"share": 0.5})

    run = lab.sync("incremental")

    assert run["counts"]["read"] == run["counts"]["unchanged"] + run["counts"]["ignored"] > 0
    assert run["clean"]


def test_nothing_is_archived_as_missing(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=20)
    lab.step(remove=2)

    assert lab.sync("incremental")["counts"]["archived"] == 0


def test_other_filters_make_the_next_run_a_full_one(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=20, locales=("en_US", "de_DE"), filters={"languages": ["en"]})
    lab.changes(filters={"languages": ["en", "de"]})

    run = lab.sync("incremental")

    assert run["mode"] == "full"
    assert lab.active() == lab.truth()


def test_a_course_that_comes_back_is_restored(make_lab: MakeLab) -> None:
    lab = in_sync(make_lab, size=40)
    retired = lab.step(retire=2)["retired"]
    lab.sync("incremental")
    assert not lab.active() & set(retired)
    lab.step(restore=2)

    run = lab.sync("incremental")

    assert run["counts"]["restored"] == 2
    assert lab.active() >= set(retired)


def test_filters_that_were_other_ones_for_a_while_during_a_run_leave_nothing_unread(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, locales=("en_US", "de_DE"))
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    for number in planned["ranges"]:
        is_german = lab.context.runs.range(planned["run_id"], number)["partition"] == "COURSE de"
        lab.changes(filters={"languages": ["en"]} if is_german else {})
        catalog_sync.work(lab.context, {**planned, "number": number})
    lab.changes(filters={})
    catalog_sync.finished(lab.context, planned)
    assert lab.active() < lab.truth()
    lab.clock.goes_on(days=3)

    lab.sync("incremental")

    assert lab.active() == lab.truth()
