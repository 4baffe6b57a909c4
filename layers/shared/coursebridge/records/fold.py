"""Computes attempts from evidence with a pure function of a set, so that order and repetition do not matter.

The rules (docs/architecture.md, "Records"):

- the first activity or launch opens an attempt; a launch opens it at 1 %;
- activity raises the open attempt's progress, which never falls;
- a completion closes the open attempt, with progress 100, its time, and the course's duration as time spent; if there
  is no attempt at all, it opens and closes one; if there is no open attempt, it is ``already_completed``;
- nothing reopens a completed attempt: a later launch opens the next one, later activity only updates the last one;
- reports fill gaps and never override a statement: a reported completion closes the open attempt unless something else
  reported that completion, and reported progress counts only while nothing is completed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from coursebridge.clock import parse_rfc3339
from coursebridge.records.evidence import max_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coursebridge.records.evidence import Completion, Evidence, Point, Report, Source

LAUNCH_PROGRESS = 1
COMPLETE = 100
SAME_COMPLETION = timedelta(days=1)
"""Reports count in days, so a completion this close to a known one is the same."""
NEVER = "9999-12-31T23:59:59.999Z"
Status = Literal["in_progress", "completed"]
NAMESPACE = uuid.UUID("5f8a4c56-6b0e-5d0b-9c0e-2b8a52d6a1f3")


class Kind(IntEnum):
    """The kinds of events, in the order in which simultaneous events count."""

    ACTIVITY = 1
    COMPLETION = 2
    REPORTED_COMPLETION = 3
    LAUNCH = 4


class _Event(NamedTuple):
    """Something that happened; ``name`` is the key of a completion in the evidence."""

    at: str
    kind: Kind
    name: str = ""


@dataclass(frozen=True)
class Attempt:
    """One learner's attempt at one course."""

    id: str
    learner_id: str
    course_urn: str
    status: Status
    progress: int
    started_at: str
    last_activity_at: str
    completed_at: str | None = None
    time_spent_seconds: int | None = None
    reported_seconds_viewed: int | None = None
    statement_duration_seconds: int | None = None
    source: Source = "xapi"
    completion_statement_id: str | None = None

    def to_item(self) -> dict[str, Any]:
        """Return the attempt as the table stores it and responses show it."""
        return dict(vars(self))


@dataclass(frozen=True)
class Folded:
    """The result of a fold.

    Attributes:
        attempts: the attempts, oldest first.
        counted: for every completion the id of the attempt it completed, or ``None`` for ``already_completed``.
    """

    attempts: tuple[Attempt, ...]
    counted: Mapping[str, str | None]

    def attempt_at(self, moment: str) -> str | None:
        """Return the id of the attempt that was the latest at a moment, or else of the first attempt."""
        started = [attempt for attempt in self.attempts if attempt.started_at <= moment]
        return (started[-1] if started else self.attempts[0]).id if self.attempts else None


@dataclass(frozen=True)
class Course:
    """What a fold needs to know: the learner, the course and the course's duration."""

    learner_id: str
    course_urn: str
    duration_seconds: int | None

    def attempt_id(self, n: int) -> str:
        """Return the id of the n-th attempt, which is the same whenever it is computed."""
        return str(uuid.uuid5(NAMESPACE, f"{self.learner_id} {self.course_urn} {n}"))


def fold(evidence: Evidence, course: Course, before: Sequence[Attempt] = ()) -> Folded:
    """Compute the attempts that follow from evidence.

    Args:
        evidence: everything known about this learner and this course.
        course: the learner and the course.
        before: the previous attempts; a completed attempt keeps its time spent.
    """
    attempts: list[Attempt] = []
    counted: dict[str, str | None] = {}
    for at, kind, name in _timeline(evidence):
        if kind is Kind.LAUNCH:
            _launch(attempts, course, at)
        elif kind is Kind.ACTIVITY:
            _activity(attempts, course, at, evidence.points[at])
        elif kind is Kind.COMPLETION:
            counted[name] = _complete(attempts, course, name, evidence.completions[name])
        else:
            _report_completion(attempts, course, at, evidence)
    if evidence.report:
        _report(attempts, course, evidence.report)
    return Folded(tuple(_with_time_spent(attempts, before)), counted)


def _with_time_spent(attempts: Sequence[Attempt], before: Sequence[Attempt]) -> Iterator[Attempt]:
    """Yield the attempts with the time spent that completed ones had, even if the course's duration has changed."""
    given = {attempt.id: attempt.time_spent_seconds for attempt in before if attempt.status == "completed"}
    for attempt in attempts:
        kept = given.get(attempt.id) if attempt.status == "completed" else None
        yield attempt if kept is None else replace(attempt, time_spent_seconds=kept)


