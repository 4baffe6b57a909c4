"""Lists the attempts of a learner or a course, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coursebridge.storage import keys
from coursebridge.storage.records import Record
from coursebridge.storage.table import position

if TYPE_CHECKING:
    from coursebridge.records.fold import Attempt, Status
    from coursebridge.storage.table import Item, Page, Table


SKIP = "skip"
"""In a position: how many attempts of the record that comes next were on earlier pages."""


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
    page = table.query(pk, prefix=keys.RECORD_PREFIX, limit=limit, after=_key(after), consistent=True)
    return _cut(page, "", status, limit, after)


def of_course(
    table: Table, integration_id: str, urn: str, status: Status | None, limit: int, after: Item | None
) -> Attempts:
    """Return a page of all learners' attempts at a course; one query. See :func:`of_learner`."""
    pk = keys.records_partition(integration_id, urn)
    page = table.query(pk, index=keys.GSI1, limit=limit, after=_key(after))
    return _cut(page, keys.GSI1, status, limit, after)


def _key(position: Item | None) -> Item | None:
    """Return the key of the last record that a position has left behind, if any."""
    return {name: value for name, value in (position or {}).items() if name != SKIP} or None


def _cut(page: Page, index: str, status: Status | None, limit: int, after: Item | None) -> Attempts:
    """Return the first attempts of these records, ``limit`` at most; the rest of a record is left to the next page."""
    items: list[Attempt] = []
    last, skip = _key(after), (after or {}).get(SKIP, 0)
    for item in page.items:
        attempts = [attempt for attempt in Record.from_item(item).attempts if status in (None, attempt.status)][skip:]
        room = limit - len(items)
        if len(attempts) > room:
            return Attempts(items + attempts[:room], {**(last or {}), SKIP: skip + room})
        items += attempts
        last, skip = position(item, index), 0
    return Attempts(items, page.last_key)
