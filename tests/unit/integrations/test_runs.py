"""Starting, redriving and confirming runs, and telling a live run from a dead one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from coursebridge.errors import Conflict, NotFound, Unavailable
from coursebridge.integrations.runs import SHOWN, RunControl, Started, shown
from coursebridge.storage.runs import RANGE_DAYS, Lock, RunStore
from coursebridge.storage.runs import ended as remembered_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.run_shapes import RangeStatus, RunStatus
    from coursebridge.storage.table import Table

ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:catalog"


class ExecutionDoesNotExist(Exception):
    """The error of this name in Step Functions."""


class ExecutionAlreadyExists(Exception):
    """The error of this name in Step Functions."""


@dataclass
class StepFunctions:
    """A Step Functions client that holds the status of each execution by its ARN."""

    executions: dict[str, str] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    refuses: Exception | None = None

    class exceptions:  # noqa: N801  (boto3's spelling)
        """The client's errors."""

        ExecutionDoesNotExist = ExecutionDoesNotExist
        ExecutionAlreadyExists = ExecutionAlreadyExists

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: A002, N803
        if self.refuses:
            raise self.refuses
        execution = f"{stateMachineArn}:{name}"
        if execution in self.executions:
            raise ExecutionAlreadyExists
        self.executions[execution] = "RUNNING"
        self.inputs.append(json.loads(input))
        return {"executionArn": execution}

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803
        if self.refuses:
            raise self.refuses
        if executionArn not in self.executions:
            raise ExecutionDoesNotExist
        return {"status": self.executions[executionArn]}


