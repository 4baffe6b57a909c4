"""Maps a row of an activity report to evidence of learning. Any member may be missing or malformed; the rest is used.

Activities are picked by type, qualifier and asset type, never by position: their order and number vary, zero values may
be left out, and account-wide activities have no asset type.
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
    """The person a row is about, as LinkedIn names them; any identifier may be missing, but not all of them.

    Attributes:
        profile_urn: LinkedIn's own identifier.
        email: as LinkedIn has it.
        unique_user_id: the id the customer gave LinkedIn.
        name: the display name.
        groups: the names of the person's enterprise groups at LinkedIn.
    """

    profile_urn: str | None = None
    email: str | None = None
    unique_user_id: str | None = None
    name: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def is_identified(self) -> bool:
        """Whether there is any identifier to match by."""
        return bool(self.profile_urn or self.email or self.unique_user_id)


@dataclass(frozen=True)
class ReportedActivity:
    """What one or more rows report about one person and one piece of content.

    Attributes:
        person: the person.
        content_urn: the content, which need not be in the catalogue.
        report: the evidence.
        completed_again_at: the latest completion that LinkedIn reports, which may be later than the first.
    """

    person: Person
    content_urn: str
    report: Report
    completed_again_at: str | None = None

    def __or__(self, other: ReportedActivity) -> ReportedActivity:
        """Join two reports about the same person and content."""
        latest = max(filter(None, (self.completed_again_at, other.completed_again_at)), default=None)
        return replace(self, report=self.report | other.report, completed_again_at=latest)


class UnusableRow(Exception):
    """A row names no content or no person."""


def reported_activity(row: Json, asset_type: str, window: Window) -> ReportedActivity | None:
    """Return the activity in a row, or ``None`` if there is none.

    Args:
        row: the row as LinkedIn sent it.
        asset_type: the asset type that was requested.
        window: the window that was requested; seconds, views and completions are kept under its key.

    Raises:
        UnusableRow: the row names no content or no person.
    """
    content_urn = _text(object_in(row, "contentDetails").get("contentUrn"))
    person = person_of(object_in(row, "learnerDetails"))
    if not content_urn or not person.is_identified:
        raise UnusableRow("the row names no content, or nobody")
    report = _report(items(row, "activities"), asset_type, window)
    return ReportedActivity(person, content_urn, report, report.completed_at) if report else None


def person_of(details: Json) -> Person:
    """Return the person that ``learnerDetails`` names."""
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
    """Return the evidence in the activities of one window, or ``None`` if every value is zero or missing."""
    seconds = _value(activities, "SECONDS_VIEWED", asset_type)
    progress = _value(activities, "PROGRESS_PERCENTAGE", asset_type)
    completions = _value(activities, "COMPLETIONS", asset_type)
    views = _value(activities, "VIEWS", asset_type)
    if not any((seconds, progress, completions, views)):
        return None
    # What a row without any time reports still happened within its window.
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
    """Return the completion time (the ``lastEngagedAt`` of ``COMPLETIONS``), if there is one."""
    times = (moment(activity.get(LAST)) for activity in _picked(activities, "COMPLETIONS", asset_type))
    return max(filter(None, times), default=None)


def _value(activities: list[Json], kind: str, asset_type: str) -> int | None:
    found = (_number(activity.get("engagementValue")) for activity in _picked(activities, kind, asset_type))
    return max((value for value in found if value is not None), default=None)


def _picked(activities: list[Json], kind: str, asset_type: str) -> list[Json]:
    """Return the activities of a type for the asset type requested (or for none); only totals if there are any."""
    fitting = [
        activity
        for activity in activities
        if activity.get("engagementType") == kind and activity.get("assetType") in (None, asset_type)
    ]
    totals = [activity for activity in fitting if activity.get("engagementMetricQualifier") == "TOTAL"]
    return totals or fitting


def _times(activities: list[Json]) -> Iterator[str]:
    for activity in activities:
        if _number(activity.get("engagementValue")):
            yield from (at for name in (FIRST, LAST) if (at := moment(activity.get(name))))


def _number(value: object) -> int | None:
    """Return a count or a number of seconds, or ``None`` if it is larger than any window could hold."""
    found = number(value)
    # NaN fails the comparison, too.
    return int(max(0, found)) if found is not None and found <= MOST_ENGAGED else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
