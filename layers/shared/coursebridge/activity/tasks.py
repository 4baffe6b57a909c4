"""The tasks of the activity sync, in the framework that both syncs share (``syncs.tasks``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.activity import planning, settling, working
from coursebridge.activity.finishing import fail, finish
from coursebridge.syncs.problems import reports_switched_off, switched_off
from coursebridge.syncs.tasks import Tasks

if TYPE_CHECKING:
    from coursebridge.activity.context import Context
    from coursebridge.storage.run_shapes import Problem, Run


def _objection(context: Context) -> Problem | None:
    integration = context.integration()
    if integration.status != "active":
        return switched_off()
    return None if integration.activity.enabled else reports_switched_off()


def _laid_out(context: Context, run: Run) -> list[int]:
    return planning.lay_out(context, run, context.now())


activity_sync = Tasks(
    objection=_objection,
    serves=planning.serves,
    lay_out=_laid_out,
    range=working.work,
    give_up=working.range_failed,
    further=settling.settle,
    finish=finish,
    fail=fail,
)
TASKS = activity_sync.by_name()
"""Every task, by its name in the state machine."""
