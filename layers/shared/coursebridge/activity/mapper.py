"""A row of an activity report to evidence of learning. Any member can be absent or odd; what can be used is used.

Activities are picked by type, qualifier and asset type and never by position: order and number vary, zeros come and go,
and account-wide ones carry no asset type.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge.linkedin.reading import items, moment, number, object_in
from coursebridge.records.evidence import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.activity.windows import Window

COMPLETE = 100
MOST_ENGAGED = 10**9
FIRST, LAST = "firstEngagedAt", "lastEngagedAt"
Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Whom LinkedIn says a row is about; each identifier may be missing, though not all of them.

    Attributes:
        profile_urn: LinkedIn's own identifier.
        email: as LinkedIn has it.
        unique_user_id: the id the customer gave LinkedIn.
        name: the display name.
        groups: names of LinkedIn's enterprise groups.
    """

    profile_urn: str | None = None
    email: str | None = None
    unique_user_id: str | None = None
    name: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def is_identified(self) -> bool:
        """Whether there is anything to match by."""
        return bool(self.profile_urn or self.email or self.unique_user_id)


@dataclass(frozen=True)
class ReportedActivity:
    """What one or more rows say about one person and one content.

    Attributes:
        person: who.
        content_urn: what; need not be in the catalogue.
        report: the evidence.
        completed_again_at: the latest completion LinkedIn tells of, which may be later than the first.
    """

    person: Person
    content_urn: str
    report: Report
    completed_again_at: str | None = None

    def __or__(self, other: ReportedActivity) -> ReportedActivity:
        """Join what is reported of the same person and content."""
        latest = max(filter(None, (self.completed_again_at, other.completed_again_at)), default=None)
        return replace(self, report=self.report | other.report, completed_again_at=latest)


class UnusableRow(Exception):
    """A row names no content, or nobody."""


def reported_activity(row: Json, asset_type: str, window: Window) -> ReportedActivity | None:
    """Return what a row says; ``None`` when it tells of no activity.

    Args:
        row: as LinkedIn sent it.
        asset_type: what the report was asked for.
        window: the window it was asked for; seconds, views and completions are kept under its key.

    Raises:
        UnusableRow: it cannot be told whom or what it is about.
    """
    content_urn = _text(object_in(row, "contentDetails").get("contentUrn"))
    person = person_of(object_in(row, "learnerDetails"))
    if not content_urn or not person.is_identified:
        raise UnusableRow("the row names no content, or nobody")
    report = _report(items(row, "activities"), asset_type, window)
    return ReportedActivity(person, content_urn, report, report.completed_at) if report else None


def person_of(details: Json) -> Person:
    """Return whom ``learnerDetails`` names."""
    return Person(
        profile_urn=_text(object_in(details, "entity").get("profileUrn")),
        email=_text(details.get("email")),
        unique_user_id=_text(details.get("uniqueUserId")),
        name=_text(details.get("name")),
        groups=_groups(details.get("enterpriseGroups")),
    )


def _groups(names: object) -> tuple[str, ...]:
    return tuple(sorted({text for name in names if (text := _text(name))})) if isinstance(names, list) else ()


def _report(activities: list[Json], asset_type: str, window: Window) -> Report | None:
    """Return the evidence in the activities of one window; ``None`` when all of it is nothing."""
    seconds = _value(activities, "SECONDS_VIEWED", asset_type)
    progress = _value(activities, "PROGRESS_PERCENTAGE", asset_type)
    completions = _value(activities, "COMPLETIONS", asset_type)
    views = _value(activities, "VIEWS", asset_type)
    if not any((seconds, progress, completions, views)):
        return None
    # A row without any time still happened within its window.
    times = list(_times(activities)) or [window.key]
    completed_at = _completed_at(activities, asset_type) if completions else None
    return Report(
        progress=min(progress, COMPLETE) if progress is not None else None,
        completed_at=(completed_at or max(times)) if completions else None,
        completion_times=frozenset({completed_at} if completed_at else ()),
        first_engaged_at=min(times),
        last_engaged_at=max(times),
        seconds={window.key: seconds} if seconds else {},
        views={window.key: views} if views else {},
        completions={window.key: completions} if completions else {},
    )


def _completed_at(activities: list[Json], asset_type: str) -> str | None:
    """Return the completion time, ``lastEngagedAt`` of ``COMPLETIONS``, if it is told."""
    times = (moment(one.get(LAST)) for one in _picked(activities, "COMPLETIONS", asset_type))
    return max(filter(None, times), default=None)


def _value(activities: list[Json], kind: str, asset_type: str) -> int | None:
    found = (_number(one.get("engagementValue")) for one in _picked(activities, kind, asset_type))
    return max((value for value in found if value is not None), default=None)


def _picked(activities: list[Json], kind: str, asset_type: str) -> list[Json]:
    """Return the activities of a type that fit best: of the asset type asked for, and in total."""
    fitting = [
        one for one in activities if one.get("engagementType") == kind and one.get("assetType") in (None, asset_type)
    ]
    totals = [one for one in fitting if one.get("engagementMetricQualifier") == "TOTAL"]
    return totals or fitting


def _times(activities: list[Json]) -> Iterator[str]:
    for one in activities:
        if _number(one.get("engagementValue")):
            yield from (at for name in (FIRST, LAST) if (at := moment(one.get(name))))


def _number(value: object) -> int | None:
    """Return a count or a number of seconds; what no window of days can hold reads as nothing."""
    found = number(value)
    # No comparison holds for what is not a number.
    return int(max(0, found)) if found is not None and found <= MOST_ENGAGED else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