class Clock:
    """A clock that advances when told to, and by a millisecond with every reading."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def goes_on(self, **by: float) -> None:
        self.moment += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def machine() -> StepFunctions:
    return StepFunctions()


@pytest.fixture
def runs(table: Table) -> RunStore:
    return RunStore(table, "acme", "catalog")


@pytest.fixture
def control(runs: RunStore, machine: StepFunctions, clock: Clock) -> RunControl:
    client: Any = machine
    return RunControl(runs, client, ARN, clock, on_abandoned={"filters": "unfinished"})


def ended(runs: RunStore, run_id: str, status: RunStatus = "succeeded", **fields: Any) -> None:
    assert runs.close(run_id, {}, status=status, planned=True, **fields)


def test_starting_writes_the_record_and_starts_the_execution_of_the_same_name(
    control: RunControl, runs: RunStore, machine: StepFunctions
) -> None:
    started = control.start("full", "admin")

    assert started.is_new
    run = started.run
    assert (run["kind"], run["mode"], run["trigger"], run["status"]) == ("catalog", "full", "admin", "running")
    assert set(run["counts"].values()) == {0}
    assert run["execution"] == f"{ARN}:{run['id']}"
    assert machine.inputs == [{"integration_id": "acme", "mode": "full", "trigger": "admin", "run_id": run["id"]}]
    assert runs.latest() == run


def test_a_second_request_gets_the_run_under_way(control: RunControl) -> None:
    first = control.start("full", "admin")
    second = control.start("incremental", "schedule")

    assert (second.run["id"], second.is_new) == (first.run["id"], False)


def meanwhile(monkeypatch: pytest.MonkeyPatch, runs: RunStore, deed: Callable[[], object]) -> None:
    """Let somebody else do ``deed`` right after the next look at the lock."""
    look = runs.lock

    def lock() -> Lock | None:
        found = look()
        monkeypatch.setattr(runs, "lock", look)
        deed()
        return found

    monkeypatch.setattr(runs, "lock", lock)


@pytest.mark.parametrize("is_dead", [False, True])
def test_of_two_who_start_at_once_both_get_the_same_run(
    control: RunControl, runs: RunStore, machine: StepFunctions, monkeypatch: pytest.MonkeyPatch, is_dead: bool
) -> None:
    if is_dead:
        machine.executions[control.start("full", "admin").run["execution"]] = "ABORTED"
    others: list[Started] = []
    meanwhile(monkeypatch, runs, lambda: others.append(control.start("full", "admin")))

    own = control.start("incremental", "admin")

    assert others[0].is_new
    assert (own.run["id"], own.is_new) == (others[0].run["id"], False)
    assert runs.lock() == Lock(own.run["id"], runs.get(own.run["id"])["started_at"])
    assert list(machine.executions.values()).count("RUNNING") == 1


def test_a_start_that_came_through_though_its_answer_was_lost_is_no_failure(
    control: RunControl, runs: RunStore, machine: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = machine.start_execution

    def twice(**request: Any) -> dict[str, str]:
        start(**request)
        return start(**request)

    monkeypatch.setattr(machine, "start_execution", twice)

    run = control.start("full", "admin").run

    assert run["status"] == "running"
    assert runs.lock() is not None


def test_another_kind_and_another_integration_have_locks_of_their_own(
    control: RunControl, table: Table, machine: StepFunctions
) -> None:
    control.start("full", "admin")
    client: Any = machine

    assert RunControl(RunStore(table, "acme", "activity"), client, ARN).start("full", "admin").is_new
    assert RunControl(RunStore(table, "other", "catalog"), client, ARN).start("full", "admin").is_new


REFUSALS = [
    ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "StartExecution"),
    ReadTimeoutError(endpoint_url="https://states.example.com"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["busy", "silent"])
def test_a_run_that_cannot_be_started_leaves_no_lock(
    control: RunControl, runs: RunStore, machine: StepFunctions, refusal: Exception
) -> None:
    machine.refuses = refusal

    with pytest.raises(Unavailable):
        control.start("full", "admin")

    assert runs.lock() is None
    failed = runs.latest()
    assert failed is not None
    assert failed["status"] == "failed"
    machine.refuses = None
    assert control.start("full", "admin").is_new


@pytest.mark.parametrize("refusal", REFUSALS, ids=["busy", "silent"])
def test_a_run_whose_execution_cannot_be_looked_at_keeps_its_place(
    control: RunControl, runs: RunStore, machine: StepFunctions, refusal: Exception
) -> None:
    started = control.start("full", "admin").run
    machine.refuses = refusal

    with pytest.raises(Unavailable):
        control.start("full", "admin")

    machine.refuses = None
    assert control.start("full", "admin").run["id"] == started["id"]


class TestARunWhoseExecution:
    @pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT"])
    def test_has_ended_without_finishing_is_closed_by_the_next(
        self, control: RunControl, runs: RunStore, machine: StepFunctions, status: str
    ) -> None:
        dead = control.start("full", "admin").run
        machine.executions[dead["execution"]] = status

        following = control.start("full", "admin")

        assert following.is_new
        assert runs.get(dead["id"])["status"] == "failed"
        assert runs.get(dead["id"])["errors"][0]["code"] == "interrupted"
        assert runs.state()["filters"] == "unfinished"

    def test_has_ended_leaves_no_note_in_a_kind_of_sync_that_needs_none(
        self, table: Table, machine: StepFunctions, clock: Clock
    ) -> None:
        client: Any = machine
        reports = RunStore(table, "acme", "activity")
        control = RunControl(reports, client, ARN, clock)
        machine.executions[control.start("full", "admin").run["execution"]] = "FAILED"

        following = control.start("full", "admin")
        assert following.is_new
        assert reports.state()["last_status"] == "failed"
        assert "filters" not in reports.state()

    def test_has_ended_after_it_was_looked_at_is_not_closed_once_more(
        self, control: RunControl, runs: RunStore, machine: StepFunctions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = control.start("full", "admin").run

        def ends(**_: Any) -> dict[str, str]:
            ended(runs, run["id"])
            return {"status": "SUCCEEDED"}

        monkeypatch.setattr(machine, "describe_execution", ends)

        assert control.start("full", "admin").is_new
        assert runs.get(run["id"])["status"] == "succeeded"

    def test_goes_on_is_alive_however_long_none_of_its_tasks_began(self, control: RunControl, clock: Clock) -> None:
        control.start("full", "admin")
        clock.goes_on(days=1)

        assert not control.start("full", "admin").is_new

    @pytest.mark.parametrize("renewed", [True, False])
    def test_cannot_be_asked_about_is_alive_while_its_tasks_renew_the_lock(
        self, runs: RunStore, clock: Clock, renewed: bool
    ) -> None:
        scheduled = RunControl(runs, now=clock)
        run = scheduled.begin("full", "schedule", "execution-1").run
        for _ in range(3):
            clock.goes_on(minutes=40)
            assert not renewed or scheduled.take_up(run["id"], "execution-1")

        assert (scheduled.begin_in("execution-2", "full", "schedule") is None) is renewed
        assert scheduled.take_up(run["id"], "execution-1") is renewed

    def test_was_started_and_never_noted_is_known_once_its_first_task_begins(
        self, control: RunControl, runs: RunStore, machine: StepFunctions, clock: Clock
    ) -> None:
        run = control.begin("full", "admin").run
        machine.executions["execution-1"] = "RUNNING"
        assert control.take_up(run["id"], "execution-1")
        clock.goes_on(minutes=2)

        assert not control.start("full", "admin").is_new

    def test_is_not_there_yet_is_waited_for_a_minute(
        self, control: RunControl, runs: RunStore, machine: StepFunctions, clock: Clock
    ) -> None:
        run = control.start("full", "admin").run
        machine.executions.clear()

        assert not control.start("full", "admin").is_new
        clock.goes_on(minutes=2)
        assert control.start("full", "admin").is_new
        assert runs.get(run["id"])["status"] == "failed"

    def test_was_never_noted_is_waited_for_a_minute(self, control: RunControl, runs: RunStore, clock: Clock) -> None:
        control.begin("full", "admin")

        assert not control.start("full", "admin").is_new
        clock.goes_on(minutes=2)
        assert control.start("full", "admin").is_new

    def test_ended_after_the_run_did_left_a_lock_behind(self, control: RunControl, runs: RunStore) -> None:
        run = control.start("full", "admin").run
        runs.change(run["id"], status="succeeded")

        assert control.start("full", "admin").is_new
        assert runs.get(run["id"])["status"] == "succeeded"


class TestRedriving:
    def test_opens_the_ranges_that_failed_and_no_other(
        self, control: RunControl, runs: RunStore, machine: StepFunctions, clock: Clock
    ) -> None:
        run = control.start("full", "admin").run
        states: tuple[RangeStatus, ...] = ("done", "failed", "partial", "open")
        runs.add_ranges(
            run["id"],
            [{"number": n, "settled": status != "open", "status": status} for n, status in enumerate(states)],
            clock(),
        )
        ended(runs, run["id"], progress={"done": 3, "total": 4}, stopped={"code": "linkedin_day_limit"})

        again = control.redrive(run["id"])
        control.reopen(again)
        control.reopen(runs.get(run["id"]))

        assert [one["settled"] for one in runs.ranges(run["id"])] == [True, False, False, False]
        assert again["status"] == "running"
        assert again["progress"] == {"done": 1, "total": 4}
        assert again["stopped"] is None
        assert again["execution"] == f"{ARN}:{run['id']}-1"
        assert not control.start("full", "admin").is_new

    def test_of_a_run_of_which_nothing_failed_is_a_conflict(self, control: RunControl, runs: RunStore) -> None:
        run = control.start("full", "admin").run
        ended(runs, run["id"])

        with pytest.raises(Conflict):
            control.redrive(run["id"])

    def test_of_a_run_under_way_is_a_conflict(self, control: RunControl) -> None:
        with pytest.raises(Conflict):
            control.redrive(control.start("full", "admin").run["id"])

    def test_of_no_run_at_all_is_not_found(self, control: RunControl) -> None:
        with pytest.raises(NotFound):
            control.redrive("none")

    def test_beside_another_run_is_a_conflict(self, control: RunControl, runs: RunStore, clock: Clock) -> None:
        run = control.start("full", "admin").run
        ended(runs, run["id"], "failed")
        runs.begin({**run, "id": "0", "status": "running", "touched_at": run["started_at"]}, clock())

        with pytest.raises(Conflict):
            control.redrive(run["id"])


@pytest.mark.parametrize(("way", "status"), [("redrive", "failed"), ("confirm", "needs_confirmation")])
@pytest.mark.parametrize("time", ["first", "second"])
def test_of_two_who_take_a_run_up_at_once_one_does(
    control: RunControl,
    runs: RunStore,
    machine: StepFunctions,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    status: RunStatus,
    time: str,
) -> None:
    run = control.start("full", "admin").run
    runs.add_ranges(run["id"], [{"number": 0, "settled": True, "status": "failed"}], clock())
    ended(runs, run["id"], status)
    if time == "second":
        getattr(control, way)(run["id"])
        ended(runs, run["id"], status)

    def take_up_and_work_off() -> None:
        getattr(control, way)(run["id"])
        runs.change_range(run["id"], 0, settled=True, status="done")

    meanwhile(monkeypatch, runs, take_up_and_work_off)
    executed = len(machine.inputs)

    with pytest.raises(Conflict):
        getattr(control, way)(run["id"])

    assert runs.get(run["id"])["status"] == "running"
    assert runs.range(run["id"], 0)["settled"]
    assert len(machine.inputs) == executed + 1


@pytest.mark.parametrize(("way", "status"), [("redrive", "failed"), ("confirm", "needs_confirmation")])
def test_a_run_is_taken_up_again_only_while_what_it_has_read_is_kept(
    control: RunControl, runs: RunStore, clock: Clock, way: str, status: RunStatus
) -> None:
    run = control.start("full", "admin").run
    ended(runs, run["id"], status)
    clock.goes_on(days=RANGE_DAYS)

    with pytest.raises(Conflict, match="start a new run"):
        getattr(control, way)(run["id"])

    assert runs.get(run["id"])["status"] == status
    assert runs.lock() is None


class TestConfirming:
    def test_runs_again_with_the_word_given(self, control: RunControl, runs: RunStore) -> None:
        run = control.start("full", "admin").run
        ended(runs, run["id"], "needs_confirmation")

        assert control.confirm(run["id"])["confirmed"]

    def test_of_a_run_that_is_not_waiting_is_a_conflict(self, control: RunControl, runs: RunStore) -> None:
        run = control.start("full", "admin").run
        ended(runs, run["id"])

        with pytest.raises(Conflict):
            control.confirm(run["id"])

    def test_of_an_older_run_is_a_conflict(self, control: RunControl, runs: RunStore) -> None:
        run = control.start("full", "admin").run
        ended(runs, run["id"], "needs_confirmation")
        ended(runs, control.start("full", "admin").run["id"])

        with pytest.raises(Conflict):
            control.confirm(run["id"])


def test_an_execution_that_has_no_name_takes_no_run_for_its_own(runs: RunStore, clock: Clock) -> None:
    scheduled = RunControl(runs, now=clock)
    scheduled.begin("full", "admin")

    assert scheduled.begin_in("", "full", "schedule") is None


@pytest.mark.parametrize(
    ("status", "clean", "is_success"),
    [
        ("succeeded", True, True),
        ("succeeded", False, False),
        ("failed", True, False),
        ("needs_confirmation", True, False),
    ],
)
def test_only_a_clean_run_that_succeeded_is_remembered_as_a_success(
    status: RunStatus, clean: bool, is_success: bool
) -> None:
    told = remembered_of("run-1", status, "2026-03-01T00:00:00.000Z", clean=clean)

    assert (told["last_run_id"], told["last_status"]) == ("run-1", status)
    assert ("last_success_at" in told) is is_success


def test_a_run_is_shown_without_bookkeeping(control: RunControl) -> None:
    assert tuple(shown(control.start("full", "admin").run)) == SHOWN
