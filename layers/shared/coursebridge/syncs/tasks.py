"""The tasks of the state machine that both syncs run (``statemachines/sync.asl.yaml``), each safe to repeat.

What a task of one kind of sync does is its own; when it may do it, and what the state machine is told, is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from coursebridge.integrations.runs import RunControl
from coursebridge.syncs.problems import task_died

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.storage.run_shapes import Mode, Problem, Remembered, Run
    from coursebridge.storage.runs import RunStore

Event = dict[str, Any]
"""What a task is told and what it answers, JSON both."""
SKIPPED: Event = {"run_id": None, "ranges": [], "goes_on": False}
SUPERSEDED: Event = {"status": "superseded"}


class SyncContext(Protocol):
    """What the frame has to know of a task's context."""

    @property
    def runs(self) -> RunStore:
        """The runs of the kind of sync."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""


C = TypeVar("C", bound=SyncContext)


@dataclass(frozen=True)
class Tasks(Generic[C]):
    """The tasks of one kind of sync.

    Attributes:
        objection: returns why no run of an integration goes on at present, ``None`` if it may.
        serves: whether a run that was stopped, once it is finished, has done what a new one of a mode would.
        lay_out: writes the ranges of a run and returns the numbers of those to work off; ``None`` if it has failed.
        range: works off a range of a run and returns its status.
        give_up: settles a range that could not be worked off and returns its status.
        further: writes the further ranges of a run and returns their numbers, none when it is complete.
        finish: finishes a run and returns its status.
        fail: closes a run that cannot go on.
        on_abandoned: what is remembered when a run is closed that did not finish.
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
        """Return the tasks by the names that the state machine has for them."""
        return {
            "plan": self.plan,
            "range": self.work,
            "range_failed": self.range_failed,
            "settle": self.settle,
            "finish": self.finished,
            "fail": self.failed,
        }

    def plan(self, context: C, event: Event) -> Event:
        """Begin a run, or take one up again; return the numbers of the ranges to work off.

        A schedule starts the state machine without a run. It is passed over while another run is under way, while
        LinkedIn's limit of the day is in force, and where there is an objection to any run.
        A run that the limit has stopped before goes on instead of a new one.

        Raises:
            RetryLater: LinkedIn is not well.
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
            numbers = [one["number"] for one in context.runs.ranges(run_id) if not one["settled"]]
            return {"run_id": run_id, "ranges": numbers, "goes_on": True}
        laid_out = self.lay_out(context, run)
        return {"run_id": run_id, "ranges": laid_out or [], "goes_on": laid_out is not None}

    def work(self, context: C, event: Event) -> Event:
        """Work off one range, unless another run has taken this one's place."""
        if not context.runs.renew_lock(event["run_id"], context.now()):
            return SUPERSEDED
        return {"status": self.range(context, event["run_id"], event["number"])}

    def range_failed(self, context: C, event: Event) -> Event:
        """Note that a range could not be worked off."""
        return {"status": self.give_up(context, event["run_id"], event["number"])}

    def settle(self, context: C, event: Event) -> Event:
        """Return the numbers of further ranges, none when the run is complete or another has taken its place."""
        run_id = event["run_id"]
        is_held = context.runs.renew_lock(run_id, context.now())
        return {"run_id": run_id, "ranges": self.further(context, run_id) if is_held else [], "goes_on": True}

    def finished(self, context: C, event: Event) -> Event:
        """Finish a run."""
        return {"status": self.finish(context, event["run_id"])}

    def failed(self, context: C, event: Event) -> Event:
        """Close a run that a task could not go on with."""
        run_id = event.get("run_id") or self._control(context).begun_in(_execution(event))
        if run_id:
            self.fail(context, run_id, task_died(str(event.get("error") or "a task of the run failed")))
        return {"status": "failed"}

    def _begun(self, context: C, event: Event) -> str | None:
        serves = partial(self.serves, context, event["mode"])
        return self._control(context).begin_in(_execution(event), event["mode"], event["trigger"], serves)

    def _control(self, context: C) -> RunControl:
        return RunControl(context.runs, now=context.now, on_abandoned=self.on_abandoned)


def _execution(event: Event) -> str:
    return str(event.get("execution") or "")
