"""The state machine of both syncs: the order of its tasks, its retries, and where errors lead."""

from __future__ import annotations

from typing import Any

import pytest

from coursebridge.activity.tasks import activity_sync
from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.errors import Unavailable
from coursebridge.syncs.stopping import RetryLater
from state_machine import DEFINITION, StateMachine, attempts_after, states_of

STATES = dict(states_of(DEFINITION))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
CAUGHT = {"Plan": "FailPlan", "Range": "RangeFailed", "Settle": "Fail", "Finish": "Fail"}
EVENT = {"integration_id": "acme", "mode": "full", "trigger": "test"}


class Runs:
    """A store of runs that have only an id."""

    def get(self, run_id: str) -> dict[str, Any]:
        return {"id": run_id}

    def latest(self) -> dict[str, Any]:
        return {"id": "latest"}


class Context:
    runs = Runs()


class Walk(StateMachine):
    """A machine whose tasks only record that they ran, and fail as often as they are told to."""

    def __init__(self, *settled: list[int], **fails: int) -> None:
        super().__init__({}, Context())
        self.done: list[tuple[str, Any]] = []
        self.arguments: dict[str, dict[str, Any]] = {}
        self.settled, self.fails = list(settled), fails
        self.error: Exception = RetryLater("later")

    def task(self, name: str, arguments: dict[str, Any]) -> Any:
        self.done.append((name, arguments.get("number")))
        self.arguments[name] = arguments
        if self.fails.get(name, 0) > 0:
            self.fails[name] -= 1
            raise self.error
        if name == "plan":
            return {"run_id": "r1", "ranges": [0, 1], "goes_on": True}
        return {"ranges": self.settled.pop(0)} if name == "settle" else {}


def test_both_kinds_of_sync_do_every_task_of_the_machine_and_no_other() -> None:
    named = {state["Arguments"]["task"] for state in TASKS.values()}

    assert named == catalog_sync.by_name().keys() == activity_sync.by_name().keys()


def test_ranges_are_done_and_settled_until_there_are_no_more_and_then_it_finishes() -> None:
    walk = Walk([2], [])

    assert walk.run(EVENT) == {"id": "r1"}
    assert walk.done == [
        ("plan", None), ("range", 0), ("range", 1), ("settle", None), ("range", 2), ("settle", None), ("finish", None),
    ]  # fmt: skip


def test_a_task_is_told_what_it_is_about() -> None:
    walk = Walk([])
    walk.run({"integration_id": "acme", "execution": "e1"})

    run = {"integration_id": "acme", "run_id": "r1"}
    planned = {
        "integration_id": "acme",
        "run_id": None,
        "mode": "incremental",
        "trigger": "schedule",
        "execution": "e1",
    }
    assert walk.arguments == {
        "plan": {"task": "plan", **planned},
        "range": {"task": "range", **run, "number": 1},
        "settle": {"task": "settle", **run},
        "finish": {"task": "finish", **run},
    }


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_tried_again_for_the_same_faults(name: str) -> None:
    assert [retry["ErrorEquals"] for retry in TASKS[name]["Retry"]] == [
        ["Lambda.TooManyRequestsException"],
        ["RetryLater", "Unavailable", *(f"Lambda.{name}Exception" for name in ("Service", "AWSLambda", "SdkClient"))],
        ["States.ALL"],
    ]
    assert [retry["MaxAttempts"] for retry in TASKS[name]["Retry"]] == [60, 4, 1]


@pytest.mark.parametrize("error", [RetryLater, Unavailable])
def test_the_errors_it_tries_again_for_are_the_codes_own(error: type[Exception]) -> None:
    assert {attempts_after(state, error.__name__) for state in TASKS.values()} == {4}


def test_every_fault_leads_where_it_should() -> None:
    assert {name: state["Catch"][0]["Next"] for name, state in TASKS.items() if "Catch" in state} == CAUGHT
    assert STATES["Ranges"]["Catch"][0]["Next"] == "Fail"
    assert {STATES[name]["Next"] for name in ("Fail", "FailPlan")} == {"Failed"}


@pytest.mark.parametrize(
    ("task", "follows"), [("plan", "fail"), ("range", "range_failed"), ("settle", "fail"), ("finish", "fail")]
)
@pytest.mark.parametrize("error", [RetryLater("later"), Unavailable("busy")], ids=["RetryLater", "Unavailable"])
def test_a_task_is_tried_five_times_before_it_is_given_up(task: str, follows: str, error: Exception) -> None:
    passes, fails = Walk([], **{task: 4}), Walk([], **{task: 5})
    passes.error = fails.error = error

    passes.run(EVENT)
    fails.run(EVENT)

    assert follows not in {name for name, _ in passes.done}
    assert [name for name, _ in fails.done if name in (task, follows)][:6] == [task] * 5 + [follows]
    if follows == "fail":
        assert fails.done[-1][0] == "fail"
        assert fails.arguments["fail"]["error"] == type(error).__name__
        assert fails.arguments["fail"]["integration_id"] == "acme"
    else:
        assert fails.done[-1][0] == "finish"
        assert {**fails.arguments["range_failed"], "task": "range"} == {**passes.arguments["range"], "number": 0}


def test_a_plan_that_fails_says_which_execution_had_it() -> None:
    walk = Walk(plan=5)

    assert walk.run({**EVENT, "execution": "e1"}) == {"id": "latest"}
    assert walk.arguments["fail"]["execution"] == "e1"
    assert walk.arguments["fail"]["run_id"] is None
