"""Reads the rows of an export page by page, each page with the key to continue from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from coursebridge.catalog.presenting import presented
from coursebridge.storage import keys
from coursebridge.storage.courses import CourseStore, StoredCourse

if TYPE_CHECKING:
    from coursebridge.exports.jobs import Job
    from coursebridge.storage.table import Item, Table

COURSES_A_PAGE, LEARNERS_A_PAGE = 200, 25
"""Few enough for a page to stay within some megabytes, whatever a learner has done."""


class Rows(NamedTuple):
    """A page of rows, and the key to read on from; ``None`` at the end."""

    rows: list[dict[str, Any]]
    position: Item | None


def read(table: Table, job: Job, position: Item | None) -> Rows:
    """Return the page of a job's rows that starts at a position; ``None`` is the beginning."""
    page_of = _courses if job.what == "courses" else _attempts
    return page_of(table, job.integration_id, position)


def _courses(table: Table, integration_id: str, after: Item | None) -> Rows:
    courses = CourseStore(table, integration_id)
    page = courses.page(COURSES_A_PAGE, after)
    tags = courses.manual_tags(item["urn"] for item in page.items)
    return Rows(
        [presented(StoredCourse.from_item(item), tags.get(item["urn"], ())) for item in page.items], page.last_key
    )


def _attempts(table: Table, integration_id: str, after: Item | None) -> Rows:
    pk = keys.learners_partition(integration_id)
    page = table.query(pk, index=keys.GSI1, limit=LEARNERS_A_PAGE, after=after)
    rows = [
        attempt
        for learner in page.items
        for item in table.query_all(
            keys.learner_partition(integration_id, learner["id"]), prefix=keys.RECORD_PREFIX, attributes=["attempts"]
        )
        for attempt in item["attempts"]
    ]
    return Rows(rows, page.last_key)
