"""Starting, redriving and confirming runs: one run per integration and kind at a time.

The lock is a conditionally written item. Each task first renews it, and does nothing if another run holds it. If an
execution ended without releasing the lock (it was aborted, or the state machine failed), the next attempt to start a
run closes the old one as failed. Whether an execution has ended is known from Step Functions or, inside a state
machine, inferred from the age of the lock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError

from coursebridge.clock import parse_rfc3339, rfc3339, utc_now
from coursebridge.errors import Conflict, Unavailable
from coursebridge.ids import new_id
from coursebridge.integrations import day_limit
from coursebridge.observability import logger
from coursebridge.storage.runs import RANGE_DAYS, ended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mypy_boto3_stepfunctions import SFNClient

    from coursebridge.storage.run_shapes import Mode, Problem, Progress, Range, Remembered, Run, Trigger
    from coursebridge.storage.runs import Lock, RunStore

COUNTS = ("read", "created", "updated", "archived", "restored", "ignored", "unchanged", "failed")
GRACE = timedelta(minutes=1)
"""How long after taking the lock the execution may take to appear."""
LEASE = timedelta(hours=1)
"""A run is dead if none of its tasks has started for this long; a task takes at most a quarter of an hour."""
TAKEN_UP_FOR = timedelta(days=21)
"""How long after its start a run that LinkedIn's limit stopped may be taken up; its ranges are kept for 30 days."""
RESUMABLE = timedelta(days=RANGE_DAYS - 1)
"""How long after its start a run may be resumed: later, its ranges might expire before it ends."""
SHOWN = (
    "id", "kind", "mode", "trigger", "status", "started_at", "finished_at", "counts", "progress", "errors", "clean",
    "throttled", "pending_archive", "windows", "people", "repairs", "not_repaired", "reengaged", "drift_percent",
)  # fmt: skip
"""What admins see of a run; the rest is bookkeeping that may change."""
INTERRUPTED: Problem = {
    "code": "interrupted",
    "detail": "the run's execution ended without finishing",
    "cause": "It was stopped by hand, or the state machine failed.",
    "remedy": "Nothing to do: the next run has taken over.",
    "count": 1,
}
NOT_STARTED: Problem = {
    "code": "interrupted",
    "detail": "the run's execution could not be started",
    "cause": "Step Functions refused or could not be reached.",
    "remedy": "Start the run again, or redrive it.",
    "count": 1,
}


@dataclass(frozen=True)
class Started:
    """A run, and whether it was started now or existed already."""

    run: Run
    is_new: bool


def shown(run: Run) -> dict[str, Any]:
    """Return a run as an admin sees it; what is unknown, or exists only for the other kind of sync, is ``None``."""
    return {name: run.get(name) for name in SHOWN}


