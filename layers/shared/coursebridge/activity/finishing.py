"""The last task of a run: reports what it repaired, remembers what it covered, and removes what it staged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from coursebridge.activity.planning import WAITING, WindowRange, waiting
from coursebridge.activity.recording import MOST_WAITING
from coursebridge.activity.windows import Coverage, joined
from coursebridge.activity.working import is_window
from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.integrations.runs import COUNTS
from coursebridge.observability import count, logger
from coursebridge.storage.runs import ended
from coursebridge.storage.tombstones import erased_among
from coursebridge.storage.unplaced_people import UnplacedPeople, UnplacedPeopleStore, UnplacedPerson
from coursebridge.storage.unplaced_people import joined as known_longest
from coursebridge.syncs.problems import gathered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coursebridge.activity.context import Context
    from coursebridge.activity.windows import Window
    from coursebridge.storage.run_shapes import Problem, Range, Remembered, Run, RunStatus

NOT_REPAIRED = (
    "learner_unknown",
    "learner_ambiguous",
    "learner_inactive",
    "learner_erased",
    "learner_gone",
    "course_unknown",
    "record_full",
)
"""Why reported activity could not be recorded."""


def finish(context: Context, run_id: str) -> str:
    """Finish a run, unless it is finished already or another run has taken its place; return its status."""
    is_held = context.runs.renew_lock(run_id, context.now())
    run = context.runs.get(run_id)
    ranges = list(context.runs.ranges(run_id))
    if not is_held:
        # Only the clean-up can still be left to do.
        _clear(context, run, ranges)
        return str(run["status"])
    failed = any(range_["status"] == "failed" for range_ in ranges)
    status: RunStatus = "failed" if failed else "succeeded"
    tally = _tally(ranges)
    now = rfc3339(context.now())
    throttled = sum(range_.get("throttled", 0) for range_ in ranges)
    fields: Run = {
        **_run_fields(tally, sum(range_.get("unusable", 0) for range_ in ranges), sum(map(is_window, ranges))),
        "status": status,
        "finished_at": now,
        "progress": {"done": len(ranges), "total": len(ranges)},
        "errors": gathered(problem for range_ in ranges for problem in range_.get("problems", [])),
        "throttled": throttled,
        "clean": not failed,
    }
    _meet(context, run, ranges, failed=failed)
    _clear_last(context, run_id)
    waited = context.runs.state().get("waiting_run")
    covered: Remembered = {} if failed else _covered(context, run, ranges)
    outcome = ended(run_id, status, now, clean=not failed) | {"last_throttled": throttled}
    if not context.runs.close(run_id, {**covered, **outcome}, **fields):
        return status
    _measure(status, tally)
    if covered and waited not in (None, run_id):
        context.staging(waited).clear([], WAITING)
    _clear(context, {**run, "status": status}, ranges)
    told = {"counts": fields["counts"], "repairs": fields["repairs"], "not_repaired": fields["not_repaired"]}
    logger.info("activity sync finished", run=run_id, status=status, told=told)
    return status


def fail(context: Context, run_id: str, problem: Problem) -> None:
    """Close a run that cannot continue; what it has recorded stays."""
    now = rfc3339(context.now())
    run = context.runs.get(run_id)
    errors = gathered([*run.get("errors", []), problem])
    fields: Run = {"status": "failed", "finished_at": now, "errors": errors, "clean": False}
    if not context.runs.close(run_id, ended(run_id, "failed", now, clean=False), **fields):
        return
    count("ActivitySyncsFailed")
    logger.error("activity sync failed", run=run_id, code=errors[0]["code"])


def _tally(ranges: Iterable[Range]) -> Counter[str]:
    tally: Counter[str] = Counter()
    for range_ in ranges:
        tally.update(range_.get("tally", {}))
    return tally


def _run_fields(tally: Counter[str], unusable: int, windows: int) -> Run:
    """Return the run's results; ``read`` is the sum of the other counts."""
    counts = {name: tally[name] for name in COUNTS}
    counts["failed"] += unusable
    counts["read"] += unusable
    repairs = {name: tally[name] for name in ("completions", "progress", "history")}
    return {
        "counts": counts,
        "windows": windows,
        "repairs": {**repairs, "total": tally["completions"] + tally["progress"]},
        "not_repaired": {name: tally[name] for name in NOT_REPAIRED},
        "reengaged": tally["reengaged"],
        "drift_percent": drift_percent(tally["drifted"], tally["compared"]),
    }


def drift_percent(drifted: int, compared: int) -> Decimal:
    """Return the percentage of records that differed from LinkedIn's reports, to two decimal places."""
    return round(Decimal(100 * drifted) / compared, 2) if compared else Decimal(0)


