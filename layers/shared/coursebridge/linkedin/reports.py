"""The resource ``learningActivityReports``: a row per learner and content, for one asset type and window per call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.clock import to_millis
from coursebridge.linkedin.errors import UnusableAnswer
from coursebridge.linkedin.pages import MOST_ELEMENTS, SUSPECT_TOTALS, following
from coursebridge.linkedin.reading import object_in, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from coursebridge.linkedin.client import LinkedInClient, Parameters

REPORTS_PATH = "/v2/learningActivityReports"
PAGE_SIZE = 1000
Row = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """A query for the activity of all learners on assets of one type in one window.

    Attributes:
        asset_type: the asset type; LinkedIn requires one when rows are by content.
        started_at: start of the window.
        days: length of the window, at most 14; LinkedIn answers longer ones with 500.
    """

    asset_type: str
    started_at: datetime
    days: int

    def parameters(self, start: int) -> Parameters:
        """Return the query for the page at an offset."""
        return [
            ("q", "criteria"),
            ("startedAt", str(to_millis(self.started_at))),
            ("timeOffset.unit", "DAY"),
            ("timeOffset.duration", str(self.days)),
            ("aggregationCriteria.primary", "INDIVIDUAL"),
            ("aggregationCriteria.secondary", "CONTENT"),
            ("assetType", self.asset_type),
            ("contentSource", "ALL_SOURCES"),
            ("start", str(start)),
            ("count", str(PAGE_SIZE)),
        ]


def pages(client: LinkedInClient, report: Report) -> Iterator[list[Row]]:
    """Yield the pages of a report to its end.

    The last page reaches the total, and is empty or has no next link; a missing link alone does not end a report, nor
    does a page without a total, or with a total of none, after one that stated more. If the total is absent, or one at
    which LinkedIn is known to cap, a page that is not full counts as reaching it.

    Raises:
        LinkedInError: LinkedIn gives no report; the class says why.
    """
    start = 0
    before: list[Row] | None = None
    total: int | None = None
    while True:
        body: dict[str, Any] = client.get(REPORTS_PATH, report.parameters(start))
        rows = _rows(body)
        if rows and rows == before:
            raise UnusableAnswer(f"LinkedIn gives the page of offset {start - PAGE_SIZE} for offset {start} too")
        yield rows
        start += PAGE_SIZE
        total = _total(body) or total
        if not _goes_on(body, total, start, len(rows)):
            return
        before = rows


def _rows(body: dict[str, Any]) -> list[Row]:
    elements = body.get("elements")
    if not isinstance(elements, list):
        raise UnusableAnswer("LinkedIn answered 200 with something that is not a report")
    return [row for row in elements if isinstance(row, dict)]


def _total(body: dict[str, Any]) -> int | None:
    return whole_number(object_in(body, "paging").get("total"), MOST_ELEMENTS)


def _goes_on(body: dict[str, Any], total: int | None, start: int, found: int) -> bool:
    linked = bool(following(object_in(body, "paging")))
    if total is not None and total not in SUSPECT_TOTALS:
        return start < total or (linked and found > 0)
    return found >= PAGE_SIZE or (linked and found > 0)
