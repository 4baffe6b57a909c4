"""A learner's progress along a path: always computed from their records, never stored. Pure.

A step is completed once the learner has ever completed its course, or if an admin lets them skip it. In a linear path,
a step is locked until the previous one is completed. A launch completes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from coursebridge.records.fold import Attempt

State = Literal["locked", "available", "in_progress", "completed"]
PathStatus = Literal["not_started", "in_progress", "completed"]


@dataclass(frozen=True)
class Path:
    """An ordered list of courses from a group's library."""

    id: str
    name: str
    group: str
    linear: bool
    steps: tuple[str, ...]
    description: str = ""
    created_at: str = ""
    updated_at: str = ""
    version: int = 1


@dataclass(frozen=True)
class Step:
    """One step of a path, for one learner.

    Attributes:
        evidence: what the state is based on: ``{"statement_id", "time", "source"}``, ``None`` if nothing has happened
            or the step is locked.
        override: who let the learner skip the step, when and why; ``None`` if nobody did.
    """

    course_urn: str
    state: State
    evidence: dict[str, Any] | None = None
    progress: int | None = None
    override: dict[str, Any] | None = None


@dataclass(frozen=True)
class Way:
    """One learner's progress through a path."""

    path: Path
    steps: tuple[Step, ...]

    @property
    def status(self) -> PathStatus:
        """Return how far the learner has come."""
        states = {step.state for step in self.steps}
        if states == {"completed"}:
            return "completed"
        return "in_progress" if states & {"in_progress", "completed"} else "not_started"

    @property
    def completed_at(self) -> str | None:
        """Return when the last step was completed, or ``None`` if any step is not."""
        if self.status != "completed":
            return None
        latest: str = max(step.evidence["time"] for step in self.steps if step.evidence)
        return latest


@dataclass(frozen=True)
class LearnerHistory:
    """A learner's attempts, and the steps an admin lets them skip, by course URN."""

    attempts: Mapping[str, Sequence[Attempt]] = field(default_factory=dict)
    overrides: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def latest(overrides: Iterable[Mapping[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Join the overrides of learners who were merged into one: the latest override for each course."""
    entries = [entry for by_course in overrides for entry in by_course.items()]
    return dict(sorted(entries, key=lambda entry: str(entry[1]["at"])))


def way(path: Path, history: LearnerHistory) -> Way:
    """Compute a learner's progress through a path."""
    steps: list[Step] = []
    for urn in path.steps:
        is_open = not (path.linear and steps) or steps[-1].state == "completed"
        steps.append(_step(urn, history.attempts.get(urn, ()), history.overrides.get(urn), is_open=is_open))
    return Way(path, tuple(steps))


def _step(urn: str, attempts: Sequence[Attempt], override: dict[str, Any] | None, *, is_open: bool) -> Step:
    completed = next((attempt for attempt in attempts if attempt.status == "completed"), None)
    if completed:
        return Step(urn, "completed", _evidence(completed, completed.completed_at), completed.progress, override)
    if override:
        evidence = {"statement_id": None, "time": override["at"], "source": "override"}
        return Step(urn, "completed", evidence, attempts[-1].progress if attempts else None, override)
    if not is_open:
        return Step(urn, "locked")
    if attempts:
        last = attempts[-1]
        return Step(urn, "in_progress", _evidence(last, last.last_activity_at), last.progress)
    return Step(urn, "available")


def _evidence(attempt: Attempt, time: str | None) -> dict[str, Any]:
    return {"statement_id": attempt.completion_statement_id, "time": time, "source": attempt.source}
