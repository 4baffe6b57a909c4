"""Moves evidence between the records of learners who are merged or parted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coursebridge.errors import Unavailable
from coursebridge.people import changes
from coursebridge.records.evidence import Evidence
from coursebridge.storage import keys
from coursebridge.storage.records import Record
from coursebridge.storage.statement_outcomes import turns
from coursebridge.storage.table import TRANSACTION, tries, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coursebridge.storage.learners import Learner
    from coursebridge.storage.table import Table

MOST_TURNS = (TRANSACTION - 2) // 2
"""Statements corrected for each side of a move, in the same transaction as the two records."""


def records(table: Table, learner: Learner) -> Iterator[Record]:
    """Yield every record of a learner."""
    pk = keys.learner_partition(learner.integration_id, learner.id)
    for item in table.query_all(pk, prefix=keys.RECORD_PREFIX, consistent=True):
        yield Record.from_item(item)


def move(table: Table, record: Record, to: Learner, origins: frozenset[str], now: str) -> None:
    """Move the evidence of some learners from a record to another learner's record of the same course.

    Moving it again does nothing. Both records continue from the higher version, so that a write based on an earlier
    read of either fails.

    Raises:
        TooLarge: the evidence does not fit into one record.
        Unavailable: the table is busy, or others kept changing the records; nothing was moved.
    """
    place = keys.record(to.integration_id, to.id, record.course_urn)
    for _ in tries():
        found = table.get_many([record.key, place, _course(record)])
        source = Record.from_item(found[record.key]) if record.key in found else None
        moving = {origin: part for origin, part in source.parts.items() if origin in origins} if source else {}
        if source is None or not moving:
            return
        target = Record.of(found.get(place), to.integration_id, to.id, record.course_urn)
        duration = found.get(_course(record), {}).get("duration_seconds")
        if changes.write(table, _moving(table, source, target, moving, duration, now)):
            return
    raise Unavailable("other writers kept changing the same record, try again")


def _moving(
    table: Table,
    source: Record,
    target: Record,
    moving: Mapping[str, Evidence],
    duration: int | None,
    now: str,
) -> list[dict[str, Any]]:
    version = max(source.version, target.version) + 1
    whole = {origin: target.parts.get(origin, Evidence()) | part for origin, part in moving.items()}
    after = replace(target.with_parts({**target.parts, **whole}, duration), version=version)
    rest = {origin: part for origin, part in source.parts.items() if origin not in moving}
    left = replace(source.with_parts(rest, duration), version=version)
    told = {name for part in moving.values() for name in part.completions}
    remains = (
        table.put_action(left.to_item(now), **unchanged(source.version))
        if rest
        else table.delete_action(source.key, **unchanged(source.version))
    )
    return [
        table.put_action(after.to_item(now), **unchanged(target.version)),
        remains,
        *turns(table, target, after, now, most=MOST_TURNS),
        *turns(table, source, left, now, settled=told, most=MOST_TURNS),
    ]


def _course(record: Record) -> keys.Key:
    return keys.course(record.integration_id, record.course_urn)
