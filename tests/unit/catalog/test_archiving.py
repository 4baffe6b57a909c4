"""A run archives what is gone, on good evidence only, and asks first if the brake stops it."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from catalog_lab import MakeLab
from coursebridge.catalog.sync import archiving, outcomes
from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.errors import Conflict
from coursebridge.linkedin.errors import NoSuchEntity
from coursebridge.storage.courses import CourseStore, Head, Labels


def test_what_is_gone_is_archived_by_a_full_run(make_lab: MakeLab) -> None:
    lab = make_lab(size=40)
    lab.sync()
    removed = lab.step(remove=3)["removed"]

    run = lab.sync()

    assert run["status"] == "succeeded"
    assert run["counts"]["archived"] == 3
    assert run["counts"]["read"] == sum(number for name, number in run["counts"].items() if name != "read")
    assert lab.active() == lab.truth()
    gone = lab.context.courses.get_many(removed).values()
    assert {one.archived_reason for one in gone} == {"missing"}


def test_where_there_was_no_course_before_none_is_looked_at(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(size=20)
    read: list[str] = []
    heads = CourseStore.heads

    def noted(store: CourseStore) -> Iterator[Head]:
        read.append("heads")
        return heads(store)

    monkeypatch.setattr(CourseStore, "heads", noted)

    first = lab.sync()
    assert (first["counts"]["created"], read) == (len(lab.truth()), [])

    lab.sync()
    assert read == ["heads"]


def test_what_a_first_run_read_and_then_was_told_is_gone_is_archived(make_lab: MakeLab) -> None:
    lab = make_lab(size=20)
    gone = sorted(lab.truth())[0]
    started = lab.control.begin("full", "admin").run
    planned = catalog_sync.plan(lab.context, {"run_id": started["id"]})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {"run_id": started["id"], "number": number})
    told = outcomes.packed_reasons({gone: "retired", "urn:li:lyndaCourse:never": "retired"})
    lab.context.runs.change_range(started["id"], planned["ranges"][0], archive=told)

    catalog_sync.finished(lab.context, {"run_id": started["id"]})

    assert lab.active() == lab.truth() - {gone}


def test_nothing_is_archived_as_missing_where_a_page_was_unusable(make_lab: MakeLab) -> None:
    lab = make_lab(size=220, locales=("en_US",))
    lab.sync()
    lab.step(remove=3)
    lab.world.quirks.switch_on("unusable_page", {"start": 110})

    run = lab.sync()

    assert run["status"] == "succeeded"
    assert run["counts"]["archived"] == 0
    assert run["errors"][0]["code"] == "linkedin_unusable_answer"
    assert "page at 98" in run["errors"][0]["detail"]


@pytest.mark.parametrize("start", [0, 98])
def test_nothing_is_archived_as_missing_where_a_page_says_that_there_is_nothing(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, start: int
) -> None:
    lab = make_lab(size=220, locales=("en_US",), archive_limit_percent=100)
    lab.sync()
    lab.clock.goes_on(hours=1)
    before, get = lab.active(), lab.http.get

    def lying(path: str, params: httpx.QueryParams, **options: Any) -> httpx.Response:
        if (params.get("q"), params.get("start"), params.get("count")) != ("criteria", str(start), "100"):
            return get(path, params=params, **options)
        return httpx.Response(200, json={"elements": [], "paging": {"start": start, "count": 100, "links": []}})

    monkeypatch.setattr(lab.http, "get", lying)

    run = lab.sync()

    assert (run["clean"], run["counts"]["archived"]) == (False, 0)
    assert lab.active() == before


def test_another_locale_that_was_read_cleanly_is_not_held_back(make_lab: MakeLab) -> None:
    lab = make_lab(size=300, locales=("en_US", "de_DE"))
    lab.sync()
    german = sorted(urn for urn in lab.active() if lab.context.courses.get(urn).course["locale"] == "de_DE")  # type: ignore[union-attr]
    lab.world.catalogue.remove(lab.world.catalogue.find(german[0]))  # type: ignore[arg-type]
    runs = lab.context.runs
    started = lab.control.begin("full", "admin").run
    planned = catalog_sync.plan(lab.context, {"run_id": started["id"]})
    for number in planned["ranges"]:
        if runs.range(started["id"], number)["partition"] == "COURSE en":
            catalog_sync.range_failed(lab.context, {"run_id": started["id"], "number": number})
        else:
            catalog_sync.work(lab.context, {"run_id": started["id"], "number": number})
    catalog_sync.finished(lab.context, {"run_id": started["id"]})

    assert runs.get(started["id"])["counts"]["archived"] == 1
    assert lab.context.courses.get(german[0]).archived_reason == "missing"  # type: ignore[union-attr]


class TestTheBrake:
    @pytest.mark.parametrize(
        ("wanted", "active", "percent", "much"),
        [(20, 100, 20, False), (21, 100, 20, True), (100, 100, 100, False), (1, 100, 0, True), (0, 0, 0, False)],
    )
    def test_works_beyond_the_limit_and_not_at_it(self, wanted: int, active: int, percent: int, much: bool) -> None:
        found = archiving.Candidates({str(number): "missing" for number in range(wanted)}, active)

        assert found.exceed(percent) is much

    def test_a_run_that_would_archive_much_asks_first_and_keeps_the_rest(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20)
        lab.sync()
        before, watermark = lab.active(), lab.context.runs.state()["watermark"]
        lab.clock.goes_on(hours=1)
        lab.step(remove=3, retire=3, create=2)

        run = lab.sync()

        assert run["status"] == "needs_confirmation"
        assert lab.context.runs.state()["watermark"] == watermark
        assert run["pending_archive"] == 6
        assert run["counts"]["archived"] == 0
        assert run["counts"]["created"] == 2
        assert run["counts"]["read"] == sum(number for name, number in run["counts"].items() if name != "read")
        assert lab.active() > before

    def test_confirming_archives_and_finishes_the_run(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20)
        lab.sync()
        lab.step(remove=3, retire=3)
        run = lab.sync()
        lab.world.requests.reset()
        lab.clock.goes_on(hours=1)

        run = lab.resumed(lab.control.confirm(run["id"]))

        assert run["status"] == "succeeded"
        assert lab.context.runs.state()["watermark"] == run["started_at"]
        assert run["counts"]["archived"] == 6
        assert run["pending_archive"] == 0
        assert lab.active() == lab.truth()
        assert lab.calls("?q=") == 0

    def test_a_later_run_makes_a_confirmation_pointless(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20)
        lab.sync()
        lab.step(retire=6)
        waiting = lab.sync()
        lab.clock.goes_on(minutes=1)
        lab.sync()

        with pytest.raises(Conflict):
            lab.control.confirm(waiting["id"])

    def test_the_limit_is_the_integrations(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20, archive_limit_percent=50)
        lab.sync()
        lab.step(retire=6)

        assert lab.sync()["status"] == "succeeded"

    def test_an_incremental_run_brakes_too(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20)
        lab.sync()
        lab.step(retire=6)

        assert lab.sync("incremental")["status"] == "needs_confirmation"

    def test_only_a_run_that_waits_can_be_confirmed(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4)
        run = lab.sync()

        with pytest.raises(Conflict):
            lab.control.confirm(run["id"])


def test_what_linkedin_still_gives_one_by_one_is_archived_by_the_second_full_run_only(make_lab: MakeLab) -> None:
    lab = make_lab(size=96)
    lab.changes(filters={"licensed_only": False})
    lab.sync()
    unlicensed = lab.truth(licensed=False)
    assert unlicensed
    assert unlicensed <= lab.active()
    lab.changes(filters={"licensed_only": True})

    first = lab.sync()
    still_there = unlicensed <= lab.active()
    second = lab.sync()

    assert still_there
    assert [one["code"] for one in first["errors"]] == ["unlisted_but_available"]
    assert second["counts"]["archived"] == len(unlicensed)
    assert lab.active() == lab.truth()


@pytest.mark.parametrize("status", [400, 403])
def test_a_missing_course_that_linkedin_refuses_to_give_goes_when_the_next_run_misses_it_too(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    lab = make_lab(size=24, locales=("en_US",))
    lab.sync()
    [gone] = lab.step(remove=1)["removed"]
    get = lab.http.get

    def refusing(path: str, **options: Any) -> httpx.Response:
        if gone in unquote(path):
            return httpx.Response(status, json={"status": status, "message": "no"})
        return get(path, **options)

    monkeypatch.setattr(lab.http, "get", refusing)

    first, second = lab.sync(), lab.sync()

    assert ([one["code"] for one in first["errors"]], first["clean"]) == (["unlisted_but_available"], True)
    assert (first["counts"]["archived"], second["counts"]["archived"]) == (0, 1)
    assert lab.active() == lab.truth()


def test_what_saved_settings_write_meanwhile_is_not_undone(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(size=24, locales=("en_US",))
    lab.sync()
    courses = lab.context.courses
    first, second = sorted(lab.active())[:2]
    theirs = [
        replace(courses.get_many([first])[first], labels=Labels(group="sales"), synced_at="later"),
        courses.get_many([second])[second].with_status("archived", "filtered", "archived", "", "later"),
    ]
    restate = CourseStore.restate

    def raced(self: CourseStore, wanted: Any) -> list[str]:
        mine = list(wanted)
        if theirs:
            restate(self, [theirs.pop(), theirs.pop()])
        return restate(self, mine)

    monkeypatch.setattr(CourseStore, "restate", raced)
    archiving.archive(lab.context, "run", dict.fromkeys((first, second), "retired"))

    found = courses.get_many([first, second])
    assert (found[first].archived_reason, found[first].labels.group) == ("retired", "sales")
    assert found[second].archived_reason == "filtered"


@pytest.mark.parametrize("flaw", [{"ended": False}, {"broken": 1}])
def test_a_listing_with_a_flaw_is_no_evidence_that_anything_is_gone(make_lab: MakeLab, flaw: dict[str, Any]) -> None:
    lab = make_lab(size=40, locales=("en_US",))
    lab.sync()
    before = lab.active()
    lab.step(remove=3)
    lab.clock.goes_on(seconds=1)
    run_id = lab.control.begin("full", "admin").run["id"]
    for number in catalog_sync.plan(lab.context, {"run_id": run_id})["ranges"]:
        catalog_sync.work(lab.context, {"run_id": run_id, "number": number})
        if lab.context.runs.range(run_id, number)["kind"] == "listing":
            lab.context.runs.change_range(run_id, number, **flaw)

    catalog_sync.finished(lab.context, {"run_id": run_id})

    assert lab.context.runs.get(run_id)["counts"]["archived"] == 0
    assert lab.active() == before


def test_an_included_urn_that_is_gone_is_archived(make_lab: MakeLab) -> None:
    lab = make_lab(size=24)
    wanted = min(lab.truth("LEARNING_PATH"))
    lab.changes(filters={"include_urns": [wanted]})
    lab.sync()
    assert wanted in lab.active()
    gone = lab.world.catalogue.find(wanted)
    assert gone is not None
    lab.world.catalogue.remove(gone)

    lab.sync()

    course = lab.context.courses.get(wanted)
    assert course is not None
    assert (course.status, course.archived_reason) == ("archived", "missing")


@pytest.mark.parametrize(("missing", "asked"), [(99, 99), (100, 100), (101, 0)])
def test_up_to_a_hundred_are_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch, missing: int, asked: int) -> None:
    urns = [f"urn:li:lyndaCourse:{n}" for n in range(missing)]
    found = archiving.Candidates(reasons={**dict.fromkeys(urns, "missing"), "urn:li:lyndaCourse:retired": "retired"})
    looked_for: list[str] = []

    def gone(_client: Any, urn: str) -> Any:
        looked_for.append(urn)
        raise NoSuchEntity("gone")

    monkeypatch.setattr("coursebridge.catalog.sync.archiving.assets.asset", gone)
    context: Any = SimpleNamespace(linkedin=lambda: None)
    archiving.verify(context, found, (), ())

    assert looked_for == urns[:asked]
    assert len(found.reasons) == missing + 1
