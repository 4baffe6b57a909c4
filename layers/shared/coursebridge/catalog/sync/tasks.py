"""The tasks of the state machine (``statemachines/sync.asl.yaml``), each safe to repeat."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from coursebridge.catalog import settings_change
from coursebridge.catalog.sync import planning, problems, settling, working
from coursebridge.catalog.sync.context import RetryLater
from coursebridge.catalog.sync.finishing import fail, finish
from coursebridge.integrations import day_limit
from coursebridge.integrations.runs import RunControl
from coursebridge.linkedin.errors import LinkedInError, Retryable
from coursebridge.storage.runs import STALE

if TYPE_CHECKING:
    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.table import Item

SKIPPED: dict[str, Any] = {"run_id": None, "ranges": [], "goes_on": False}
SUPERSEDED = {"status": "superseded"}


def plan(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Begin a run, or take one up again; return the numbers of the ranges to work off.

    A schedule starts the state machine without a run. It is passed over while another run is under way, while
    LinkedIn's limit of the day is in force, and for an integration that is not active.
    A run that the limit has stopped before goes on instead of a new one.

    Raises:
        RetryLater: LinkedIn is not well.
    """
    if context.integration().status != "active":
        return _inactive(context, event)
    run_id = event.get("run_id") or _begun(context, event)
    if run_id is None or not _runs(context).take_up(run_id, _execution(event)):
        return SKIPPED
    run = context.runs.get(run_id)
    if run.get("planned"):
        numbers = [one["number"] for one in context.runs.ranges(run_id) if not one["settled"]]
        return {"run_id": run_id, "ranges": numbers, "goes_on": True}
    return _planned(context, run)


def work(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Work off one range, unless another run has taken this one's place."""
    if not context.runs.renew_lock(event["run_id"], context.now()):
        return SUPERSEDED
    return {"status": working.work(context, event["run_id"], event["number"])}


def range_failed(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Note that a range could not be worked off."""
    return {"status": working.range_failed(context, event["run_id"], event["number"])}


def settle(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of further ranges.

    None when the run is complete, LinkedIn gives no second opinion, or another run has taken its place.
    """
    run_id = event["run_id"]
    if not context.runs.renew_lock(run_id, context.now()):
        return {"run_id": run_id, "ranges": [], "goes_on": True}
    try:
        return {"run_id": run_id, "ranges": settling.settle(context, run_id), "goes_on": True}
    except Retryable as error:
        raise RetryLater(error.reason) from error
    except LinkedInError as error:
        day_limit.note(context.runs, error, context.now())
        context.runs.change(run_id, stopped=problems.problem_of(error, "second opinion"))
        return {"run_id": run_id, "ranges": [], "goes_on": True}


def finished(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Finish a run."""
    return {"status": finish(context, event["run_id"])}


def failed(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    """Close a run that a task could not go on with."""
    run_id = event.get("run_id") or _runs(context).begun_in(_execution(event))
    if run_id:
        fail(context, run_id, problems.task_died(str(event.get("error") or "a task of the run failed")))
    return {"status": "failed"}


def _planned(context: Context, run: Item) -> dict[str, Any]:
    try:
        numbers = planning.lay_out(context, run, context.now())
    except Retryable as error:
        context.runs.change(run["id"], last_problem=problems.problem_of(error, "planning"))
        raise RetryLater(error.reason) from error
    except LinkedInError as error:
        day_limit.note(context.runs, error, context.now())
        fail(context, run["id"], problems.problem_of(error, "planning"))
        return {"run_id": run["id"], "ranges": [], "goes_on": False}
    return {"run_id": run["id"], "ranges": numbers, "goes_on": True}


def _begun(context: Context, event: dict[str, Any]) -> str | None:
    serves = partial(planning.serves, context, event["mode"])
    return _runs(context).begin_in(_execution(event), event["mode"], event["trigger"], serves)


def _inactive(context: Context, event: dict[str, Any]) -> dict[str, Any]:
    if event.get("run_id"):
        fail(context, event["run_id"], problems.switched_off())
    return SKIPPED


def _runs(context: Context) -> RunControl:
    return RunControl(context.runs, now=context.now, on_abandoned={"index_form": STALE})


def _execution(event: dict[str, Any]) -> str:
    return str(event.get("execution") or "")


TASKS = {
    "plan": plan,
    "range": work,
    "range_failed": range_failed,
    "settle": settle,
    "finish": finished,
    "fail": failed,
    "conform": settings_change.task,
}
