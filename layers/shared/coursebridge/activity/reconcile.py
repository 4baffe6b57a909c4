"""Compares records before and after a report, to tell what the report repaired. Pure.

The rules themselves are applied when evidence is folded: what is missing is added with source ``report``, progress only
rises, and a completed attempt is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from coursebridge.records.fold import is_same_completion

if TYPE_CHECKING:
    from coursebridge.activity.mapper import ReportedActivity
    from coursebridge.storage.records import Record

Repair = Literal["completion", "retake", "progress"]


def repair_of(before: Record, after: Record) -> Repair | None:
    """Return what a report added to a record: a first completion, a further one (``retake``), progress or nothing."""
    if _completed(after) > _completed(before):
        return "retake" if _completed(before) else "completion"
    if _completed(before) or not after.attempts:
        return None
    raised = not before.attempts or after.attempts[-1].progress > before.attempts[-1].progress
    return "progress" if raised else None


def is_history(activity: ReportedActivity, repair: Repair | None, statistics_since: str) -> bool:
    """Whether reported activity dates from before the push was configured, so that no statement was missed."""
    report = activity.report
    first = None if repair in ("progress", "retake") else report.completed_at
    return (first or report.last_engaged_at or "") < statistics_since


def completed_again_at(record: Record, activity: ReportedActivity) -> str | None:
    """Return the time of a later completion that changes no record because no attempt was open, or ``None``.

    LinkedIn sends no statement about such a completion, but those who recertify people want to know of it.
    """
    at, known = activity.completed_again_at, max(_completions(record), default=None)
    return at if at and known and at > known and not is_same_completion(at, known) else None


def _completions(record: Record) -> list[str]:
    """Return the times of all completions in a record."""
    times = [attempt.completed_at for attempt in record.attempts]
    times += [completion.at for part in record.parts.values() for completion in part.completions.values()]
    return [time for time in times if time]


def _completed(record: Record) -> int:
    return sum(attempt.status == "completed" for attempt in record.attempts)
