"""Held statements, sent round again when what they waited for is there.

Releasing is setting the outcome back to ``received``: the stream then carries the statement to ``apply`` as if it had
just arrived. A release that was not needed does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339
from coursebridge.storage import keys
from coursebridge.storage.statement_outcomes import ERASED
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

LEARNER_REASONS = ("learner_unknown", "learner_ambiguous", "learner_inactive")
ACTOR_REASONS = (*LEARNER_REASONS, "actor_mismatch", "actor_unidentified")
JUDGED = "attribute_exists(PK) AND outcome <> :received AND reason <> :erased"
UNJUDGED = "outcome = :received AND reason <> :erased"
FEW = 3
"""Identities are asked for one by one up to here; beyond, what waits for anybody is read once."""


def release(
    table: Table, integration_id: str, statement_ids: Iterable[str], now: datetime, *, again: bool = False
) -> int:
    """Send statements round again, whatever their outcome was; return how many. One call each.

    Statements that were emptied with their person stay as they are.

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
        pending = keys.pending(integration_id, "received", "", "", at, statement_id)
        values = {
            ":received": "received",
            ":erased": ERASED,
            ":none": None,
            ":now": at,
            ":pk": pending.pk,
            ":sk": pending.sk,
        }
        try:
            table.update(
                keys.statement(integration_id, statement_id),
                "SET outcome = :received, reason = :none, released_at = :now, GSI3PK = :pk, GSI3SK = :sk "
                "REMOVE awaited",
                values,
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
    prefix = keys.pending_prefix("held", reason, awaited)
    for item in table.query_all(f"PENDING#{integration_id}", index=keys.GSI3, prefix=prefix):
        if awaited is None or item["awaited"] == awaited:
            yield item


def release_for_identities(table: Table, integration_id: str, awaited: Collection[str], now: datetime) -> int:
    """Send round again what was held for anybody with one of these identifiers; return how many."""
    waiting: list[str] = []
    for reason in LEARNER_REASONS:
        if len(awaited) <= FEW:
            found = (item for one in awaited for item in held(table, integration_id, reason, one))
        else:
            found = (item for item in held(table, integration_id, reason) if item["awaited"] in awaited)
        waiting += [item["statement_id"] for item in found]
    return release(table, integration_id, waiting, now)


def release_for_courses(table: Table, integration_id: str, urns: set[str], now: datetime) -> int:
    """Send round again what was held for any of these courses; return how many.

    A first sync brings thousands of courses while nothing waits, so the question is asked once for all of them.
    """
    waiting = [item for item in held(table, integration_id, "course_unknown") if item["awaited"] in urns]
    return release(table, integration_id, (item["statement_id"] for item in waiting), now)


def release_for_settings(table: Table, integration_id: str, now: datetime) -> int:
    """Send round again whatever was held because of its actor: the rules by which people are matched have changed."""
    waiting = [item["statement_id"] for reason in ACTOR_REASONS for item in held(table, integration_id, reason)]
    return release(table, integration_id, waiting, now)
