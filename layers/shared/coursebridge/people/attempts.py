"""Lists the attempts of a learner or a course, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coursebridge.storage import keys
from coursebridge.storage.records import Record
from coursebridge.storage.table import position

if TYPE_CHECKING:
    from coursebridge.records.fold import Attempt, Status
    from coursebridge.storage.table import Item, Page, Table


class Attempts(NamedTuple):
    """A page of attempts, and the position of the next page (``None`` at the end)."""

    items: list[Attempt]
    position: Item | None


def of_learner(
    table: Table, integration_id: str, learner_id: str, status: Status | None, limit: int, after: Item | None
) -> Attempts:
    """Return a page of a learner's attempts, course by course; one query.

    With ``status``, a page may have fewer than ``limit`` attempts and still not be the last.
    """
    pk = keys.learner_partition(integration_id, learner_id)
    page = table.query(pk, prefix=keys.RECORD_PREFIX, limit=limit, after=after, consistent=True)
    return _fitting(page, "", status, limit)


def of_course(
    table: Table, integration_id: str, urn: str, status: Status | None, limit: int, after: Item | None
) -> Attempts:
    """Return a page of all learners' attempts at a course; one query. See :func:`of_learner`."""
    pk = keys.records_partition(integration_id, urn)
    page = table.query(pk, index=keys.GSI1, limit=limit, after=after)
    return _fitting(page, keys.GSI1, status, limit)


def _fitting(page: Page, index: str, status: Status | None, limit: int) -> Attempts:
    """Return the attempts of as many whole records as fit, but of at least one record with any, however large."""
    items: list[Attempt] = []
    last: Item | None = None
    for item in page.items:
        attempts = [attempt for attempt in Record.from_item(item).attempts if status in (None, attempt.status)]
        if items and len(items) + len(attempts) > limit:
            return Attempts(items, last)
        items += attempts
        last = position(item, index)
    return Attempts(items, page.last_key)
