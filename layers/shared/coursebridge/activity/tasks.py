"""The tasks of the state machine (``statemachines/sync.asl.yaml``), each safe to repeat."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from coursebridge.activity import planning, settling, working
from coursebridge.activity.finishing import fail, finish
from coursebridge.catalog.sync import problems
from coursebridge.integrations.runs import RunControl

if TYPE_CHECKING:
    from coursebridge.activity.context import Context

Event = dict[str, Any]
SKIPPED: Event = {"run_id": None, "ranges": [], "goes_on": False}
SUPERSEDED: Event = {"status": "superseded"}


def plan(context: Context, event: Event) -> Event:
    """Begin a run, or take one up again; return the numbers of the ranges to work off.

    A schedule starts the state machine without a run. It is passed over while another run is under way, while
    LinkedIn's limit of the day is in force, and for an integration that is not active or reads no reports.
    A run that the limit has stopped before goes on instead of a new one.
    """
    integration = context.integration()
    if integration.status != "active" or not integration.activity.enabled:
        if event.get("run_id"):
            inactive = integration.status != "active"
            off = problems.switched_off() if inactive else problems.task_died("activity reports are switched off")
            fail(context, event["run_id"], off)
        return SKIPPED
    run_id = event.get("run_id") or _begun(context, event)
    if run_id is None or not _runs(context).take_up(run_id, _execution(event)):
        return SKIPPED
    run = context.runs.get(run_id)
    if run.get("planned"):
        numbers = [one["number"] for one in context.runs.ranges(run_id) if not one["settled"]]
    else:
        numbers = planning.lay_out(context, run, context.now())
    return {"run_id": run_id, "ranges": numbers, "goes_on": True}


def work(context: Context, event: Event) -> Event:
    """Work off one range, unless another run has taken this one's place."""
    if not context.runs.renew_lock(event["run_id"], context.now()):
        return SUPERSEDED
    return {"status": working.work(context, event["run_id"], event["number"])}


def range_failed(context: Context, event: Event) -> Event:
    """Note that a range could not be worked off."""
    return {"status": working.range_failed(context, event["run_id"], event["number"])}


def settle(context: Context, event: Event) -> Event:
    """Return the numbers of the ranges that record what was read, none when all of it is or another run goes on."""
    if not context.runs.renew_lock(event["run_id"], context.now()):
        return {"run_id": event["run_id"], "ranges": [], "goes_on": True}
    return {"run_id": event["run_id"], "ranges": settling.settle(context, event["run_id"]), "goes_on": True}


def finished(context: Context, event: Event) -> Event:
    """Finish a run."""
    return {"status": finish(context, event["run_id"])}


def failed(context: Context, event: Event) -> Event:
    """Close a run that a task could not go on with."""
    run_id = event.get("run_id") or _runs(context).begun_in(_execution(event))
    if run_id:
        fail(context, run_id, problems.task_died(str(event.get("error") or "a task of the run failed")))
    return {"status": "failed"}


def _begun(context: Context, event: Event) -> str | None:
    serves = partial(planning.serves, context, event["mode"])
    return _runs(context).begin_in(_execution(event), event["mode"], event["trigger"], serves)


def _runs(context: Context) -> RunControl:
    return RunControl(context.runs, now=context.now)


def _execution(event: Event) -> str:
    return str(event.get("execution") or "")


TASKS = {
    "plan": plan,
    "range": work,
    "range_failed": range_failed,
    "settle": settle,
    "finish": finished,
    "fail": failed,
}
