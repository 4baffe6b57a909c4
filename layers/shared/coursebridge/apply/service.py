"""Applies stored statements: finds learner, course and record, adds the evidence, and writes the outcome.

A batch is read in two calls and written in one transaction per person. The transaction holds the record, the learner if
new, and the outcome of every statement, so that a crash leaves all of it or nothing. Every action is conditional on
what was read: if another writer was faster, the transaction is refused, and the statements are read and judged again.
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
"""How many of one person go into one transaction: each may add a second action, for its record or missing course."""


class Applier:
    """Applies statements of any integration.

    Args:
        table: the application's table.
        pseudonym_key: returns the key by which erased identifiers are digested.
        now: the clock.
        pause: waits between two attempts when others are writing to the same learners.
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
        """Apply statements that are ``received``.

        Returns:
            How many got each verdict, and the statements that could not be settled now and need another try.
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
        """Settle statements, with retries while others write to the same items; return those that are left."""
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
        """Settle what the snapshot allows; return what must be read again."""
        again: list[Pending] = []
        for group in _by_person(batch, snapshot):
            try:
                again += self._settle(group, snapshot, outcomes)
            except Unavailable:
                failed += group
        return again

    def _settle(self, group: list[Pending], snapshot: BatchSnapshot, outcomes: Outcomes) -> list[Pending]:
        """Settle one person's statements; return those to be judged again.

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
            # Another try would fail too. Held, the statement is not lost, and admins can see it.
            return self._write(planning.hold(self._table, snapshot, group[0], FULL, now), outcomes)

    def _settle_halves(self, group: list[Pending], snapshot: BatchSnapshot, outcomes: Outcomes) -> list[Pending]:
        half = len(group) // 2
        return self._settle(group[:half], snapshot, outcomes) + self._settle(group[half:], snapshot, outcomes)

    def _write(self, plan: Plan, outcomes: Outcomes) -> list[Pending]:
        """Write a plan; return the statements to be judged again."""
        try:
            self._table.transact(plan.actions)
        except TransactionRefused as refused:
            return _still_received(plan, refused)
        plan.snapshot.note(plan.writes)
        outcomes += plan.outcomes
        return []


def pending(item: Item) -> Pending:
    """Return a stored statement with its facts."""
    return Pending(item, xapi.facts_of(item))


def _logged(outcomes: Outcomes) -> Counter[Verdict]:
    """Log each verdict with the requests whose statements got it; return how many got each."""
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
    """Yield the statements about each person; those without an identifier to match by form one group."""
    groups: dict[Whom, list[Pending]] = defaultdict(list)
    for statement in batch:
        groups[snapshot.whom(statement)].append(statement)
    for group in groups.values():
        yield from chunks(group, MOST_STATEMENTS)


def _still_received(plan: Plan, refused: TransactionRefused) -> list[Pending]:
    """Return the statements that nobody else has settled, judging by the items in the refusal."""
    settled = {
        number
        for number, failed, item in zip(plan.settles, refused.failed, refused.items, strict=False)
        if number is not None and failed and item.get("outcome") != "received"
    }
    return [statement for number, statement in enumerate(plan.group) if number not in settled]
