"""Evidence of learning: what is known of one learner and one course, mergeable in any order, any number of times.

Adding the same evidence twice changes nothing, and adding two pieces in either order ends the same: every field is a
set, a union or a maximum. Times are the RFC 3339 texts of :mod:`coursebridge.clock`, which sort as they should.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Source = Literal["launch", "xapi", "aicc", "report"]

MOST_POINTS = 300
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
            _earliest(self.completed_at, other.completed_at),
            _earliest(self.first_engaged_at, other.first_engaged_at),
            _latest(self.last_engaged_at, other.last_engaged_at),
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
        """Join two bodies of evidence."""
        points = dict(self.points)
        for at, point in other.points.items():
            points[at] = points[at] | point if at in points else point
        launches = self.launches | other.launches
        return Evidence(
            launches,
            _bounded(points, launches),
            _earliest_completions({**other.completions, **self.completions}),
            self.report | other.report if self.report and other.report else self.report or other.report,
        )

    def without_completion(self, name: str) -> Evidence:
        """Return the evidence without one completion."""
        return replace(self, completions={key: value for key, value in self.completions.items() if key != name})

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
    """Join the evidence of every part of a record."""
    joined = Evidence()
    for part in parts:
        joined |= part
    return joined


def _earliest_completions(completions: Mapping[str, Completion]) -> Mapping[str, Completion]:
    if len(completions) <= MOST_COMPLETIONS:
        return completions
    ordered = sorted(completions.items(), key=lambda entry: (entry[1].at, entry[0]))
    return dict(ordered[:MOST_COMPLETIONS])


def _bounded(points: dict[str, Point], launches: frozenset[str]) -> dict[str, Point]:
    """Keep a record small whatever is sent: beyond the bound, points between neighbours are summed up.

    The first, the last and the highest point between two launches decide everything, so a point in between may go once
    the neighbour that stays is at least as high.
    """
    while len(points) > MOST_POINTS:
        ordered = sorted(points)
        victim = next(
            (
                middle
                for before, middle, after in zip(ordered, ordered[1:], ordered[2:], strict=False)
                if not any(before < launch <= after for launch in launches)
            ),
            ordered[1],
        )
        heir = ordered[ordered.index(victim) + 1]
        points[heir] |= points.pop(victim)
    return points


def _most(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _earliest(one: str | None, other: str | None) -> str | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _latest(one: str | None, other: str | None) -> str | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _most_by_key(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in one.keys() | other.keys()}