def _timeline(evidence: Evidence) -> list[_Event]:
    """Return the events in chronological order."""
    return sorted(
        [_Event(at, Kind.ACTIVITY) for at in evidence.points]
        + [_Event(completion.at, Kind.COMPLETION, name) for name, completion in evidence.completions.items()]
        + [_Event(at, Kind.REPORTED_COMPLETION) for at in _reported_completions(evidence)]
        + [_Event(at, Kind.LAUNCH) for at in evidence.launches]
    )


def _reported_completions(evidence: Evidence) -> list[str]:
    """Return the times of completions that only reports know of.

    A reported completion is known otherwise if there is another completion within a day, or between it and the next
    launch. If LinkedIn gave no time for it, it may have happened long before, so any completion up to the next launch
    may be the same.
    """
    if evidence.report is None:
        return []
    told = [completion.at for completion in evidence.completions.values()]
    found: list[str] = []
    for at in sorted(evidence.report.completed):
        earliest = at if at in evidence.report.completion_times else ""
        latest = min((launch for launch in evidence.launches if launch >= at), default=NEVER)
        if not any(earliest <= known <= latest or is_same_completion(known, at) for known in (*told, *found)):
            found.append(at)
    return found


def is_same_completion(one: str, other: str) -> bool:
    """Whether two times may belong to the same completion."""
    return abs(parse_rfc3339(one) - parse_rfc3339(other)) <= SAME_COMPLETION


def _open(attempts: list[Attempt], course: Course, at: str, source: Source, progress: int) -> None:
    attempts.append(
        Attempt(
            id=course.attempt_id(len(attempts) + 1),
            learner_id=course.learner_id,
            course_urn=course.course_urn,
            status="in_progress",
            progress=progress,
            started_at=at,
            last_activity_at=at,
            source=source,
        )
    )


def _is_open(attempts: list[Attempt]) -> bool:
    return bool(attempts) and attempts[-1].status == "in_progress"


def _launch(attempts: list[Attempt], course: Course, at: str) -> None:
    if _is_open(attempts):
        attempts[-1] = replace(attempts[-1], last_activity_at=at, progress=max(attempts[-1].progress, LAUNCH_PROGRESS))
    else:
        _open(attempts, course, at, "launch", LAUNCH_PROGRESS)


def _activity(attempts: list[Attempt], course: Course, at: str, point: Point) -> None:
    if not attempts:
        _open(attempts, course, at, point.source, 0)
    last = attempts[-1]
    attempts[-1] = replace(
        last,
        last_activity_at=at,
        progress=max(last.progress, point.progress or 0),
        statement_duration_seconds=max_known(last.statement_duration_seconds, point.duration_seconds),
    )


def _complete(attempts: list[Attempt], course: Course, name: str, completion: Completion) -> str | None:
    if not attempts:
        _open(attempts, course, completion.at, completion.source, 0)
    if not _is_open(attempts):
        return None
    last = attempts[-1]
    attempts[-1] = replace(
        _completed(last, course, completion.at, completion.source),
        statement_duration_seconds=max_known(last.statement_duration_seconds, completion.duration_seconds),
        completion_statement_id=name if completion.source == "xapi" else None,
    )
    return last.id


def _completed(attempt: Attempt, course: Course, at: str, source: Source) -> Attempt:
    return replace(
        attempt,
        status="completed",
        progress=COMPLETE,
        completed_at=at,
        last_activity_at=at,
        time_spent_seconds=course.duration_seconds,
        source=source,
    )


def _report_completion(attempts: list[Attempt], course: Course, at: str, evidence: Evidence) -> None:
    if not attempts:
        first = evidence.report.first_engaged_at if evidence.report else None
        _open(attempts, course, min(first or at, at), "report", 0)
    if _is_open(attempts):
        attempts[-1] = _completed(attempts[-1], course, at, "report")


def _report(attempts: list[Attempt], course: Course, report: Report) -> None:
    """Add what else reports know: seconds viewed, and progress while nothing is completed."""
    first = report.first_engaged_at or report.last_engaged_at
    if not attempts and first:
        _open(attempts, course, first, "report", 0)
    if not attempts:
        return
    if attempts[-1].status == "in_progress" and len(attempts) == 1:
        attempts[0] = replace(
            attempts[0],
            progress=max(attempts[0].progress, min(report.progress or 0, COMPLETE)),
            last_activity_at=max(attempts[0].last_activity_at, report.last_engaged_at or ""),
        )
    for window, seconds in report.seconds.items():
        number = max((n for n, attempt in enumerate(attempts) if attempt.started_at <= window), default=0)
        viewed = (attempts[number].reported_seconds_viewed or 0) + seconds
        attempts[number] = replace(attempts[number], reported_seconds_viewed=viewed)
