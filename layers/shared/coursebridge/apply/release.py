"""Held statements, sent round again when what they waited for is there.

Releasing is setting the outcome back to ``received``: the stream then carries the statement to ``apply`` as if it
had just arrived. A release that was not needed does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

LEARNER_REASONS = ("learner_unknown", "learner_ambiguous", "learner_inactive")
JUDGED = "attribute_exists(PK) AND outcome <> :received"
UNJUDGED = "outcome = :received"


def release(
    table: Table, integration_id: str, statement_ids: Iterable[str], now: datetime, *, again: bool = False
) -> int:
    """Send statements round again, whatever their outcome was; return how many.

    Args:
        table: the application's table.
        integration_id: whose statements.
        statement_ids: which.
        now: the time of the release.
        again: whether they are meant that are ``received`` already and that the stream seems to have lost.
    """
    released = 0
    for statement_id in statement_ids:
        at = rfc3339(now)
        pending = keys.pending(integration_id, "received", "", "", at, statement_id).item(keys.GSI3)
        try:
            table.update(
                keys.statement(integration_id, statement_id),
                "SET outcome = :received, released_at = :now, GSI3PK = :pk, GSI3SK = :sk REMOVE reason, awaited",
                {":received": "received", ":now": at, ":pk": pending["GSI3PK"], ":sk": pending["GSI3SK"]},
                condition=UNJUDGED if again else JUDGED,
            )
        except ConditionFailed:
            continue
        released += 1
    return released


def held(table: Table, integration_id: str, reason: str, awaited: str | None = None) -> Iterator[Item]:
    """Yield the keys (``statement_id`` and what it waits for) of statements held for a reason, oldest first.

    Args:
        table: the application's table.
        integration_id: whose statements.
        reason: one of :data:`coursebridge.apply.judge.HELD_REASONS`.
        awaited: only those that wait for this course or identity.
    """
    prefix = f"held#{reason}#" + (f"{awaited}#" if awaited is not None else "")
    yield from table.query_all(f"PENDING#{integration_id}", index=keys.GSI3, prefix=prefix)


def release_for_identity(table: Table, integration_id: str, awaited: str, now: datetime) -> int:
    """Send round again what was held for somebody with this identifier; return how many."""
    waiting = [
        item["statement_id"] for reason in LEARNER_REASONS for item in held(table, integration_id, reason, awaited)
    ]
    return release(table, integration_id, waiting, now)


def release_for_courses(table: Table, integration_id: str, urns: set[str], now: datetime) -> int:
    """Send round again what was held for any of these courses; return how many.

    A first sync brings thousands of courses while nothing waits, so the question is asked once for all of them.
    """
    waiting = [item for item in held(table, integration_id, "course_unknown") if item.get("awaited") in urns]
    return release(table, integration_id, (item["statement_id"] for item in waiting), now)
