"""The tasks of the state machine that both syncs use (``statemachines/sync.asl.yaml``), each safe to repeat.

Each kind of sync brings its own work. When a task may run, and what it answers the state machine, is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from coursebridge.integrations.runs import RunControl
from coursebridge.syncs.problems import task_died
from coursebridge.syncs.stopping import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.storage.run_shapes import Mode, Problem, Remembered, Run
    from coursebridge.storage.runs import RunStore

Event = dict[str, Any]
"""The input or the output of a task, as JSON."""
SKIPPED: Event = {"run_id": None, "ranges": [], "goes_on": False}
SUPERSEDED: Event = {"status": "superseded"}


class SyncContext(Protocol):
    """The part of a task's context that the frame needs."""

    @property
    def runs(self) -> RunStore:
        """The runs of this kind of sync."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""


C = TypeVar("C", bound=SyncContext)


@dataclass(frozen=True)
class Tasks(Generic[C]):
    """The tasks of one kind of sync.

    Attributes:
        objection: returns why no run of an integration may proceed at present; ``None`` if one may.
        serves: whether finishing a stopped run achieves what a new run of the given mode would.
        lay_out: writes the ranges of a run and returns the numbers of those to process; ``None`` if the run has failed.
        range: processes a range of a run and returns its status.
        give_up: settles a range that could not be processed and returns its status.
        further: writes further ranges of a run and returns the numbers of those to process, none when it is complete.
        finish: finishes a run and returns its status.
        fail: closes a run that cannot continue.
        on_abandoned: what to remember when a run that did not finish is closed.
    """

    objection: Callable[[C], Problem | None]
    serves: Callable[[C, Mode, Run], bool]
    lay_out: Callable[[C, Run], list[int] | None]
    range: Callable[[C, str, int], str]
    give_up: Callable[[C, str, int], str]
    further: Callable[[C, str], list[int]]
    finish: Callable[[C, str], str]
    fail: Callable[[C, str, Problem], None]
    on_abandoned: Remembered | None = None

    def by_name(self) -> dict[str, Callable[[C, Event], Event]]:
        """Return the tasks by their names in the state machine."""
        return {
            "plan": self.plan,
            "range": self.work,
            "range_failed": self.range_failed,
            "settle": self.settle,
            "finish": self.finished,
            "fail": self.failed,
        }

    def plan(self, context: C, event: Event) -> Event:
        """Begin or continue a run; return the numbers of the ranges to process.

        A schedule starts the state machine without a run. It is skipped while another run is under way or LinkedIn's
        daily limit is in force, and a run that this limit stopped is continued in place of a new one. If there is an
        objection, no run begins, and one that was given fails.

        Raises:
            RetryLater: LinkedIn failed in a way that may pass.
        """
        objection = self.objection(context)
        if objection is not None:
            if event.get("run_id"):
                self.fail(context, event["run_id"], objection)
            return SKIPPED
        run_id = event.get("run_id") or self._begun(context, event)
        if run_id is None or not self._control(context).take_up(run_id, _execution(event)):
            return SKIPPED
        run = context.runs.get(run_id)
        self._control(context).reopen(run)
        if run.get("planned"):
            numbers = [range_["number"] for range_ in context.runs.ranges(run_id) if not range_["settled"]]
            return {"run_id": run_id, "ranges": numbers, "goes_on": True}
        laid_out = self.lay_out(context, run)
        return {"run_id": run_id, "ranges": laid_out or [], "goes_on": laid_out is not None}

    def work(self, context: C, event: Event) -> Event:
        """Process one range, unless another run has replaced this one."""
        if not context.runs.renew_lock(event["run_id"], context.now()):
            return SUPERSEDED
        return {"status": self.range(context, event["run_id"], event["number"])}

    def range_failed(self, context: C, event: Event) -> Event:
        """Settle a range that could not be processed."""
        return {"status": self.give_up(context, event["run_id"], event["number"])}

    def settle(self, context: C, event: Event) -> Event:
        """Return the numbers of further ranges, none if the run is complete or another has replaced it."""
        run_id = event["run_id"]
        is_held = context.runs.renew_lock(run_id, context.now())
        return {"run_id": run_id, "ranges": self.further(context, run_id) if is_held else [], "goes_on": True}

    def finished(self, context: C, event: Event) -> Event:
        """Finish a run."""
        return {"status": self.finish(context, event["run_id"])}

    def failed(self, context: C, event: Event) -> Event:
        """Close a run after one of its tasks failed."""
        run_id = event.get("run_id") or self._control(context).begun_in(_execution(event))
        if run_id:
            error = str(event.get("error") or "a task of the run failed")
            # What a task noted before another try explains the end only if it still failed for that at the last one.
            noted = context.runs.get(run_id).get("last_problem") if error == RetryLater.__name__ else None
            self.fail(context, run_id, noted or task_died(error))
        return {"status": "failed"}

    def _begun(self, context: C, event: Event) -> str | None:
        serves = partial(self.serves, context, event["mode"])
        return self._control(context).begin_in(_execution(event), event["mode"], event["trigger"], serves)

    def _control(self, context: C) -> RunControl:
        return RunControl(context.runs, now=context.now, on_abandoned=self.on_abandoned)


def _execution(event: Event) -> str:
    return str(event.get("execution") or "")
