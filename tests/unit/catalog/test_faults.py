"""What happens to a run when something goes wrong."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

import pytest

from catalog_lab import Lab, MakeLab
from coursebridge.catalog.search.publishing import FORM
from coursebridge.catalog.settings_change import apply_settings
from coursebridge.catalog.sync import planning, ranges
from coursebridge.catalog.sync.context import Context
from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.errors import Conflict
from coursebridge.integrations.models import Integration
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.linkedin.errors import Unreachable
from coursebridge.linkedin.walk import STEP
from coursebridge.storage import keys
from coursebridge.syncs.stopping import RetryLater
from coursebridge.syncs.tasks import SKIPPED, SUPERSEDED
from memory_table import Killed
from sandbox.rest.tokens import DEFAULT_APPLICATIONS

SECRETS = {application.client_id: application.client_secret for application in DEFAULT_APPLICATIONS}
EVERYTHING = {"path": "/"}


def pair(name: str) -> KeyPair:
    return KeyPair.of(name, SECRETS[name])


@pytest.mark.parametrize("tenths", range(11))
def test_a_task_killed_between_any_two_writes_and_repeated_ends_in_the_same_state(
    make_lab: MakeLab, tenths: int
) -> None:
    undisturbed, lab = (make_lab(size=48, locales=("en_US",)) for _ in range(2))
    writes = done(undisturbed, planned(undisturbed)).writes
    assert writes > 100

    event = planned(lab)
    lab.table.fails_after = (writes - 1) * tenths // 10
    killed = done(lab, event).killed

    run = lab.context.runs.get(event["run_id"])
    assert run["status"] == "succeeded"
    assert run["counts"]["created"] == 48
    assert run["counts"]["unchanged"] == run["counts"]["updated"] == 0
    assert lab.active() == lab.truth()
    assert killed


class Done(NamedTuple):
    """How many items the tasks of a run wrote, and whether one of them was killed."""

    writes: int
    killed: bool


def planned(lab: Lab) -> dict[str, Any]:
    """Plan a run and return the input of its other tasks."""
    event = {"integration_id": "acme", "mode": "full", "trigger": "test", "execution": "one"}
    return catalog_sync.plan(lab.context, event)


def done(lab: Lab, event: dict[str, Any]) -> Done:
    """Do the other tasks of a run, each again if it was killed."""
    before = lab.table.writes.total()
    works = [partial(catalog_sync.work, lab.context, {**event, "number": number}) for number in event["ranges"]]
    killed = [interrupted(lab, task) for task in (*works, partial(catalog_sync.finished, lab.context, event))]
    return Done(lab.table.writes.total() - before, any(killed))


def interrupted(lab: Lab, task: object) -> bool:
    """Do a task, and repeat it if it was killed; return whether it was."""
    assert callable(task)
    try:
        task()
    except Killed:
        lab.table.fails_after = None
        task()
        return True
    return False


def killed_while_it_finishes(lab: Lab, writes: int) -> tuple[dict[str, Any], bool]:
    """Run a sync whose last task is killed after ``writes`` writes and repeated; return its plan and whether it was."""
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {**planned, "number": number})
    lab.table.fails_after = writes
    killed = interrupted(lab, lambda: catalog_sync.finished(lab.context, planned))
    lab.table.fails_after = None
    return planned, killed


def test_a_run_killed_while_it_settles_counts_every_range_once(make_lab: MakeLab) -> None:
    killed, writes = True, 0
    while killed:
        lab = make_lab(size=520, locales=("en_US",), quirks={"total_capped_500": {}})
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
        lab.table.fails_after = writes
        killed = interrupted(lab, lambda planned=planned, lab=lab: catalog_sync.settle(lab.context, planned))
        lab.table.fails_after = None

        further = catalog_sync.settle(lab.context, planned)["ranges"]

        run, known = lab.context.runs.get(planned["run_id"]), list(lab.context.runs.ranges(planned["run_id"]))
        assert further
        assert run["progress"]["total"] == len(planned["ranges"]) + len(further)
        assert run["ranges"] == len(known)
        assert run["rounds"] == 1
        writes += 1
    assert writes > 2


def test_a_run_killed_while_it_finishes_is_closed_whole_when_the_task_is_repeated(make_lab: MakeLab) -> None:
    killed, writes = True, 0
    while killed:
        lab = make_lab(size=4, locales=("en_US",))
        planned, killed = killed_while_it_finishes(lab, writes)
        run, state = lab.context.runs.get(planned["run_id"]), lab.context.runs.state()
        assert catalog_sync.finished(lab.context, planned) == {"status": "succeeded"}
        catalog_sync.failed(lab.context, {**planned, "error": "States.Timeout"})

        assert lab.context.runs.get(planned["run_id"]) == run
        assert (state["last_run_id"], state["last_success_at"]) == (run["id"], run["finished_at"])
        assert state["watermark"] == run["started_at"]
        assert lab.context.runs.lock() is None
        writes += 1
    assert writes > 3


RETIRED = {"details": {"availability": "RETIRED"}}


@pytest.mark.parametrize("told", [None, RETIRED], ids=["gone", "retired"])
def test_what_a_run_archived_before_it_was_killed_counts_once_when_the_task_is_repeated(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any] | None
) -> None:
    """``told`` is what LinkedIn answers if a course that it no longer lists is requested by itself."""
    if told:
        asset = "coursebridge.catalog.sync.archiving.assets.asset"
        monkeypatch.setattr(asset, lambda _client, urn: {"urn": urn, "type": "COURSE", **told})
    killed, writes = True, 0
    while killed:
        lab = make_lab(size=8, locales=("en_US",), archive_limit_percent=50)
        lab.sync()
        lab.step(remove=1)
        lab.sync()
        lab.step(remove=2, retire=1, create=1)
        lab.clock.goes_on(hours=1)
        planned, killed = killed_while_it_finishes(lab, writes)
        counts = {name: number for name, number in lab.context.runs.get(planned["run_id"])["counts"].items() if number}

        assert counts == {"read": 8, "unchanged": 4, "created": 1, "archived": 3}
        assert lab.active() == lab.truth()
        writes += 1
    assert writes > 3


def test_a_run_whose_place_another_has_taken_does_nothing_more(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = make_lab(size=4, locales=("en_US",))
    old = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test", "execution": "execution-1"})
    for number in old["ranges"]:
        catalog_sync.work(lab.context, {**old, "number": number})
    lab.clock.goes_on(hours=2)
    new = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test", "execution": "execution-2"})
    assert new["run_id"] != old["run_id"]
    before = dict(lab.table.items)

    assert catalog_sync.plan(lab.context, {"run_id": old["run_id"], "execution": "execution-1"}) == SKIPPED
    assert catalog_sync.work(lab.context, {**old, "number": old["ranges"][0]}) == SUPERSEDED
    assert catalog_sync.settle(lab.context, old)["ranges"] == []
    assert catalog_sync.finished(lab.context, old) == {"status": "failed"}
    catalog_sync.failed(lab.context, {**old, "error": "x"})
    assert lab.table.items == before

    monkeypatch.setattr(lab.context.runs.__class__, "renew_lock", lambda *_: True)
    catalog_sync.finished(lab.context, old)
    assert lab.context.runs.get(old["run_id"])["status"] == "failed"
    assert "watermark" not in lab.context.runs.state()


def test_counts_are_not_moved_twice_by_a_task_that_is_repeated(make_lab: MakeLab) -> None:
    lab = make_lab(size=20, locales=("en_US",))
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    event = {"run_id": planned["run_id"], "number": planned["ranges"][0]}

    catalog_sync.work(lab.context, event)
    once = lab.context.runs.get(planned["run_id"])
    catalog_sync.work(lab.context, event)

    assert lab.context.runs.get(planned["run_id"]) == once
    assert once["progress"]["done"] == 1
    assert once["counts"]["created"] == 20


def test_a_run_ends_and_says_why_while_linkedin_is_down(make_lab: MakeLab) -> None:
    lab = make_lab(size=20, quirks={"down": {}})

    run = lab.sync()

    assert run["status"] == "failed"
    assert run["errors"][0]["code"] == "linkedin_unreachable"
    assert lab.sync()["id"] != run["id"]


def test_a_problem_that_planning_got_over_is_not_blamed_for_a_later_failure(make_lab: MakeLab) -> None:
    lab = make_lab(size=4, quirks={"down": {}})
    event = {"integration_id": "acme", "mode": "full", "trigger": "test", "execution": "one"}
    with pytest.raises(RetryLater):
        catalog_sync.plan(lab.context, event)
    lab.world.quirks.switch_off()
    begun = catalog_sync.plan(lab.context, event)

    catalog_sync.failed(lab.context, {**begun, "error": "Runtime.OutOfMemory"})

    [problem] = lab.context.runs.get(begun["run_id"])["errors"]
    assert (problem["code"], problem["detail"]) == ("task_failed", "Runtime.OutOfMemory")


def test_a_run_whose_last_task_finds_linkedin_down_says_so(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(size=8, locales=("en_US",))
    lab.sync()
    lab.step(remove=1)

    def down(_client: object, _urn: str) -> dict[str, Any]:
        raise Unreachable("ConnectError")

    monkeypatch.setattr("coursebridge.catalog.sync.archiving.assets.asset", down)

    run = lab.sync()

    assert run["status"] == "failed"
    assert [problem["code"] for problem in run["errors"]] == ["linkedin_unreachable"]


def test_a_run_whose_second_opinion_finds_linkedin_down_says_so(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = make_lab(size=4, locales=("en_US",))

    def down(*_: object) -> list[int]:
        raise Unreachable("ConnectError")

    monkeypatch.setattr("coursebridge.catalog.sync.tasks.settling.settle", down)

    run = lab.sync()

    assert run["status"] == "failed"
    assert [problem["code"] for problem in run["errors"]] == ["linkedin_unreachable"]


def test_what_was_read_before_linkedin_went_down_stays_and_the_rest_is_redriven(make_lab: MakeLab) -> None:
    lab = make_lab(size=80, locales=("en_US", "de_DE"))
    lab.world.quirks.switch_on("down", {"after": 16})
    run = lab.sync()
    assert run["status"] == "failed"
    assert run["errors"][0]["code"] == "linkedin_unreachable"
    assert lab.active()
    assert lab.active() < lab.truth()
    lab.world.quirks.switch_off()
    lab.world.requests.reset()

    run = lab.resumed(lab.control.redrive(run["id"]))

    assert run["status"] == "succeeded"
    assert run["clean"]
    assert run["errors"] == []
    assert run["counts"]["created"] == 80
    assert lab.active() == lab.truth()
    assert lab.calls("learningAssets?q=criteria") <= 3


def test_a_run_that_went_well_is_not_redriven(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    run = lab.sync()

    with pytest.raises(Conflict):
        lab.control.redrive(run["id"])


def test_the_day_limit_stops_the_asking_and_is_told(make_lab: MakeLab) -> None:
    lab = make_lab(size=200, locales=("en_US", "de_DE", "fr_FR"))
    lab.world.quirks.switch_on("throttle_day", {"after": 17})

    run = lab.sync()

    assert run["status"] == "failed"
    assert [one["code"] for one in run["errors"]] == ["linkedin_day_limit"]
    assert "midnight UTC" in run["errors"][0]["remedy"]
    assert lab.calls() <= 19


def test_a_short_throttle_is_told_and_does_no_harm(make_lab: MakeLab) -> None:
    lab = make_lab(size=20)
    lab.world.quirks.switch_on("throttle_short", {"times": 3, "after": 15})

    run = lab.sync()

    assert run["clean"]
    assert run["throttled"] == 3


def test_the_wrong_key_fails_the_run_and_names_the_right_one(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    lab.pair = pair("sandbox-report")

    run = lab.sync()

    assert run["status"] == "failed"
    assert run["errors"][0]["code"] == "linkedin_content_key_missing"
    assert "Content key" in run["errors"][0]["remedy"]


def test_no_key_pair_at_all_fails_the_run(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    lab.pair = None

    assert lab.sync()["errors"][0]["code"] == "linkedin_credentials_missing"


def test_a_key_pair_that_is_forgotten_during_a_run_stops_it_and_is_told(make_lab: MakeLab) -> None:
    lab = make_lab(size=4, locales=("en_US",))
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    lab.pair = None

    statuses = {catalog_sync.work(lab.context, {**planned, "number": number})["status"] for number in planned["ranges"]}
    catalog_sync.finished(lab.context, planned)

    run = lab.context.runs.get(planned["run_id"])
    assert (statuses, run["status"]) == ({"failed"}, "failed")
    assert [problem["code"] for problem in run["errors"]] == ["linkedin_credentials_missing"]


def test_a_key_pair_linkedin_no_longer_takes_fails_the_run(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    lab.pair = pair("sandbox-denied")

    run = lab.sync()

    assert run["errors"][0]["code"] == "linkedin_access_denied"
    assert "Relationship Manager" in run["errors"][0]["remedy"]


def test_elements_that_are_no_assets_are_counted_as_failed(make_lab: MakeLab) -> None:
    lab = make_lab(size=8, locales=("en_US",))
    element = lab.world.catalogue.element(next(iter(lab.world.catalogue.handles())))
    huge = element | {
        "urn": "urn:li:lyndaCourse:9",
        "noise": [blake2b(b"%d" % number).hexdigest() for number in range(9_000)],
    }
    lab.world.catalogue.put(huge)

    run = lab.sync()

    assert run["counts"]["failed"] == 1
    assert run["errors"][0]["code"] == "unusable_element"
    assert run["clean"]
    assert lab.active() == lab.truth() - {"urn:li:lyndaCourse:9"}


class TestADeadRun:
    def test_its_place_is_taken_after_an_hour_of_silence(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4)
        dead = lab.control.begin("full", "admin").run
        lab.clock.goes_on(hours=1, minutes=1)

        run = lab.sync()

        assert run["status"] == "succeeded"
        assert lab.context.runs.get(dead["id"])["status"] == "failed"
        assert lab.context.runs.get(dead["id"])["errors"][0]["code"] == "interrupted"

    def test_one_that_still_settles_ranges_is_not_dead(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4)
        alive = lab.control.begin("full", "admin").run
        lab.clock.goes_on(minutes=50)
        lab.context.runs.count(alive["id"], {}, lab.clock())
        lab.clock.goes_on(minutes=50)

        assert lab.control.begin("full", "admin").run["id"] == alive["id"]

    def test_a_task_that_dies_without_a_word_fails_its_range(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4, locales=("en_US",))
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        for number in planned["ranges"]:
            catalog_sync.range_failed(lab.context, {"run_id": planned["run_id"], "number": number})

        catalog_sync.finished(lab.context, {"run_id": planned["run_id"]})

        run = lab.context.runs.get(planned["run_id"])
        assert run["status"] == "failed"
        assert {one["code"] for one in run["errors"]} == {"task_failed"}

    def test_a_run_that_failed_while_planning_is_redriven_from_there(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4, quirks={"down": {}})
        run = lab.sync()
        lab.world.quirks.switch_off()

        run = lab.resumed(lab.control.redrive(run["id"]))

        assert run["status"] == "succeeded"
        assert lab.active() == lab.truth()
        assert not run["reopens"]


def test_a_run_whose_ranges_are_gone_archives_nothing_as_missing_and_moves_no_watermark(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "PAGES", 1)
    monkeypatch.setattr(ranges, "SPAN", STEP)
    lab = make_lab(size=250, locales=("en_US",))
    lab.sync()
    before = lab.context.runs.state()["watermark"]
    lab.clock.goes_on(hours=1)
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {**planned, "number": number})
    lab.table.delete(keys.run_range("acme", planned["run_id"], planned["ranges"][0]))
    lab.context.runs.change(planned["run_id"], confirmed=True)

    catalog_sync.finished(lab.context, planned)

    run = lab.context.runs.get(planned["run_id"])
    assert run["clean"] is False
    assert "ranges_lost" in {one["code"] for one in run["errors"]}
    assert lab.active() == lab.truth()
    assert lab.context.runs.state()["watermark"] == before


def test_deactivating_in_the_middle_of_a_run_archives_what_it_brought(make_lab: MakeLab) -> None:
    lab = make_lab(size=8, locales=("en_US",))
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {"run_id": planned["run_id"], "number": number})
    lab.changes(status="inactive")

    catalog_sync.finished(lab.context, {"run_id": planned["run_id"]})

    assert lab.active() == set()
    assert {one.archived_reason for one in lab.context.courses.all()} == {"deactivated"}


class TestAnIntegrationThatIsDeactivatedDuringARun:
    """No course stays active, however the run ends, and LinkedIn is not asked any more."""

    def begun(self, make_lab: MakeLab, **settings: Any) -> tuple[Lab, dict[str, Any]]:
        lab = make_lab(size=24, locales=("en_US",), **settings)
        lab.sync()
        lab.clock.goes_on(minutes=1)
        return lab, catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})

    def deactivated(self, lab: Lab) -> None:
        lab.changes(status="inactive")
        apply_settings(lab.context)

    def test_is_left_alone_by_the_ranges_to_come(self, make_lab: MakeLab) -> None:
        lab, planned = self.begun(make_lab)
        self.deactivated(lab)
        calls = lab.calls()

        statuses = {
            catalog_sync.work(lab.context, {**planned, "number": number})["status"] for number in planned["ranges"]
        }
        assert catalog_sync.settle(lab.context, planned)["ranges"] == []
        catalog_sync.finished(lab.context, planned)

        run = lab.context.runs.get(planned["run_id"])
        assert (statuses, run["status"], lab.calls() - calls) == ({"failed"}, "failed", 0)
        assert [one["code"] for one in run["errors"]] == ["integration_inactive"]
        assert lab.context.runs.lock() is None
        assert lab.active() == set()

    @pytest.mark.parametrize("looks", [1, 2, 3])
    def test_has_no_active_course_of_a_range_under_way_even_if_nothing_follows(
        self, make_lab: MakeLab, looks: int
    ) -> None:
        lab = make_lab(size=24, locales=("en_US",))
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})

        catalog_sync.work(Deactivating(lab, after=looks).context, {**planned, "number": planned["ranges"][0]})

        stopped = lab.context.runs.get(planned["run_id"])["stopped"]
        assert stopped is not None
        assert stopped["code"] == "integration_inactive"
        assert lab.active() == set()

    def test_has_none_of_a_range_that_linkedin_failed(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=120, locales=("en_US",))
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        lab.world.quirks.switch_on("down", {"after": 1})

        status = catalog_sync.work(Deactivating(lab, after=3).context, {**planned, "number": planned["ranges"][0]})[
            "status"
        ]

        assert status == "failed"
        assert {one.archived_reason for one in lab.context.courses.all()} == {"deactivated"}

    def test_has_none_after_a_run_that_a_task_died_of(self, make_lab: MakeLab) -> None:
        lab, planned = self.begun(make_lab)
        lab.changes(status="inactive")

        catalog_sync.failed(lab.context, {**planned, "error": "States.Timeout"})

        assert lab.active() == set()
        assert lab.context.runs.state()["index_form"] == FORM

    def test_has_none_where_it_happens_while_the_run_finishes(self, make_lab: MakeLab) -> None:
        lab, planned = self.begun(make_lab)
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
        lab.changes(tags_enabled=True)

        catalog_sync.finished(Deactivating(lab, after=2).context, planned)

        assert lab.active() == set()

    def test_is_read_as_before_once_it_is_active_again(self, make_lab: MakeLab) -> None:
        lab, planned = self.begun(make_lab)
        self.deactivated(lab)
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
        lab.changes(status="active")
        apply_settings(lab.context)
        assert lab.active() == lab.truth()
        catalog_sync.finished(lab.context, planned)

        run = lab.resumed(lab.control.redrive(planned["run_id"]))

        assert (run["status"], run["clean"]) == ("succeeded", True)
        assert lab.active() == lab.truth()

    def test_does_not_begin_a_run_that_was_started_before(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4)
        run = lab.control.begin("full", "admin").run
        lab.changes(status="inactive")

        assert catalog_sync.plan(lab.context, {"run_id": run["id"]})["goes_on"] is False
        assert lab.context.runs.get(run["id"])["errors"][0]["code"] == "integration_inactive"


class Deactivating:
    """An admin who deactivates the integration once a task has read it ``after`` times."""

    def __init__(self, lab: Lab, after: int) -> None:
        self._lab = lab
        self._left = after

    @property
    def context(self) -> Context:
        return replace(self._lab.context, integration=self._look)

    def _look(self) -> Integration:
        seen = self._lab.settings
        self._left -= 1
        if self._left == 0:
            self._lab.changes(status="inactive")
            apply_settings(self._lab.context)
        return seen


def test_filters_saved_in_the_middle_of_a_run_hold_at_its_end(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, locales=("en_US",))
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {"run_id": planned["run_id"], "number": number})
    lab.changes(filters={"levels": ["BEGINNER"]})

    catalog_sync.finished(lab.context, {"run_id": planned["run_id"]})

    assert {lab.context.courses.get(urn).course["level"] for urn in lab.active()} == {"BEGINNER"}  # type: ignore[union-attr]
    assert lab.sync("incremental")["mode"] == "full"


def test_switching_tags_takes_effect_at_the_next_sync_even_for_courses_it_does_not_read(make_lab: MakeLab) -> None:
    lab = make_lab(size=8, tags_enabled=True)
    lab.sync()
    assert all(one.labels.tags_enabled for one in lab.context.courses.all())
    lab.changes(tags_enabled=False)
    lab.clock.moment += timedelta(hours=1)

    run = lab.sync("incremental")

    assert run["mode"] == "incremental"
    assert not any(one.labels.tags_enabled for one in lab.context.courses.all())


def test_a_plan_that_is_repeated_with_less_to_read_leaves_no_ranges_of_the_first(make_lab: MakeLab) -> None:
    lab = make_lab(size=24)
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    lab.changes(filters={"languages": ["en"]})
    run = lab.context.runs.get(planned["run_id"])

    numbers = planning.lay_out(lab.context, run, lab.clock())

    left = [one["number"] for one in lab.context.runs.ranges(run["id"])]
    assert set(numbers) <= set(left)
    assert len(left) < len(planned["ranges"])
