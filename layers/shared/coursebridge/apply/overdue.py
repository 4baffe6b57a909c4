"""Counts the statements that have long been held for a reason that only an admin can remove."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

PATIENCE = timedelta(days=1)
REASONS = ("learner_", "actor_")
"""How the reasons begin: ``course_unknown`` is left out, because syncs bring the courses."""
MOST_EXAMINED, MOST_COUNTED = 1_000, 100


def overdue(table: Table, integration_id: str, now: datetime) -> int:
    """Return how many statements have been here for more than a day and are held for want of a learner.

    Takes two queries, and reads the statements that happened more than a day ago, to leave out those that came late.
    Both are bounded: an integration with more such statements is counted as having at most ``MOST_COUNTED``.
    """
    before = rfc3339(now - PATIENCE)
    old = (item for item in _held(table, integration_id) if keys.timestamp_of_pending(item) < before)
    places = [keys.statement(integration_id, item["statement_id"]) for item in islice(old, MOST_COUNTED)]
    found = table.get_many(places, consistent=False)
    return sum(item["outcome"] == "held" and item["stored_at"] < before for item in found.values())


def _held(table: Table, integration_id: str) -> Iterator[Item]:
    pk = keys.pending_partition(integration_id)
    for beginning in REASONS:
        entries = table.query_all(pk, index=keys.GSI3, prefix=keys.held_prefix(beginning))
        yield from islice(entries, MOST_EXAMINED)
