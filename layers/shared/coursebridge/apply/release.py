"""Releases held statements: sends them round again when what they waited for is there.

Releasing is setting the outcome back to ``received``: the stream then carries the statement to ``apply`` as if it had
just arrived. A release that was not needed does no harm.
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
JUDGED = "attribute_exists(PK) AND outcome <> :received AND reason <> :erased"
UNJUDGED = "outcome = :received AND reason <> :erased"
FEW = 3
"""Identities and courses are asked for one by one up to here; beyond, what waits for anything is read once."""
MOST_LOOKED_AT, MOST_RELEASED = 10_000, 1_000
"""In answer to one change, which has a minute at the most: the sweep brings the rest."""
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
    """Send statements round again, whatever their outcome was; return how many. One call each, some at a time.

    Statements that were emptied with their person stay as they are.

    Args:
        table: the application's table.
        integration_id: whose statements.
        statement_ids: which.
        now: the time of the release.
        again: whether they are meant that are ``received`` already and that the stream seems to have lost.
        time_is_up: whether to leave the rest; asked after every share.
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
    """Yield the keys (``statement_id`` and what it waits for) of statements held for a reason, oldest first.

    Args:
        table: the application's table.
        integration_id: whose statements.
        reason: why (see :data:`coursebridge.apply.judge.HELD_REASONS`).
        awaited: only those that wait for this course or identity.
    """
    prefix = keys.pending_prefix("held", reason, awaited)
    for item in table.query_all(keys.pending_partition(integration_id), index=keys.GSI3, prefix=prefix):
        if awaited is None or item["awaited"] == awaited:
            yield item


def release_for_identities(table: Table, integration_id: str, awaited: Collection[str], now: datetime) -> int:
    """Send round again what was held for anybody with one of these identifiers; return how many, a share at most."""
    waiting = (item for reason in LEARNER_REASONS for item in _waiting(table, integration_id, reason, awaited))
    return _release_share(table, integration_id, waiting, now)


def waiting_for_identity(table: Table, integration_id: str, awaited: str) -> int:
    """Return how many statements are held for anybody with this identifier, a share at most."""
    waiting = (item for reason in LEARNER_REASONS for item in held(table, integration_id, reason, awaited))
    return sum(1 for _ in islice(waiting, MOST_RELEASED))


def release_for_courses(table: Table, integration_id: str, urns: Collection[str], now: datetime) -> int:
    """Send round again what was held for any of these courses; return how many, a share at most."""
    return _release_share(table, integration_id, _waiting(table, integration_id, "course_unknown", urns), now)


def release_for_settings(table: Table, integration_id: str, now: datetime) -> int:
    """Send round again what was held because of its actor: the rules by which people are matched have changed.

    Returns:
        How many, a share at most.
    """
    waiting = (item for reason in ACTOR_REASONS for item in held(table, integration_id, reason))
    return _release_share(table, integration_id, waiting, now)


def _waiting(table: Table, integration_id: str, reason: HeldReason, awaited: Collection[str]) -> Iterator[Item]:
    """Yield what is held for any of these; of many, what is found in a bounded look, for the sweep looks at all."""
    if len(awaited) <= FEW:
        for name in awaited:
            yield from held(table, integration_id, reason, name)
    else:
        found = islice(held(table, integration_id, reason), MOST_LOOKED_AT)
        yield from (item for item in found if item["awaited"] in awaited)


def _release_share(table: Table, integration_id: str, waiting: Iterable[Item], now: datetime) -> int:
    # All are named before the first goes, for one that is held anew for another reason would be found once more.
    statement_ids = [item["statement_id"] for item in islice(waiting, MOST_RELEASED)]
    return release(table, integration_id, statement_ids, now)