class RunControl:
    """Starts runs of one kind of one integration.

    Args:
        runs: the store.
        stepfunctions: the client; ``None`` inside a state machine, which neither starts nor describes executions.
        state_machine_arn: the state machine that executes this kind of run.
        now: the clock.
        on_abandoned: what this kind of sync remembers when an unfinished run is closed.
    """

    def __init__(
        self,
        runs: RunStore,
        stepfunctions: SFNClient | None = None,
        state_machine_arn: str = "",
        now: Callable[[], datetime] = utc_now,
        on_abandoned: Remembered | None = None,
    ) -> None:
        self._runs = runs
        self._stepfunctions = stepfunctions
        self._state_machine_arn = state_machine_arn
        self._now = now
        self._on_abandoned: Remembered = on_abandoned or {}

    def start(self, mode: Mode, trigger: Trigger) -> Started:
        """Start a run and its execution, or return the run that is under way.

        While LinkedIn's daily limit is in force, the run that it stopped is returned unchanged.

        Raises:
            Unavailable: the execution could not be started, so the new run was closed as failed; or that of the
                previous run could not be checked, so nothing was done.
        """
        latest = self._runs.latest() if self._is_limited() else None
        if latest is not None and day_limit.has_stopped(latest):
            return Started(latest, is_new=False)
        started = self.begin(mode, trigger)
        if started.is_new:
            self._execute(started.run, started.run["id"])
        return Started(self._runs.get(started.run["id"]), started.is_new)

    def begin(self, mode: Mode, trigger: Trigger, execution: str = "") -> Started:
        """Take the lock and write the run's record, or return the run that holds the lock. Start no execution."""
        now = self._now()
        run_id = new_id(now)
        lock = self._runs.lock()
        holder = self._holder(lock)
        if holder is not None:
            return Started(holder, is_new=False)
        run = self._record(run_id, mode, trigger, execution, now)
        if self._runs.begin(run, now, dead=lock):
            return Started(run, is_new=True)
        held = self._runs.lock()
        return Started(self._runs.get(held.run_id), is_new=False) if held else self.begin(mode, trigger, execution)

    def begin_in(
        self, execution: str, mode: Mode, trigger: Trigger, serves: Callable[[Run], bool] = lambda _run: False
    ) -> str | None:
        """Begin the run of an execution that was started without one, and return its id.

        If LinkedIn's daily limit stopped the latest run and that run ``serves``, it is taken up again instead. If the
        task is repeated, it finds the run that its execution began.

        Args:
            execution: the execution's ARN.
            mode: the mode of a new run.
            trigger: what started the execution.
            serves: whether finishing a stopped run would do what the new run is meant to do.

        Returns:
            The run's id; ``None`` if another run is under way, or if LinkedIn's daily limit is in force.
        """
        if self._is_limited():
            logger.info("LinkedIn's limit of the day is in force")
            return None
        latest = self._runs.latest()
        if latest is not None and self._can_be_taken_up(latest) and serves(latest):
            return self._taken_up(latest, execution)
        started = self.begin(mode, trigger, execution)
        if started.is_new or (execution and started.run["execution"] == execution):
            return str(started.run["id"])
        logger.info("a run is under way already", run=started.run["id"])
        return None

    def begun_in(self, execution: str) -> str | None:
        """Return the id of the run under way if this execution works on it, otherwise ``None``."""
        lock = self._runs.lock()
        run = self._runs.get(lock.run_id) if lock else None
        return str(run["id"]) if run and execution and run["execution"] == execution else None

    def take_up(self, run_id: str, execution: str) -> bool:
        """Renew a run's lock and note which execution works on it; return whether the run still had the lock."""
        if not self._runs.renew_lock(run_id, self._now()):
            return False
        if execution and self._runs.get(run_id)["execution"] != execution:
            self._runs.change(run_id, execution=execution)
        return True

    def reopen(self, run: Run) -> None:
        """Reopen the failed ranges of a run that was resumed for them; called by the first task of its execution.

        Resuming does not do this: if a concurrent request resumed the run first, its execution may already be working
        on them.
        """
        if run.get("reopens"):
            for failed in self._runs.failed_ranges(run["id"]):
                self._runs.change_range(run["id"], failed["number"], settled=False)
            self._runs.change(run["id"], reopens=False)

    def redrive(self, run_id: str) -> Run:
        """Repeat the failed ranges of a run, without reading the others again.

        Raises:
            Conflict: the run is running, too old or not the latest one, or nothing in it failed.
        """
        run = self._resumable(run_id)
        failed = self._runs.failed_ranges(run_id)
        if run["status"] != "failed" and not failed:
            raise Conflict("nothing in this run has failed")
        return self._again(run, failed)

    def confirm(self, run_id: str) -> Run:
        """Let a run that is waiting for confirmation go ahead with archiving.

        Raises:
            Conflict: the run is not waiting for confirmation, is too old, or is not the latest one.
        """
        run = self._resumable(run_id)
        if run["status"] != "needs_confirmation":
            raise Conflict("this run is not waiting for confirmation")
        return self._resume(run, {"confirmed": True})

    def _is_limited(self) -> bool:
        return day_limit.in_force_until(self._runs.state(), self._now()) is not None

    def _can_be_taken_up(self, run: Run) -> bool:
        return day_limit.has_stopped(run) and self._now() - parse_rfc3339(run["started_at"]) < TAKEN_UP_FOR

    def _taken_up(self, run: Run, execution: str) -> str | None:
        try:
            return str(self._again(run, self._runs.failed_ranges(run["id"]), execution)["id"])
        except Conflict:
            logger.info("another run took the place of this one", run=run["id"])
            return None

    def _again(self, run: Run, failed: Sequence[Range], execution: str = "") -> Run:
        progress: Progress = run["progress"] | {"done": max(run["progress"]["done"] - len(failed), 0)}
        again: Run = {"progress": progress, "stopped": None, "last_problem": None, "errors": [], "reopens": True}
        return self._resume(run, again, execution)

    def _resumable(self, run_id: str) -> Run:
        run = self._runs.get(run_id)
        latest = self._runs.latest()
        if latest is not None and latest["id"] != run_id:
            raise Conflict("there is a later run; what this one has read is out of date")
        if run["status"] == "running":
            raise Conflict("the run is still running")
        if self._now() - parse_rfc3339(run["started_at"]) > RESUMABLE:
            raise Conflict("what this run has read is no longer kept: start a new run")
        return run

    def _resume(self, run: Run, fields: Run, execution: str = "") -> Run:
        run_id, times = run["id"], run.get("resumed", 0) + 1
        now = self._now()
        # Without the ended execution, which would make the run look dead until the new one is noted.
        again: Run = {
            **fields,
            "status": "running",
            "finished_at": None,
            "resumed": times,
            "touched_at": rfc3339(now),
            "execution": execution,
        }
        lock = self._runs.lock()
        if self._holder(lock) or not self._runs.resume(run, again, now, dead=lock):
            raise Conflict("this run or another one is still running")
        day_limit.lift(self._runs)
        self._execute(self._runs.get(run_id), f"{run_id}-{times}")
        return self._runs.get(run_id)

    def _execute(self, run: Run, name: str) -> None:
        if self._stepfunctions is None:
            return
        inputs = {name: run[name] for name in ("integration_id", "mode", "trigger")} | {"run_id": run["id"]}
        try:
            answer = self._stepfunctions.start_execution(
                stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(inputs)
            )
        except self._stepfunctions.exceptions.ExecutionAlreadyExists:
            # An earlier try of this request succeeded, but its answer was lost.
            logger.info("the execution is there already", run=run["id"])
            return
        except (ClientError, HTTPClientError) as error:
            logger.exception("a run could not be started", run=run["id"])
            self._close(run, NOT_STARTED)
            raise Unavailable("the run could not be started, try again") from error
        self._runs.change(run["id"], execution=answer["executionArn"])

    def _holder(self, lock: Lock | None) -> Run | None:
        """Return the live run that holds a lock, or ``None``; close a run that is dead."""
        if lock is None:
            return None
        run = self._runs.get(lock.run_id)
        if self._is_alive(run, parse_rfc3339(lock.taken_at)):
            return run
        if run["status"] == "running":
            self._close(run, INTERRUPTED)
        return None

    def _is_alive(self, run: Run, locked_at: datetime) -> bool:
        now = self._now()
        if run["status"] != "running":
            return False
        if self._stepfunctions is None:
            return now - max(parse_rfc3339(run["touched_at"]), locked_at) <= LEASE
        if not run["execution"]:
            return now - locked_at < GRACE
        try:
            answer = self._stepfunctions.describe_execution(executionArn=run["execution"])
        except self._stepfunctions.exceptions.ExecutionDoesNotExist:
            return now - locked_at < GRACE
        except (ClientError, HTTPClientError) as error:
            raise Unavailable("nobody knows whether the run before is under way, try again") from error
        return answer["status"] == "RUNNING"

    def _close(self, run: Run, problem: Problem) -> None:
        now = rfc3339(self._now())
        remembered: Remembered = {**self._on_abandoned, **ended(run["id"], "failed", now, clean=False)}
        self._runs.close(run["id"], remembered, status="failed", finished_at=now, errors=[problem], clean=False)

    def _record(self, run_id: str, mode: Mode, trigger: Trigger, execution: str, now: datetime) -> Run:
        return {
            "id": run_id,
            "integration_id": self._runs.integration_id,
            "kind": self._runs.kind,
            "mode": mode,
            "trigger": trigger,
            "status": "running",
            "started_at": rfc3339(now),
            "finished_at": None,
            "touched_at": rfc3339(now),
            "counts": dict.fromkeys(COUNTS, 0),
            "progress": {"done": 0, "total": 0},
            "errors": [],
            "clean": None,
            "throttled": 0,
            "pending_archive": 0,
            "execution": execution,
        }
