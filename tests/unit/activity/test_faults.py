"""A run that is killed, throttled or raced by other writers ends with the same records and the right counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from activity_lab import BUCKET, COURSE, OTHER_COURSE, Lab
from activity_sync_handler import lambda_handler
from catalog_lab import SECRETS, integration
from coursebridge import clients
from coursebridge.activity import wiring
from coursebridge.activity.tasks import TASKS, activity_sync
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict
from coursebridge.integrations.store import IntegrationStore
from coursebridge.linkedin import client, reports
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.people.merging import Merging
from coursebridge.records.evidence import Evidence, Point
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from coursebridge.storage.runs import RunStore
from coursebridge.syncs.tasks import SKIPPED, SUPERSEDED
from memory_table import Killed, MemoryTable
from state_machine import DEFINITION, StateMachine, attempts_after, states_of
from unit.conftest import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from activity_lab import MakeLab
    from coursebridge.storage.run_shapes import Run
    from coursebridge.storage.table import Table


class Broken(Exception):
    """Stands for the process being killed."""


def begun(lab: Lab) -> tuple[str, list[int]]:
    planned = activity_sync.plan(lab.context, {"mode": "full", "trigger": "test", "execution": "e1"})
    return planned["run_id"], planned["ranges"]


def breaking(lab: Lab, monkeypatch: pytest.MonkeyPatch, method: str, after: int) -> None:
    """Let the n-th call of a table method take effect, and then raise ``Broken`` instead of returning."""
    original: Callable[..., Any] = getattr(MemoryTable, method)
    calls = 0

    def once(self: MemoryTable, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        result = original(self, *args, **options)
        if calls == after:
            raise Broken
        return result

    monkeypatch.setattr(MemoryTable, method, once)


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_task_that_is_killed_and_repeated_counts_what_it_had_done(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    for number in range(70):
        lab.did(number, (2, 40), (1, 100 if number % 2 else 60))
    run_id, numbers = begun(lab)
    for number in numbers:
        activity_sync.work(lab.context, {"run_id": run_id, "number": number})
    with monkeypatch.context() as patch:
        breaking(lab, patch, "transact", after)
        with pytest.raises(Broken):
            _finished(lab, run_id)

    run = _finished(lab, run_id)

    assert run["people"].get("added") == 70
    assert run["repairs"] == {"completions": 35, "progress": 35, "history": 0, "total": 70}
    assert run["counts"]["created"] == run["counts"]["read"] == 70


def test_a_run_under_way_says_how_much_is_left(lab: Lab) -> None:
    lab.did(1, (1, 100))
    run_id, numbers = begun(lab)
    for number in numbers:
        activity_sync.work(lab.context, {"run_id": run_id, "number": number})

    recording = activity_sync.settle(lab.context, {"run_id": run_id})["ranges"]

    progress = lab.context.runs.get(run_id)["progress"]
    assert recording
    assert progress == {"done": len(numbers), "total": len(numbers) + len(recording)}


def test_every_task_can_be_repeated(lab: Lab) -> None:
    lab.learner(1)
    lab.did(1, (1, 100))

    class Twice(StateMachine):
        def task(self, name: str, arguments: dict[str, Any]) -> Any:
            super().task(name, arguments)
            return super().task(name, arguments)

    run = Twice(TASKS, lab.context).run(
        {"integration_id": "acme", "mode": "full", "trigger": "test", "execution": "e1"}
    )

    assert run["status"] == "succeeded"
    assert run["repairs"]["completions"] == run["counts"]["read"] == 1
    assert run["progress"]["done"] == run["progress"]["total"]


def test_a_run_killed_while_it_finishes_is_closed_whole_when_the_task_is_repeated(make_lab: MakeLab) -> None:
    killed, writes = True, 0
    while killed:
        lab = make_lab()
        lab.course()
        lab.learner(1)
        lab.did(1, (1, 100))
        lab.did(2, (1, 50), urn=OTHER_COURSE)
        lab.sync()
        run_id, numbers = begun(lab)
        for number in (*numbers, *activity_sync.settle(lab.context, {"run_id": run_id})["ranges"]):
            activity_sync.work(lab.context, {"run_id": run_id, "number": number})
        for number in activity_sync.settle(lab.context, {"run_id": run_id})["ranges"]:
            activity_sync.work(lab.context, {"run_id": run_id, "number": number})
        memory: Any = lab.table
        memory.fails_after = writes
        killed = False
        try:
            activity_sync.finished(lab.context, {"run_id": run_id})
        except Killed:
            killed, memory.fails_after = True, None
            activity_sync.finished(lab.context, {"run_id": run_id})
        memory.fails_after = None
        run, state = lab.context.runs.get(run_id), lab.context.runs.state()
        activity_sync.failed(lab.context, {"run_id": run_id, "error": "States.Timeout"})

        assert lab.context.runs.get(run_id) == run
        assert run["status"] == "succeeded"
        assert (state["last_run_id"], state["last_success_at"]) == (run_id, run["finished_at"])
        assert state["waiting_run"] == run_id
        assert lab.context.runs.lock() is None
        writes += 1
    assert writes > 1


def test_a_run_whose_place_another_has_taken_does_nothing_more(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    old, numbers = begun(lab)
    lab.clock.goes_on(hours=2)
    new = activity_sync.plan(lab.context, {"mode": "full", "trigger": "test", "execution": "e2"})
    assert new["run_id"] != old
    memory: Any = lab.table
    before = dict(memory.items)

    assert activity_sync.plan(lab.context, {"run_id": old, "execution": "e1"}) == SKIPPED
    assert activity_sync.work(lab.context, {"run_id": old, "number": numbers[0]}) == SUPERSEDED
    assert activity_sync.settle(lab.context, {"run_id": old})["ranges"] == []
    assert activity_sync.finished(lab.context, {"run_id": old}) == {"status": "failed"}
    activity_sync.failed(lab.context, {"run_id": old, "error": "x"})
    assert memory.items == before

    monkeypatch.setattr(RunStore, "renew_lock", lambda *_: True)
    activity_sync.finished(lab.context, {"run_id": old})
    assert lab.context.runs.get(old)["status"] == "failed"
    assert "covered_since" not in lab.context.runs.state()


@pytest.mark.parametrize(
    ("evidence", "updated"),
    [(Evidence(points={"2026-01-01T00:00:00.000Z": Point(45)}), 1), (None, 0)],
    ids=["something else", "the same"],
)
def test_a_record_that_others_write_at_the_same_time_keeps_both(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, evidence: Evidence | None, updated: int
) -> None:
    lab.learner(1)
    lab.did(1, (3, 40), (1, 60))
    original = MemoryTable.transact
    raced: list[int] = []

    def race(self: MemoryTable, actions: Any) -> None:
        written = [action.item for action in actions if action.item.get("entity") == "record"]
        if written and not raced:
            raced.append(1)
            told = evidence or Evidence.from_item(written[0]["parts"]["learner-1"])
            at = rfc3339(lab.clock())
            RecordStore(lab.table, "acme").add("learner-1", COURSE, "learner-1", told, None, at)
        original(self, actions)

    monkeypatch.setattr(MemoryTable, "transact", race)
    run = lab.sync()

    (attempt,) = lab.attempts("learner-1")
    assert raced
    assert (attempt.progress, attempt.reported_seconds_viewed) == (60, 120)
    assert (run["counts"]["updated"], run["counts"]["unchanged"]) == (updated, 1 - updated)


def test_a_learner_erased_during_the_run_does_not_come_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.learner(1)
    lab.did(1, (1, 60))
    run_id, numbers = begun(lab)
    for number in numbers:
        activity_sync.work(lab.context, {"run_id": run_id, "number": number})
    activity_sync.settle(lab.context, {"run_id": run_id})
    lab.table.delete(keys.learner("acme", "learner-1"))

    run = _finished(lab, run_id)

    assert lab.attempts("learner-1") == ()
    assert run["not_repaired"]["learner_gone"] == 1


def test_what_is_told_of_a_learner_merged_during_the_run_is_read_again(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    real_lab.learner(1)
    real_lab.learner(2)
    real_lab.did(1, (70, 100))
    run_id, numbers = begun(real_lab)
    for number in numbers:
        activity_sync.work(real_lab.context, {"run_id": run_id, "number": number})
    activity_sync.settle(real_lab.context, {"run_id": run_id})
    Merging(real_lab.table, "acme").merge("learner-2", "learner-1")
    first = _finished(real_lab, run_id)

    real_lab.sync("incremental")

    assert first["not_repaired"]["learner_gone"] == 1
    assert real_lab.attempts("learner-2")[0].status == "completed"


@pytest.mark.parametrize(
    "quirk",
    [
        {"throttle_short": {"share": 1.0, "times": 3}},
        {"server_errors": {"share": 0.3}},
        {"error_in_200": {"share": 0.3}},
        {"not_json_200": {"share": 0.3}},
        {"early_revocation": {"calls": 2}},
        {"report_shuffled_activities": {}},
        {"report_missing_asset_type": {"share": 1.0}},
        {"report_logins": {}},
        {"report_pacific_days": {}},
        {"missing_next": {}},
        {"prev_only_links": {}},
    ],
    ids=lambda quirk: next(iter(quirk)),
)
def test_linkedins_oddities_change_nothing(make_lab: MakeLab, quirk: dict[str, Any]) -> None:
    lab = make_lab(quirks=quirk, activity={"lookback_days": 30})
    lab.course()
    for number in range(5):
        lab.learner(number)
        lab.did(number, (20, 30), (5, 60), (2, 100))

    run = lab.sync()

    assert run["status"] == "succeeded", run["errors"]
    for number in range(5):
        (attempt,) = lab.attempts(f"learner-{number}")
        assert (attempt.status, attempt.source, attempt.reported_seconds_viewed) == ("completed", "report", 180)


def test_a_report_of_many_pages_is_read_to_its_end_and_no_further(lab: Lab) -> None:
    for number in range(2100):
        lab.did(number, (1, 50))
    lab.changes(learner_matching="directory")

    run = lab.sync()

    starts = [int(one["start"]) for one in lab.calls()]
    assert run["counts"]["read"] == 2100
    assert sorted(starts) in ([0, 0, 1000, 2000], [0, 1000, 2000])


def test_without_the_report_key_the_run_fails_and_names_the_remedy_once(lab: Lab) -> None:
    lab.changes(activity={"lookback_days": 365})
    lab.pair = KeyPair.of("sandbox-content", SECRETS["sandbox-content"])

    run = lab.sync()

    (error,) = run["errors"]
    assert run["status"] == "failed"
    assert (error["code"], error["count"]) == ("linkedin_report_key_missing", 27)
    assert "Report key" in error["remedy"]
    assert len(lab.calls()) == 1


def test_a_window_that_failed_is_read_when_the_run_is_redriven(make_lab: MakeLab) -> None:
    lab = make_lab(activity={"lookback_days": 30})
    lab.course()
    lab.learner(1)
    lab.did(1, (25, 20), (1, 60))
    lab.world.quirks.switch_on("server_errors", {"share": 1.0, "times": 0, "path": "/v2/learningActivityReports"})
    run_id, numbers = begun(lab)
    activity_sync.range_failed(lab.context, {"run_id": run_id, "number": numbers[0]})
    lab.world.quirks.switch_off()
    for number in numbers[1:]:
        activity_sync.work(lab.context, {"run_id": run_id, "number": number})
    first = _finished(lab, run_id)

    redriven = lab.control.redrive(run_id)
    second = lab.sync(run_id=run_id)

    assert (first["status"], redriven["status"], second["status"]) == ("failed", "running", "succeeded")
    assert lab.attempts("learner-1")[0].reported_seconds_viewed == 120
    assert second["counts"]["read"] == sum(v for name, v in second["counts"].items() if name != "read")


def test_a_range_that_was_settled_stays_as_it_is(lab: Lab) -> None:
    run_id, numbers = begun(lab)
    activity_sync.work(lab.context, {"run_id": run_id, "number": numbers[0]})

    assert activity_sync.work(lab.context, {"run_id": run_id, "number": numbers[0]}) == {"status": "done"}
    assert activity_sync.range_failed(lab.context, {"run_id": run_id, "number": numbers[0]}) == {"status": "done"}
    assert lab.context.runs.get(run_id)["progress"]["done"] == 1


def test_a_window_that_fails_for_good_does_not_fail_the_others(make_lab: MakeLab) -> None:
    lab = make_lab(activity={"lookback_days": 30})
    lab.course()
    lab.learner(1)
    lab.did(1, (1, 60))
    attempts = (1 + attempts_after(dict(states_of(DEFINITION))["Range"], "RetryLater")) * client.ATTEMPTS
    failing = {"share": 1.0, "times": attempts, "path": "/v2/learningActivityReports"}
    lab.world.quirks.switch_on("server_errors", failing)

    run = lab.sync()

    (error,) = run["errors"]
    assert (run["status"], error["code"]) == ("failed", "linkedin_unusable_answer")
    assert lab.attempts("learner-1")[0].progress == 60


def test_what_linkedin_refuses_is_not_asked_again(make_lab: MakeLab) -> None:
    lab = make_lab(quirks={"plain_error_body": {"share": 1.0, "status": 400, "path": "/v2/learningActivityReports"}})

    run = lab.sync()

    assert (run["status"], run["errors"][0]["code"]) == ("failed", "linkedin_refused")
    assert len(lab.calls()) == run["windows"]


def test_a_task_that_runs_twice_at_once_counts_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, numbers = begun(lab)
    event = {"run_id": run_id, "number": numbers[0]}

    def other(*_: object) -> Iterator[list[Any]]:
        activity_sync.range_failed(lab.context, event)
        yield []

    monkeypatch.setattr(reports, "pages", other)
    activity_sync.work(lab.context, event)

    assert lab.context.runs.get(run_id)["progress"]["done"] == 1
    assert lab.context.runs.range(run_id, numbers[0])["status"] == "done"


def test_rows_about_nobody_are_counted_as_failed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"learnerDetails": {"name": "Somebody"}, "contentDetails": {"contentUrn": COURSE}}]
    idle = [{"learnerDetails": {"email": "idle@example.com"}, "contentDetails": {"contentUrn": COURSE}}]
    monkeypatch.setattr(reports, "pages", lambda *_: iter([rows + idle]))

    run = lab.sync()

    assert run["status"] == "succeeded"
    assert run["errors"][0]["code"] == "unusable_row"
    assert run["counts"]["failed"] == run["counts"]["read"] == run["errors"][0]["count"]


def test_a_run_that_failed_covers_nothing(make_lab: MakeLab) -> None:
    lab = make_lab(activity={"lookback_days": 90})
    run_id, numbers = begun(lab)
    for number in numbers:
        activity_sync.range_failed(lab.context, {"run_id": run_id, "number": number})
    _finished(lab, run_id)

    run = lab.sync("incremental")

    assert (run["mode"], run["windows"]) == ("full", len(numbers))


def test_one_run_goes_at_a_time(lab: Lab) -> None:
    run_id, _ = begun(lab)

    assert activity_sync.plan(lab.context, {"mode": "full", "trigger": "schedule", "execution": "e2"}) == SKIPPED
    assert lab.control.begin("full", "admin").run["id"] == run_id


@pytest.mark.parametrize("settings", [{"status": "inactive"}, {"activity": {"enabled": False}}])
def test_a_schedule_passes_over_what_is_switched_off(lab: Lab, settings: dict[str, Any]) -> None:
    lab.changes(**settings)

    assert lab.sync("incremental") == {}


def test_a_run_that_was_started_and_is_switched_off_meanwhile_is_closed(lab: Lab) -> None:
    started = lab.control.begin("full", "admin")
    lab.changes(activity={"enabled": False})

    run = lab.sync(run_id=started.run["id"])

    assert (run["status"], [error["code"] for error in run["errors"]]) == ("failed", ["activity_disabled"])
    assert lab.context.runs.lock() is None


def test_a_run_a_task_could_not_go_on_with_is_closed(lab: Lab) -> None:
    run_id, _ = begun(lab)

    activity_sync.failed(lab.context, {"run_id": None, "execution": "e1", "error": "States.Timeout"})

    run = lab.context.runs.get(run_id)
    assert (run["status"], run["errors"][0]["detail"]) == ("failed", "States.Timeout")
    assert lab.context.runs.lock() is None
    with pytest.raises(Conflict):
        lab.control.confirm(run_id)


def test_what_another_execution_began_is_not_closed(lab: Lab) -> None:
    run_id, _ = begun(lab)

    assert activity_sync.failed(lab.context, {"run_id": None, "execution": "e2"}) == {"status": "failed"}
    assert lab.context.runs.get(run_id)["status"] == "running"


def test_the_function_does_the_task_it_is_told_to(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    pseudonym = clients.secretsmanager().create_secret(Name="pseudonym", SecretString='{"key": "k"}')
    for name, value in {
        "BUCKET_NAME": BUCKET,
        "PSEUDONYM_SECRET_ARN": pseudonym["ARN"],
        "SECRET_PREFIX": "test/",
        "LINKEDIN_OAUTH_URL": "https://linkedin.example",
        "LINKEDIN_API_URL": "https://linkedin.example",
    }.items():
        monkeypatch.setenv(name, value)
    IntegrationStore(deployed).add(integration(status="inactive"))
    context: Any = Context()

    answer = lambda_handler({"task": "plan", "integration_id": "acme", "mode": "full", "trigger": "schedule"}, context)

    assert answer == SKIPPED
    assert wiring.context("acme").pseudonym_key() == "k"


def _finished(lab: Lab, run_id: str) -> Run:
    further = activity_sync.settle(lab.context, {"run_id": run_id})["ranges"]
    for number in further:
        activity_sync.work(lab.context, {"run_id": run_id, "number": number})
    activity_sync.finished(lab.context, {"run_id": run_id})
    return lab.context.runs.get(run_id)


@pytest.mark.parametrize("looks", [0, 1], ids=["before a window", "while a window is read"])
def test_an_integration_that_is_deactivated_is_read_no_further(lab: Lab, looks: int) -> None:
    lab.did(1, (1, 60))
    run_id, numbers = begun(lab)
    seen = [lab.settings] * looks
    lab.changes(status="inactive")
    context = replace(lab.context, integration=lambda: seen.pop() if seen else lab.settings)

    statuses = [activity_sync.work(context, {"run_id": run_id, "number": number})["status"] for number in numbers]
    run = _finished(lab, run_id)

    assert set(statuses) == {"failed"}
    assert (run["status"], [one["code"] for one in run["errors"]]) == ("failed", ["integration_inactive"])
    assert len(lab.calls()) == looks


@pytest.mark.parametrize(("asked", "goes_on"), [("incremental", True), ("full", False)])
def test_a_run_that_the_limit_of_the_day_stopped_goes_on_the_next_day(lab: Lab, asked: str, goes_on: bool) -> None:
    lab.learner(1)
    assert lab.sync("full")["status"] == "succeeded"
    lab.did(1, (1, 100))
    lab.clock.goes_on(seconds=1)
    lab.world.quirks.switch_on("throttle_day", {"after": 1})
    first = lab.sync("incremental")
    assert (first["mode"], first["status"]) == ("incremental", "failed")
    assert lab.sync(asked) == {}, "not on the same day"
    lab.world.quirks.switch_off()
    lab.clock.goes_on(days=1)

    run = lab.sync(asked)

    assert (run["id"] == first["id"]) is goes_on
    assert (run["status"], lab.attempts("learner-1")[0].status) == ("succeeded", "completed")
