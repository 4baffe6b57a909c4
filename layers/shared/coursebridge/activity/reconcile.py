"""What reports know better than the records: pure comparisons of before and after.

Folding evidence sees to the rules themselves: what is missing is added with source ``report``, progress only rises, a
completed course is left alone. Here it is told what that came to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from coursebridge.clock import parse_rfc3339

if TYPE_CHECKING:
    from coursebridge.activity.mapper import Sighting
    from coursebridge.storage.records import Record

Repair = Literal["completion", "progress"]

SAME_COMPLETION = timedelta(days=1)
"""Reports count in days: a completion this close to a known one is the same."""


def repair_of(before: Record, after: Record) -> Repair | None:
    """Return what a report added to a record: a completion nobody told of, or progress."""
    if _is_completed(before) or not after.attempts:
        return None
    if _is_completed(after):
        return "completion"
    raised = not before.attempts or _progress(after) > _progress(before)
    return "progress" if raised else None


def is_history(sighting: Sighting, repair: Repair | None, statistics_since: str) -> bool:
    """Whether what a report tells of lies before the push was configured, so that nothing was missed."""
    report = sighting.report
    happened = report.last_engaged_at if repair == "progress" else report.completed_at or report.last_engaged_at
    return (happened or "") < statistics_since


def completed_again_at(record: Record, sighting: Sighting) -> str | None:
    """Return the time of a later completion of a course that was completed already, which changes no record.

    LinkedIn sends no statement about it; whoever recertifies people wants to know.
    """
    at, known = sighting.completed_again_at, _completions(record)
    if at is None or not known:
        return None
    return at if parse_rfc3339(at) - parse_rfc3339(max(known)) > SAME_COMPLETION else None


def _completions(record: Record) -> list[str]:
    """Return the time of every completion a record knows of."""
    times = [attempt.completed_at for attempt in record.attempts]
    times += [completion.at for part in record.parts.values() for completion in part.completions.values()]
    return [time for time in times if time]


def _is_completed(record: Record) -> bool:
    return any(attempt.status == "completed" for attempt in record.attempts)


def _progress(record: Record) -> int:
    return max((attempt.progress for attempt in record.attempts), default=0)
