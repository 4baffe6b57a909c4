"""The tasks of the catalogue sync, in the frame that both syncs share (``syncs.tasks``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.catalog import settings_change
from coursebridge.catalog.sync import planning, settling, working
from coursebridge.catalog.sync.finishing import fail, finish
from coursebridge.integrations import day_limit
from coursebridge.linkedin.errors import LinkedInError, Retryable
from coursebridge.syncs.problems import problem_of, switched_off
from coursebridge.syncs.stopping import RetryLater
from coursebridge.syncs.tasks import Tasks

if TYPE_CHECKING:
    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.run_shapes import Problem, Run


def _objection(context: Context) -> Problem | None:
    return None if context.integration().status == "active" else switched_off()


def _laid_out(context: Context, run: Run) -> list[int] | None:
    try:
        return planning.lay_out(context, run, context.now())
    except Retryable as error:
        context.runs.change(run["id"], last_problem=problem_of(error, "planning"))
        raise RetryLater(error.reason) from error
    except LinkedInError as error:
        day_limit.note(context.runs, error, context.now())
        fail(context, run["id"], problem_of(error, "planning"))
        return None


def _further(context: Context, run_id: str) -> list[int]:
    """Return the numbers of further ranges; none, and the run is stopped, if LinkedIn refuses a second opinion."""
    try:
        return settling.settle(context, run_id)
    except Retryable as error:
        context.runs.change(run_id, last_problem=problem_of(error, "second opinion"))
        raise RetryLater(error.reason) from error
    except LinkedInError as error:
        day_limit.note(context.runs, error, context.now())
        context.runs.change(run_id, stopped=problem_of(error, "second opinion"))
        return []


catalog_sync = Tasks(
    objection=_objection,
    serves=planning.serves,
    lay_out=_laid_out,
    range=working.work,
    give_up=working.range_failed,
    further=_further,
    finish=finish,
    fail=fail,
    on_abandoned=settings_change.UNFINISHED,
)
TASKS = catalog_sync.by_name() | {"conform": settings_change.task}
"""All tasks by name: those of the state machine, and ``conform``, which a change of settings starts."""
