"""The `learningActivityReports` resource: what learners really did, aggregated by time window."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from sandbox.activity import ENTERPRISE_ACCOUNT, Activity, ActivityBook, Engagement
from sandbox.catalogue.languages import locale_object
from sandbox.clock import DAY_MS, now_ms
from sandbox.errors import ApiError
from sandbox.quirks import Quirks
from sandbox.rest.paging import Page, window
from sandbox.rest.query import Query
from sandbox.rest.report_quirks import disturbed
from sandbox.settings import Json

PATH = "/v2/learningActivityReports"
MAXIMUM_COUNT = 1000
MAXIMUM_DAYS = 14
PACIFIC_MS = 8 * 3_600_000
DAYS = {"DAY": 1, "WEEK": 7}
DIMENSIONS = ("ACCOUNT", "INDIVIDUAL", "CONTENT")


@dataclass(frozen=True)
class _Extent:
    """The time window of a report (`end` excluded) and the time of its latest data, in epoch milliseconds."""

    start: int
    end: int
    latest: int


@dataclass(frozen=True)
class _Share:
    """The part of an activity that lies in a report's time window."""

    activity: Activity
    engagements: list[Engagement]
    completed_at: int | None


def find(book: ActivityBook, quirks: Quirks, query: Query) -> Page:
    """Return the page that a call to the finder `criteria` asks for.

    Raises:
        ApiError: 400 for missing or invalid parameters, 403 for too large a page, 500 for too long a time window.
    """
    if query.text("q") != "criteria":
        raise ApiError(400, f"No finder '{query.text('q')}' on learningActivityReports", 100)
    asked = window(query, MAXIMUM_COUNT)
    dimensions = _dimensions(query)
    extent = _extent(query, quirks)
    shares = sorted(_shares(book, query, extent), key=lambda share: _key(share, dimensions))
    groups = [list(group) for _, group in groupby(shares, key=lambda share: _key(share, dimensions))]
    rows = [disturbed(quirks, _row(group, dimensions, extent)) for group in asked.of(groups)]
    return Page(asked, len(groups), rows)


def _dimensions(query: Query) -> frozenset[str]:
    named = [query.text(f"aggregationCriteria.{rank}") for rank in ("primary", "secondary")]
    dimensions = frozenset(filter(None, named)) or frozenset({"ACCOUNT"})
    if not dimensions <= frozenset(DIMENSIONS):
        raise ApiError(400, f"Unknown aggregation: {', '.join(sorted(dimensions))}", 100)
    if "CONTENT" in dimensions and not query.text("assetType"):
        raise ApiError(400, "Parameter 'assetType' is required when aggregating by CONTENT", 100)
    return dimensions


def _extent(query: Query, quirks: Quirks) -> _Extent:
    unit = query.text("timeOffset.unit")
    if unit not in DAYS:
        raise ApiError(400, f"Parameter 'timeOffset.unit' is invalid: {unit!r}", 100)
    days = query.number("timeOffset.duration") * DAYS[unit]
    if days > MAXIMUM_DAYS:
        # Integrators have observed this instead of a 400.
        raise ApiError(500, "Internal Server Error")
    start = query.number("startedAt")
    if quirks.get("report_pacific_days") is not None:
        start -= (start - PACIFIC_MS) % DAY_MS
    lag = quirks.get("report_lag")
    latest = now_ms() - (lag["seconds"] * 1000 if lag else 0)
    return _Extent(start, start + days * DAY_MS, latest)


def _shares(book: ActivityBook, query: Query, extent: _Extent) -> Iterator[_Share]:
    kind, language = query.text("assetType"), query.text("locale.language")
    end = min(extent.end, extent.latest)
    for activity in book:
        content = activity.content
        if (kind and content.type != kind) or not content.locale.startswith(language):
            continue
        engagements = [one for one in activity.engagements if extent.start <= one.at < end]
        completed = activity.completed_at
        if engagements:
            inside = completed is not None and extent.start <= completed < end
            yield _Share(activity, engagements, completed if inside else None)


def _key(share: _Share, dimensions: frozenset[str]) -> tuple[int, str]:
    learner = share.activity.learner.number if "INDIVIDUAL" in dimensions else 0
    return learner, share.activity.content.urn if "CONTENT" in dimensions else ""


def _row(group: list[_Share], dimensions: frozenset[str], extent: _Extent) -> Json:
    row: Json = {
        "latestDataAt": extent.latest,
        "learnerDetails": {"entity": {"accountUrn": ENTERPRISE_ACCOUNT}},
    }
    activity = group[0].activity
    if "INDIVIDUAL" in dimensions:
        row["learnerDetails"] = _learner(activity)
    if "CONTENT" in dimensions:
        row["contentDetails"] = _content(activity)
    row["activities"] = list(_activities(group, dimensions))
    return row


def _learner(activity: Activity) -> Json:
    learner = activity.learner
    return {
        "name": learner.name,
        "email": learner.email,
        "uniqueUserId": learner.unique_user_id,
        "enterpriseGroups": ["OFFICIAL"],
        "customAttributes": {"Department": ["IT"]},
        "entity": {"profileUrn": learner.profile_urn},
    }


def _content(activity: Activity) -> Json:
    content = activity.content
    return {
        "name": content.title,
        "contentProviderName": "LinkedIn",
        "contentUrn": content.urn,
        "locale": locale_object(content.locale),
    }


def _activities(group: list[_Share], dimensions: frozenset[str]) -> Iterator[Json]:
    by_type = sorted(group, key=lambda share: share.activity.content.type)
    for kind, shares in groupby(by_type, key=lambda share: share.activity.content.type):
        yield from _measures(list(shares), kind, single={"INDIVIDUAL", "CONTENT"} <= dimensions)
    if "CONTENT" not in dimensions:
        # Account-wide measures have no assetType.
        days = {one.at // DAY_MS for share in group for one in share.engagements}
        yield {
            "engagementType": "DAYS_ACTIVE",
            "engagementValue": len(days),
            "engagementMetricQualifier": "UNIQUE",
        }


def _measures(shares: list[_Share], kind: str, *, single: bool) -> Iterator[Json]:
    engagements = [one for share in shares for one in share.engagements]
    completions = [share.completed_at for share in shares if share.completed_at is not None]
    times = [one.at for one in engagements]
    yield _measure("SECONDS_VIEWED", sum(one.seconds for one in engagements), kind, times)
    if single:
        yield _measure("PROGRESS_PERCENTAGE", max(one.progress for one in engagements), kind, ())
    if completions or not single:
        yield _measure("COMPLETIONS", len(completions), kind, completions)


def _measure(measure: str, value: int, kind: str, times: Iterable[int]) -> Json:
    activity: Json = {
        "engagementType": measure,
        "engagementValue": value,
        "engagementMetricQualifier": "TOTAL",
        "assetType": kind,
    }
    moments = sorted(times)
    if moments:
        activity |= {"firstEngagedAt": moments[0], "lastEngagedAt": moments[-1]}
    return activity
