"""Evidence of learning: what is known about one learner and one course, mergeable in any order and any number of times.

Adding the same evidence twice changes nothing, and the order of additions does not matter: fields are joined by union,
minimum or maximum. Times are RFC 3339 texts of :mod:`coursebridge.clock`, which sort chronologically.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

Source = Literal["launch", "xapi", "aicc", "report"]
Value = TypeVar("Value", int, str)

MOST_POINTS = 300
MOST_LAUNCHES = 300
MOST_COMPLETIONS = 50


@dataclass(frozen=True)
class Point:
    """Activity at one moment: progress in percent and duration in seconds, each ``None`` if it was not reported."""

    progress: int | None = None
    duration_seconds: int | None = None
    source: Source = "xapi"

    def __or__(self, other: Point) -> Point:
        """Join two points at the same moment."""
        return Point(
            max_known(self.progress, other.progress),
            max_known(self.duration_seconds, other.duration_seconds),
            min(self.source, other.source),
        )


@dataclass(frozen=True)
class Completion:
    """One reported completion: its time, its source, and the duration that its statement named."""

    at: str
    source: Source = "xapi"
    duration_seconds: int | None = None

    def __or__(self, other: Completion) -> Completion:
        """Join two reports of the same completion: the earlier time counts (an AICC session may report it twice)."""
        return Completion(
            min(self.at, other.at),
            min(self.source, other.source),
            max_known(self.duration_seconds, other.duration_seconds),
        )


@dataclass(frozen=True)
class Report:
    """What LinkedIn's activity reports say: levels, times, and totals by report window.

    Windows are identified by their start.

    Attributes:
        progress: the highest progress, in percent.
        completed_at: the first completion; one without a time gets that of the last engagement reported with it.
        completion_times: every completion for which LinkedIn gave a time.
        first_engaged_at: the first engagement.
        last_engaged_at: the last engagement.
        seconds: seconds viewed, by window.
        views: number of views, by window.
        completions: number of completions, by window.
    """

    progress: int | None = None
    completed_at: str | None = None
    completion_times: frozenset[str] = frozenset()
    first_engaged_at: str | None = None
    last_engaged_at: str | None = None
    seconds: Mapping[str, int] = field(default_factory=dict)
    views: Mapping[str, int] = field(default_factory=dict)
    completions: Mapping[str, int] = field(default_factory=dict)

    def __or__(self, other: Report) -> Report:
        """Join two reports; for each window the higher numbers count."""
        return Report(
            progress=max_known(self.progress, other.progress),
            completed_at=_first(self.completed_at, other.completed_at),
            completion_times=self.completion_times | other.completion_times,
            first_engaged_at=_first(self.first_engaged_at, other.first_engaged_at),
            last_engaged_at=max_known(self.last_engaged_at, other.last_engaged_at),
            seconds=_most_by_key(self.seconds, other.seconds),
            views=_most_by_key(self.views, other.views),
            completions=_most_by_key(self.completions, other.completions),
        )

    @property
    def completed(self) -> frozenset[str]:
        """Return the time of every completion."""
        return self.completion_times | ({self.completed_at} if self.completed_at else set())

    def to_item(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            **vars(self),
            "completion_times": sorted(self.completion_times),
            "seconds": dict(self.seconds),
            "views": dict(self.views),
            "completions": dict(self.completions),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Report:
        """Read the stored form; earlier versions stored only the first completion."""
        return cls(**{**item, "completion_times": frozenset(item.get("completion_times", ()))})


@dataclass(frozen=True)
class Evidence:
    """Everything known about one learner and one course.

    Attributes:
        launches: the times of launches through this system.
        points: activity by time.
        completions: completions by what reported them (a statement's id, an AICC session).
        report: what activity reports say, if there are any.
    """

    launches: frozenset[str] = frozenset()
    points: Mapping[str, Point] = field(default_factory=dict)
    completions: Mapping[str, Completion] = field(default_factory=dict)
    report: Report | None = None

    def __or__(self, other: Evidence) -> Evidence:
        """Join two bodies of evidence, within limits that keep a record small whatever is sent."""
        joined = _joined((self, other))
        completions, report = _earliest(joined.completions), joined.report
        done = {completion.at for completion in completions.values()} | (report.completed if report else set())
        launches = _thin(joined.launches, MOST_LAUNCHES, done)
        if report:
            report = replace(report, completion_times=_thin(report.completion_times, MOST_COMPLETIONS, launches))
        return Evidence(launches, _thin_points(dict(joined.points), launches), completions, report)

    def to_item(self) -> dict[str, Any]:
        """Return the form for the table: short lists, as records are written often."""
        item: dict[str, Any] = {
            "launches": sorted(self.launches),
            "points": {at: [p.progress, p.duration_seconds, p.source] for at, p in self.points.items()},
            "completions": {name: [c.at, c.source, c.duration_seconds] for name, c in self.completions.items()},
        }
        if self.report:
            item["report"] = self.report.to_item()
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Evidence:
        """Read the form of the table."""
        return cls(
            frozenset(item["launches"]),
            {at: Point(*point) for at, point in item["points"].items()},
            {name: Completion(*completion) for name, completion in item["completions"].items()},
            Report.from_item(item["report"]) if item.get("report") else None,
        )


def union(parts: Iterable[Evidence]) -> Evidence:
    """Join the evidence of all parts of a record, without limits, as each part has been limited already."""
    return _joined(tuple(parts))


def _joined(parts: Sequence[Evidence]) -> Evidence:
    points: dict[str, Point] = {}
    completions: dict[str, Completion] = {}
    report: Report | None = None
    for part in parts:
        for at, point in part.points.items():
            points[at] = points[at] | point if at in points else point
        for name, completion in part.completions.items():
            completions[name] = completions[name] | completion if name in completions else completion
        report = report | part.report if report and part.report else report or part.report
    return Evidence(frozenset[str]().union(*(part.launches for part in parts)), points, completions, report)


def _earliest(completions: Mapping[str, Completion]) -> Mapping[str, Completion]:
    ordered = sorted(completions.items(), key=lambda entry: (entry[1].at, entry[0]))
    return dict(ordered[:MOST_COMPLETIONS])


def _thin(moments: frozenset[str], most: int, walls: Collection[str]) -> frozenset[str]:
    """Drop moments beyond the limit: of launches between two completions, or the reverse, only the outer two matter."""
    kept = set(moments)
    while len(kept) > most:
        kept.discard(_superfluous(sorted(kept), walls)[0])
    return frozenset(kept)


def _thin_points(points: dict[str, Point], launches: frozenset[str]) -> dict[str, Point]:
    """Merge points beyond the limit: of those between two launches, only the first, the last and the highest matter."""
    while len(points) > MOST_POINTS:
        superfluous, heir = _superfluous(sorted(points), launches)
        points[heir] |= points.pop(superfluous)
    return points


def _superfluous(ordered: Sequence[str], walls: Collection[str]) -> tuple[str, str]:
    """Return a moment that is neither the first nor the last between two walls, and the moment after it."""
    between = (
        (middle, after)
        for before, middle, after in zip(ordered, ordered[1:], ordered[2:], strict=False)
        if not any(before < wall <= after for wall in walls)
    )
    return next(between, (ordered[1], ordered[2]))


def max_known(one: Value | None, other: Value | None) -> Value | None:
    """Return the greater of the values that are not ``None``; ``None`` if both are."""
    return max((value for value in (one, other) if value is not None), default=None)


def _first(one: str | None, other: str | None) -> str | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most_by_key(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in one.keys() | other.keys()}
