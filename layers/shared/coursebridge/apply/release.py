"""Releases held statements when what they wait for has arrived.

Releasing a statement sets its outcome back to ``received``: the stream then carries it to ``apply`` as if it had just
arrived. Releasing one too often does no harm: a statement that is in a learner's record is never released, because its
identifier may mean somebody else by now, who would get the completion, too.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339
from coursebridge.storage import keys
from coursebridge.storage.statement_outcomes import ERASED
from coursebridge.storage.table import ConditionFailed, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime

    from coursebridge.storage.statement_outcomes import HeldReason
    from coursebridge.storage.table import Item, Table

LEARNER_REASONS: tuple[HeldReason, ...] = ("learner_unknown", "learner_ambiguous", "learner_inactive")
ACTOR_REASONS: tuple[HeldReason, ...] = (*LEARNER_REASONS, "actor_mismatch", "actor_unidentified")
JUDGED = (
    "attribute_exists(PK) AND outcome <> :received AND reason <> :erased"
    " AND (attribute_not_exists(learner_id) OR learner_id = :none)"
)
UNJUDGED = "outcome = :received AND reason <> :erased"
FEW = 3
"""Up to this many identities or courses are queried one by one; beyond that, all held for the reason are read."""
MOST_LOOKED_AT, MOST_RELEASED = 10_000, 1_000
"""How many statements one change may look at and release in its minute; the sweep releases the rest."""
SHARE, AT_ONCE = 100, 8


def release(
    table: Table,
    integration_id: str,
    statement_ids: Iterable[str],
    now: datetime,
    *,
    again: bool = False,
    time_is_up: Callable[[], bool] = lambda: False,
) -> int:
    """Release statements; return how many. Each takes one call, some run in parallel.

    Statements that are in somebody's record, and those of erased people, stay as they are.

    Args:
        table: the application's table.
        integration_id: the integration the statements belong to.
        statement_ids: the statements to release.
        now: the time of the release.
        again: release only statements that are still ``received``, which the stream seems to have lost, instead of
            only those with an outcome.
        time_is_up: whether to stop and leave the rest; asked after every ``SHARE`` statements.
    """
    release_one = partial(_release_one, table, integration_id, rfc3339(now), UNJUDGED if again else JUDGED)
    released = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for share in chunks(statement_ids, SHARE):
            released += sum(pool.map(release_one, share))
            if time_is_up():
                break
    return released


def _release_one(table: Table, integration_id: str, at: str, condition: str, statement_id: str) -> bool:
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
            "SET outcome = :received, reason = :none, released_at = :now, GSI3PK = :pk, GSI3SK = :sk REMOVE awaited",
            values,
            condition=condition,
        )
    except ConditionFailed:
        return False
    return True


def held(table: Table, integration_id: str, reason: HeldReason, awaited: str | None = None) -> Iterator[Item]:
    """Yield the index entries (keys, ``statement_id``, ``awaited``) of the statements held for a reason.

    They are ordered by what they wait for, and among those that wait for the same, oldest first.

    Args:
        table: the application's table.
        integration_id: the integration the statements belong to.
        reason: the reason (see :data:`coursebridge.apply.judge.HELD_REASONS`).
        awaited: only those that wait for this course or identity.
    """
    prefix = keys.pending_prefix("held", reason, awaited)
    for item in table.query_all(keys.pending_partition(integration_id), index=keys.GSI3, prefix=prefix):
        if awaited is None or item["awaited"] == awaited:
            yield item


def release_for_identities(table: Table, integration_id: str, awaited: Collection[str], now: datetime) -> int:
    """Release what is held for any of these identifiers; return how many, ``MOST_RELEASED`` at most."""
    waiting = (item for reason in LEARNER_REASONS for item in _waiting(table, integration_id, reason, awaited))
    return _release_share(table, integration_id, waiting, now)


def waiting_for_identity(table: Table, integration_id: str, awaited: str) -> int:
    """Return how many statements are held for an identifier, ``MOST_RELEASED`` at most."""
    waiting = (item for reason in LEARNER_REASONS for item in held(table, integration_id, reason, awaited))
    return sum(1 for _ in islice(waiting, MOST_RELEASED))


def release_for_courses(table: Table, integration_id: str, urns: Collection[str], now: datetime) -> int:
    """Release what is held for any of these courses; return how many, ``MOST_RELEASED`` at most."""
    return _release_share(table, integration_id, _waiting(table, integration_id, "course_unknown", urns), now)


def release_for_settings(table: Table, integration_id: str, now: datetime) -> int:
    """Release what is held because of its actor, as the rules by which people are matched have changed.

    Returns:
        How many were released, ``MOST_RELEASED`` at most.
    """
    waiting = (item for reason in ACTOR_REASONS for item in held(table, integration_id, reason))
    return _release_share(table, integration_id, waiting, now)


def _waiting(table: Table, integration_id: str, reason: HeldReason, awaited: Collection[str]) -> Iterator[Item]:
    """Yield what is held for any of these; for many, only what a bounded read finds, as the sweep reads all."""
    if len(awaited) <= FEW:
        for name in awaited:
            yield from held(table, integration_id, reason, name)
    else:
        found = islice(held(table, integration_id, reason), MOST_LOOKED_AT)
        yield from (item for item in found if item["awaited"] in awaited)


def _release_share(table: Table, integration_id: str, waiting: Iterable[Item], now: datetime) -> int:
    # Collected before the first release: a statement that is held anew for another reason would be found again.
    statement_ids = [item["statement_id"] for item in islice(waiting, MOST_RELEASED)]
    return release(table, integration_id, statement_ids, now)
