"""Applies stored statements: learner, course and record are found, evidence is folded in, the outcome is written.

A batch is read in two calls, shared by everybody in it, and written in one transaction a person: the record, the
learner if new, and the outcome of every statement together, so that a crash at any line leaves all of it or nothing.
Every action is conditional on what was read. A refused transaction means another writer: the statements are read and
judged again.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from coursebridge.apply import plan as planning
from coursebridge.apply.reading import BatchSnapshot, Pending, Whom, read
from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import TooLarge, Unavailable
from coursebridge.observability import logger
from coursebridge.storage.statement_outcomes import Verdict
from coursebridge.storage.table import TRANSACTION, Table, TransactionRefused, chunks, pauses
from coursebridge.xapi import statement as xapi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from coursebridge.apply.plan import Outcomes, Plan
    from coursebridge.storage.table import Item

FULL = Verdict("held", "record_full")
MOST_STATEMENTS = 48
"""Of one person in one transaction: each may bring one action more, for its record or its missing course."""


class Applier:
    """Applies statements of any integrations.

    Args:
        table: the application's table.
        pseudonym_key: returns the key of the digests of erased identifiers.
        now: the clock.
        pause: waits between two rounds when other writers are at the same learners.
    """

    def __init__(
        self,
        table: Table,
        pseudonym_key: Callable[[], str],
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._pseudonym_key = pseudonym_key
        self._now = now
        self._pause = pause

    def apply(self, items: Sequence[Item]) -> tuple[Counter[Verdict], list[Item]]:
        """Apply statements that stand in the table as ``received``.

        Returns:
            How many ended in each way, and the statements that could not be dealt with now and are to be tried again.
        """
        outcomes: Outcomes = Counter()
        failed: list[Item] = []
        by_integration: dict[str, dict[str, Pending]] = defaultdict(dict)
        for item in items:
            by_integration[item["integration_id"]][item["statement_id"]] = pending(item)
        for integration_id, batch in by_integration.items():
            left = self._apply_integration(integration_id, list(batch.values()), outcomes)
            failed += [statement.item for statement in left]
        if failed:
            logger.warning("statements are left for another try", count=len(failed))
        return _logged(outcomes), failed

    def _apply_integration(self, integration_id: str, batch: list[Pending], outcomes: Outcomes) -> list[Pending]:
        """Settle statements, reading again as long as others write at the same time; return those that are left."""
        failed: list[Pending] = []
        for pause in pauses():
            try:
                snapshot = read(self._table, integration_id, batch, self._pseudonym_key())
            except Unavailable:
                return failed + batch
            if snapshot is None:
                logger.warning("statements of an integration that no longer exists", integration=integration_id)
                return failed
            batch = self._settle_all(batch, snapshot, outcomes, failed)
            if not batch:
                return failed
            self._pause(pause)
        return failed + batch

    def _settle_all(
        self, batch: list[Pending], snapshot: BatchSnapshot, outcomes: Outcomes, failed: list[Pending]
    ) -> list[Pending]:
        """Settle what can be settled with what was read; return what must be read again."""
        again: list[Pending] = []
        for group in _by_person(batch, snapshot):
            try:
                again += self._settle(group, snapshot, outcomes)
            except Unavailable:
                failed += group
        return again

    def _settle(self, group: list[Pending], snapshot: BatchSnapshot, outcomes: Outcomes) -> list[Pending]:
        """Write what becomes of one person's statements; return those to be judged again.

        Raises:
            Unavailable: the table is busy.
        """
        now = rfc3339(self._now())
        plan = planning.make(self._table, snapshot, group, now)
        if len(plan.actions) > TRANSACTION and len(group) > 1:
            return self._settle_halves(group, snapshot, outcomes)
        try:
            return self._write(plan, outcomes)
        except TooLarge:
            if len(group) > 1:
                return self._settle_halves(group, snapshot, outcomes)
            # Trying again is in vain. Whoever looks at what is held sees it, and the statement is not lost.
            return self._write(planning.hold(self._table, snapshot, group[0], FULL, now), outcomes)

    def _settle_halves(self, group: list[Pending], snapshot: BatchSnapshot, outcomes: Outcomes) -> list[Pending]:
        half = len(group) // 2
        return self._settle(group[:half], snapshot, outcomes) + self._settle(group[half:], snapshot, outcomes)

    def _write(self, plan: Plan, outcomes: Outcomes) -> list[Pending]:
        """Write a plan; return the statements to be judged again."""
        try:
            self._table.transact(plan.actions)
        except TransactionRefused as refused:
            if not refused.contended:
                raise Unavailable("the table is busy") from refused
            return _still_received(plan, refused)
        plan.snapshot.note(plan.writes)
        outcomes += plan.outcomes
        return []


def pending(item: Item) -> Pending:
    """Return a stored statement with the facts in it."""
    return Pending(item, xapi.facts_of(item))


def _logged(outcomes: Outcomes) -> Counter[Verdict]:
    """Log each outcome with the requests whose statements had it; return how many had each."""
    counts: Counter[Verdict] = Counter()
    requests: dict[Verdict, list[str]] = defaultdict(list)
    for (verdict, request_id), number in outcomes.items():
        counts[verdict] += number
        if request_id:
            requests[verdict].append(request_id)
    for verdict, number in counts.items():
        logger.info(
            "statements judged",
            outcome=verdict.outcome,
            reason=verdict.reason,
            count=number,
            request_ids=requests[verdict],
        )
    return counts


def _by_person(batch: Sequence[Pending], snapshot: BatchSnapshot) -> Iterator[list[Pending]]:
    """Yield the statements about each person; those without an identifier to match by go together."""
    groups: dict[Whom, list[Pending]] = defaultdict(list)
    for statement in batch:
        groups[snapshot.whom(statement)].append(statement)
    for group in groups.values():
        yield from chunks(group, MOST_STATEMENTS)


def _still_received(plan: Plan, refused: TransactionRefused) -> list[Pending]:
    """Return the statements that are still to be settled: those nobody else has, as their items tell."""
    settled = {
        number
        for number, reason, item in zip(plan.settles, refused.reasons, refused.items, strict=False)
        if number is not None and reason == "ConditionalCheckFailed" and item.get("outcome") != "received"
    }
    return [statement for number, statement in enumerate(plan.group) if number not in settled]
