"""Whether an integration needs attention: what is running, late or held, and what is getting old."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from coursebridge.activity import quiet
from coursebridge.admin.presenting import secrets
from coursebridge.admin.situation import held_count, situations, stranded_count
from coursebridge.apply.judge import HELD_REASONS, REASONS
from coursebridge.catalog.sync.problems import STILL_AVAILABLE
from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.integrations import day_limit
from coursebridge.integrations.schedules import planned
from coursebridge.linkedin.credentials import SCOPES
from coursebridge.storage import keys
from coursebridge.storage.run_shapes import KINDS
from coursebridge.storage.runs import RunStore
from coursebridge.storage.unplaced_people import UnplacedPeopleStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from coursebridge.activity.quiet import Judgement
    from coursebridge.admin.situation import Situation
    from coursebridge.integrations.models import Integration, Schedule
    from coursebridge.linkedin.credentials import Scope
    from coursebridge.storage.run_shapes import Kind, Run
    from coursebridge.storage.table import Table
    from coursebridge.storage.unplaced_people import UnplacedPeople

MOST_COUNTED = 10_000
LATE = timedelta(minutes=10)
OLD_SECRET_DAYS = 365


@dataclass(frozen=True)
class Observed:
    """What was read of an integration.

    Attributes:
        integration: the integration with its settings.
        situation: how it stands.
        runs: the latest run of each kind, if there was one.
        finished: the run of each kind that ended last, if there was one.
        redrivable: the kinds whose run in ``finished`` succeeded but left ranges that can be read again.
        held: how many statements are held for each reason.
        stranded: how many of those held as ``course_unknown`` no sync is likely to help.
        waiting_since: since when the oldest statement has been waiting to be applied.
        silence: what the silence since the last statement means.
        unplaced: the people in activity reports who are not exactly one active learner.
        now: when all this was read.
    """

    integration: Integration
    situation: Situation
    runs: Mapping[Kind, Run]
    finished: Mapping[Kind, Run]
    redrivable: frozenset[Kind]
    held: Mapping[str, int]
    stranded: int
    waiting_since: datetime | None
    silence: Judgement
    unplaced: UnplacedPeople
    now: datetime


def observe(table: Table, integration: Integration, now: datetime) -> Observed:
    """Read how an integration stands."""
    [situation] = situations(table, [integration])
    finished = dict(_runs(table, integration.id, {kind: situation.syncs[kind].get("last_run_id") for kind in KINDS}))
    held: dict[str, int] = {reason: held_count(table, integration.id, reason, MOST_COUNTED) for reason in HELD_REASONS}
    return Observed(
        integration=integration,
        situation=situation,
        runs=finished | dict(_runs(table, integration.id, _under_way(table, integration.id))),
        finished=finished,
        redrivable=frozenset(kind for kind, run in finished.items() if _is_redrivable(table, run)),
        held=held,
        stranded=stranded_count(table, integration.id, MOST_COUNTED) if held["course_unknown"] else 0,
        waiting_since=_waiting_since(table, integration.id),
        silence=quiet.judge(table, integration.id, now),
        unplaced=UnplacedPeopleStore(table, integration.id).get(),
        now=now,
    )


def presented(seen: Observed) -> dict[str, Any]:
    """Return the status as answers show it."""
    reasons = list(troubles(seen))
    held = {reason: number for reason, number in seen.held.items() if number}
    last = seen.situation.last_statement
    return {
        "healthy": not reasons,
        "reasons": reasons,
        "notes": list(notes(seen)),
        "syncs": {kind: _sync(seen, kind) for kind in KINDS},
        "last_statement": last
        and {name: last[name] for name in ("stored_at", "outcome")} | {"id": last["statement_id"]},
        "held_count": sum(held.values()),
        "held": held,
        "credentials": {scope: _pair(seen, scope) for scope in SCOPES},
        "webhook_secrets": [
            {**secret, "age_days": _age(secret["created_at"], seen.now)}
            for secret in (secrets(seen.situation.webhook) if seen.situation.webhook else ())
        ],
        "throttling": _throttling(seen),
        "silence": seen.silence.to_json(),
    }


def troubles(seen: Observed) -> Iterator[str]:
    """Yield, in sentences, why the integration needs attention."""
    if seen.integration.status == "active":
        if not seen.integration.credentials.any():
            yield "There is no LinkedIn key pair: nothing can be fetched, and no sync starts automatically."
        for kind in KINDS:
            yield from _sync_troubles(seen, kind)
    yield from _held_troubles(seen)
    if seen.waiting_since and seen.now - seen.waiting_since > LATE:
        yield f"Statements have been waiting to be applied since {rfc3339(seen.waiting_since)}."
    if seen.silence.state == "quiet":
        yield f"LinkedIn has gone quiet: the last statement came {seen.silence.since}."


def _held_troubles(seen: Observed) -> Iterator[str]:
    for reason, number in seen.held.items():
        if number and reason != "course_unknown":
            yield f"{number} statements are held because {REASONS[reason]} ({reason})."
    if seen.stranded:
        yield (
            f"{seen.stranded} statements are held because LinkedIn, asked for their course, did not give it, or "
            "because they name no course of LinkedIn's (course_unknown). It was removed, or belongs to another "
            "account. Check their object_id in LinkedIn; a course that is there comes with the next sync once it is "
            "named in filters.include_urns."
        )


def notes(seen: Observed) -> Iterator[str]:
    """Yield, in sentences, what is worth knowing but can wait."""
    if seen.integration.status != "active":
        yield "The integration is not active: nothing is fetched, and every course is archived."
    elif not seen.integration.activity.enabled:
        yield "Activity reports are switched off: a completion that LinkedIn fails to push stays unknown."
    waiting = seen.held["course_unknown"] - seen.stranded
    if waiting > 0:
        yield (
            f"{waiting} statements wait for their course. The next catalogue syncs bring it, archived where it is "
            "retired or filtered out."
        )
    if seen.unplaced.people:
        yield _unplaced(seen.unplaced)
    live = seen.situation.webhook.secrets if seen.situation.webhook else ()
    if len(live) > 1:
        yield f"Two webhook secrets are live; revoke number {live[0].n} once LinkedIn uses the other."
    if any((_age(secret.created_at, seen.now) or 0) > OLD_SECRET_DAYS for secret in live):
        yield "The webhook's secret is older than a year: rotate it."


def _unplaced(unplaced: UnplacedPeople) -> str:
    reasons = Counter(person.reason for person in unplaced.people)
    counted = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
    return (
        f"{len(unplaced.people)} people in LinkedIn's activity reports are not exactly one active learner here "
        f"({counted}), so their activity is not recorded. The run {unplaced.run_id} names them: add who is unknown or "
        "assign their identifiers, change identifiers that several learners have, activate who is inactive. The next "
        "run then reads their activity again."
    )


def _sync_troubles(seen: Observed, kind: Kind) -> Iterator[str]:
    run, finished = seen.runs.get(kind), seen.finished.get(kind)
    state = seen.situation.syncs[kind]
    if run and run["status"] == "needs_confirmation":
        wanted = run["pending_archive"]
        yield f"The {kind} run {run['id']} would archive {wanted} courses and is waiting for confirmation."
    if state.get("last_status") == "failed":
        cause = finished["errors"][0]["detail"] if finished and finished["errors"] else "its log says why"
        yield f"The last {kind} sync failed: {cause.removesuffix('.')}."
    if finished and _is_unclean(finished):
        told = f"The last {kind} sync could not read everything: {_missing(finished).removesuffix('.')}."
        if kind in seen.redrivable and run is finished:
            told += f" Redriving the run {finished['id']} reads what failed again."
        yield told
    if _overdue(seen, kind):
        yield f"The {kind} sync is overdue: its last success was {state.get('last_success_at') or 'never'}."
    if _is_left_to_hands(seen, kind):
        yield f"No {kind} sync starts automatically: its schedule is switched off or will never fire again."


def _is_left_to_hands(seen: Observed, kind: Kind) -> bool:
    """Whether syncs of a kind could start, but only by hand; activity syncs that are switched off do not count."""
    wanted = seen.integration.credentials.any() and (kind == "catalog" or seen.integration.activity.enabled)
    schedule = _schedule(seen.integration, kind)
    return wanted and schedule.due_after(seen.now) is None


def _overdue(seen: Observed, kind: Kind) -> bool:
    """Whether the schedule fired twice since the last success: a single failure is made up for by the next sync.

    If there was none, it counts from the first key pair, without which no schedule fires.
    """
    schedule = _schedule(seen.integration, kind)
    last = seen.situation.syncs[kind].get("last_success_at")
    since = parse_rfc3339(last) if last else seen.integration.credentials.since()
    first = schedule.due_after(since) if since else None
    second = schedule.due_after(first) if first else None
    return second is not None and second < seen.now


def _sync(seen: Observed, kind: Kind) -> dict[str, Any]:
    state, run, schedule = seen.situation.syncs[kind], seen.runs.get(kind), _schedule(seen.integration, kind)
    soon = schedule.next_time(seen.now)
    return {
        "enabled": schedule.enabled,
        "last_status": state.get("last_status"),
        "last_finished_at": state.get("last_finished_at"),
        "last_success_at": state.get("last_success_at"),
        "next_run_at": rfc3339(soon) if soon else None,
        "latest_run_id": run["id"] if run else None,
        "running": bool(run and run["status"] == "running"),
    }


def _pair(seen: Observed, scope: Scope) -> dict[str, Any] | None:
    note = getattr(seen.integration.credentials, scope)
    if note is None:
        return None
    verified_at = rfc3339(note.verified_at)
    return {"client_id": note.client_id, "verified_at": verified_at, "age_days": _age(verified_at, seen.now)}


def _throttling(seen: Observed) -> dict[str, Any]:
    resets = {kind: day_limit.in_force_until(seen.situation.syncs[kind], seen.now) for kind in KINDS}
    limited = {kind: at for kind, at in resets.items() if at}
    return {
        "in_force": bool(limited),
        "until": rfc3339(max(limited.values())) if limited else None,
        "kinds": list(limited),
        "throttled_in_last_run": {kind: int(run.get("throttled") or 0) for kind, run in seen.runs.items()},
    }


def _schedule(integration: Integration, kind: Kind) -> Schedule:
    return next(plan.schedule for plan in planned(integration) if (plan.kind, plan.mode) == (kind, "incremental"))


def _is_unclean(run: Run) -> bool:
    """Whether a run succeeded without reading everything; failed runs are reported separately."""
    return run["status"] == "succeeded" and run.get("clean") is False


def _missing(run: Run) -> str:
    """Return the most frequent problem of a run that is not clean, leaving out what is only a note."""
    errors = [problem["detail"] for problem in run["errors"] if problem["code"] != STILL_AVAILABLE]
    return errors[0] if errors else "its log says what"


def _is_redrivable(table: Table, run: Run) -> bool:
    runs = RunStore(table, run["integration_id"], run["kind"])
    return _is_unclean(run) and bool(runs.failed_ranges(run["id"]))


def _under_way(table: Table, integration_id: str) -> dict[Kind, str | None]:
    locks = {kind: keys.run_lock(integration_id, kind) for kind in KINDS}
    held = table.get_many(locks.values())
    return {kind: held[lock]["run_id"] for kind, lock in locks.items() if lock in held}


def _runs(table: Table, integration_id: str, ids: Mapping[Kind, str | None]) -> Iterator[tuple[Kind, Run]]:
    for kind, run_id in ids.items():
        run = table.get(keys.run(integration_id, run_id)) if run_id else None
        if run is not None:
            yield kind, cast("Run", run)


def _waiting_since(table: Table, integration_id: str) -> datetime | None:
    pk = keys.pending_partition(integration_id)
    page = table.query(pk, index=keys.GSI3, prefix=keys.pending_prefix("received"), limit=1)
    return parse_rfc3339(keys.timestamp_of_pending(page.items[0])) if page.items else None


def _age(created_at: str, now: datetime) -> int | None:
    return (now - parse_rfc3339(created_at)).days if created_at else None
