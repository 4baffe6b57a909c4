"""Evidence of learning: what is known of one learner and one course, mergeable in any order, any number of times.

Adding the same evidence twice changes nothing, and adding two pieces in either order ends the same: every field is a
set, a union or a maximum. Times are the RFC 3339 texts of :mod:`coursebridge.clock`, which sort as they should.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

Source = Literal["launch", "xapi", "aicc", "report"]

MOST_POINTS = 300
MOST_LAUNCHES = 300
MOST_COMPLETIONS = 50


@dataclass(frozen=True)
class Point:
    """Activity at one moment: progress in percent if it was told, and seconds if a statement named a duration."""

    progress: int | None = None
    duration_seconds: int | None = None
    source: Source = "xapi"

    def __or__(self, other: Point) -> Point:
        """Join two points of the same moment."""
        return Point(
            _most(self.progress, other.progress),
            _most(self.duration_seconds, other.duration_seconds),
            min(self.source, other.source),
        )


@dataclass(frozen=True)
class Completion:
    """One completion that was reported: when, by what, and the duration its statement named."""

    at: str
    source: Source = "xapi"
    duration_seconds: int | None = None

    def __or__(self, other: Completion) -> Completion:
        """Join two tellings of the same completion: the earliest counts (an AICC session may tell its own twice)."""
        return Completion(
            min(self.at, other.at),
            min(self.source, other.source),
            _most(self.duration_seconds, other.duration_seconds),
        )


@dataclass(frozen=True)
class Report:
    """What LinkedIn's activity reports say: levels and times, and what is summed up by the start of each window."""

    progress: int | None = None
    completed_at: str | None = None
    first_engaged_at: str | None = None
    last_engaged_at: str | None = None
    seconds: Mapping[str, int] = field(default_factory=dict)
    views: Mapping[str, int] = field(default_factory=dict)
    completions: Mapping[str, int] = field(default_factory=dict)

    def __or__(self, other: Report) -> Report:
        """Join two reports; a window read again replaces what it said before when it says more."""
        return Report(
            _most(self.progress, other.progress),
            _first(self.completed_at, other.completed_at),
            _first(self.first_engaged_at, other.first_engaged_at),
            _last(self.last_engaged_at, other.last_engaged_at),
            _most_by_key(self.seconds, other.seconds),
            _most_by_key(self.views, other.views),
            _most_by_key(self.completions, other.completions),
        )


@dataclass(frozen=True)
class Evidence:
    """Everything known of one learner and one course.

    Attributes:
        launches: the moments of launches through this system.
        points: activity by moment.
        completions: completions by what reported them (a statement's id, an AICC session).
        report: what activity reports say, if any do.
    """

    launches: frozenset[str] = frozenset()
    points: Mapping[str, Point] = field(default_factory=dict)
    completions: Mapping[str, Completion] = field(default_factory=dict)
    report: Report | None = None

    def __or__(self, other: Evidence) -> Evidence:
        """Join two bodies of evidence, within the bounds that keep a record small whatever is sent."""
        joined = _joined((self, other))
        completions = _earliest(joined.completions)
        done = {completion.at for completion in completions.values()}
        if joined.report and joined.report.completed_at:
            done.add(joined.report.completed_at)
        launches = _thin_launches(joined.launches, done)
        return Evidence(launches, _thin_points(dict(joined.points), launches), completions, joined.report)

    def to_item(self) -> dict[str, Any]:
        """Return the form the table keeps: short lists, as a record is written often."""
        item: dict[str, Any] = {
            "launches": sorted(self.launches),
            "points": {at: [p.progress, p.duration_seconds, p.source] for at, p in self.points.items()},
            "completions": {name: [c.at, c.source, c.duration_seconds] for name, c in self.completions.items()},
        }
        if self.report:
            item["report"] = {
                **vars(self.report),
                "seconds": dict(self.report.seconds),
                "views": dict(self.report.views),
                "completions": dict(self.report.completions),
            }
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Evidence:
        """Read the form the table keeps."""
        return cls(
            frozenset(item["launches"]),
            {at: Point(*point) for at, point in item["points"].items()},
            {name: Completion(*completion) for name, completion in item["completions"].items()},
            Report(**item["report"]) if item.get("report") else None,
        )


def union(parts: Iterable[Evidence]) -> Evidence:
    """Join the evidence of every part of a record, all of it: the parts themselves are bounded."""
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


def _thin_launches(launches: frozenset[str], done: Collection[str]) -> frozenset[str]:
    """Leave launches out beyond the bound: of those between two completions the first and the last decide."""
    kept = set(launches)
    while len(kept) > MOST_LAUNCHES:
        kept.discard(_superfluous(sorted(kept), done)[0])
    return frozenset(kept)


def _thin_points(points: dict[str, Point], launches: frozenset[str]) -> dict[str, Point]:
    """Sum points up beyond the bound: of those between two launches the first, the last and the highest decide."""
    while len(points) > MOST_POINTS:
        superfluous, heir = _superfluous(sorted(points), launches)
        points[heir] |= points.pop(superfluous)
    return points


def _superfluous(ordered: Sequence[str], walls: Collection[str]) -> tuple[str, str]:
    """Return a moment that neither begins nor ends a stretch between two walls, and the moment after it."""
    between = (
        (middle, after)
        for before, middle, after in zip(ordered, ordered[1:], ordered[2:], strict=False)
        if not any(before < wall <= after for wall in walls)
    )
    return next(between, (ordered[1], ordered[2]))


def _most(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _first(one: str | None, other: str | None) -> str | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _last(one: str | None, other: str | None) -> str | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _most_by_key(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in one.keys() | other.keys()}