def _covered(context: Context, run: Run, ranges: Sequence[Range]) -> Remembered:
    """Store the courses still missing from the catalogue, of this run and earlier ones; return the new coverage."""
    state = context.runs.state()
    same = _is_same(state, run)
    before = Coverage(parse_rfc3339(state["covered_since"]), parse_rfc3339(state["covered_until"])) if same else None
    read = _windows_in(ranges)
    now_covered = joined(before, read, parse_rfc3339(run["started_at"]))
    left = {what: time for what, time in (waiting(context, state) if same else {}).items() if not _is_in(time, read)}
    for told in _waiting(context, run, ranges):
        for what, time in told["courses"].items():
            left[what] = min(time, left.get(what, time))
    staging = context.staging(run["id"])
    staging.put_json(WAITING, dict(sorted(left.items(), key=lambda entry: entry[1])[:MOST_WAITING]))
    return {
        "covered_since": rfc3339(now_covered.since),
        "covered_until": rfc3339(now_covered.until),
        "settings": run["settings"],
        "waiting_run": run["id"],
    }


def _meet(context: Context, run: Run, ranges: Sequence[Range], *, failed: bool) -> None:
    """Store the people who cannot have records yet, leaving out those who were erased.

    Even an inactive or ambiguous person can have an identifier of somebody who was erased long ago.
    """
    same = _is_same(context.runs.state(), run)
    read = _windows_in(ranges)
    news = [UnplacedPerson.from_json(person) for told in _waiting(context, run, ranges) for person in told["people"]]

    def think(before: UnplacedPeople) -> UnplacedPeople:
        kept = [person for person in before.people if failed or (same and not _is_in(person.since, read))]
        met = tuple(known_longest([*kept, *_unerased(context, news)])[:MOST_WAITING])
        # Write nothing for an integration whose people have all been placed, now and before.
        return replace(before, people=met, run_id=run["id"]) if met or before.people else before

    UnplacedPeopleStore(context.table, context.integration_id).change(think)


def _unerased(context: Context, people: Sequence[UnplacedPerson]) -> list[UnplacedPerson]:
    if not people:
        return []
    identifiers = (identifier for person in people for identifier in person.identifiers)
    erased = erased_among(context.table, context.integration_id, identifiers, context.pseudonym_key())
    return [person for person in people if erased.isdisjoint(person.identifiers)]


def _waiting(context: Context, run: Run, ranges: Iterable[Range]) -> Iterator[dict[str, Any]]:
    """Yield what each range could not place."""
    staging = context.staging(run["id"])
    yield from (staging.get_json(range_["waiting"]) for range_ in ranges if range_.get("waiting"))


def _windows_in(ranges: Iterable[Range]) -> list[Window]:
    return [WindowRange.from_item(item).window for item in ranges if is_window(item)]


def _is_same(state: Remembered, run: Run) -> bool:
    """Whether the earlier runs covered anything, and did so under the same settings as this run."""
    return state.get("settings") == run["settings"] and bool(state.get("covered_since"))


def _is_in(time: str, windows: Iterable[Window]) -> bool:
    return any(window.start <= parse_rfc3339(time) < window.end for window in windows)


def _clear_last(context: Context, run_id: str) -> None:
    """Remove what the last run kept for a redrive, which is no longer possible: it may contain people erased since."""
    state = context.runs.state()
    last = state.get("last_run_id")
    if last and last != run_id and state.get("last_status") != "succeeded":
        context.staging(last).clear_all(*([WAITING] if last == state.get("waiting_run") else []))


def _clear(context: Context, run: Run, ranges: Sequence[Range]) -> None:
    """Remove staged data that has been recorded, and keep what a redrive needs."""
    recording = [range_ for range_ in ranges if not is_window(range_)]
    pending = {number for range_ in recording if range_["status"] != "done" for number in range_["of"]}
    done = [range_["number"] for range_ in ranges if is_window(range_) and range_["number"] not in pending]
    names = [range_["found"] for range_ in recording if not pending.intersection(range_["of"])]
    if run["status"] == "succeeded":
        names += [range_["waiting"] for range_ in recording if range_["waiting"]]
    context.staging(run["id"]).clear(done, *dict.fromkeys(names))


def _measure(status: str, tally: Counter[str]) -> None:
    count("ActivitySyncsFailed" if status == "failed" else "ActivitySyncsFinished")
    count("CompletionsRepaired", tally["completions"])
    count("ProgressRepaired", tally["progress"])
    count("CoursesReengaged", tally["reengaged"])
