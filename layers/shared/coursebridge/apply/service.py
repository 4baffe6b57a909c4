"""Applies stored statements: learner, course and record are found, evidence is folded in, the outcome is written.

A batch is read in two calls, shared by everybody in it, and written in one transaction a learner: the record, the
learner if new, and the outcome of every statement together, so that a crash at any line leaves all of it or nothing.
Every action is conditional on what was read. A refused transaction means another writer: the statements are read and
judged again.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from coursebridge.apply import plan as planning
from coursebridge.apply.reading import Known, Pending, read
from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Unavailable
from coursebridge.observability import logger
from coursebridge.storage.table import TRANSACTION, Table, TransactionRefused, chunks
from coursebridge.xapi import statement as xapi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from coursebridge.apply.judge import Rules
    from coursebridge.apply.plan import Plan
    from coursebridge.storage.table import Item

MOST_TRIES = 12
MOST_STATEMENTS = 48
"""Of one actor in one transaction: each may bring one action more, for its record or its missing course."""


class Applier:
    """Applies statements of any integrations.

    Args:
        table: the application's table.
        pseudonym_key: returns the key of the digests of erased identifiers.
        now: the clock.
    """

    def __init__(self, table: Table, pseudonym_key: Callable[[], str], now: Callable[[], datetime] = utc_now) -> None:
        self._table = table
        self._pseudonym_key = pseudonym_key
        self._now = now

    def apply(self, items: Sequence[Item]) -> tuple[Counter[str], list[Item]]:
        """Apply statements that stand in the table as ``received``.

        Returns:
            How many ended in each outcome (``applied``, ``held:course_unknown``, ...), and the statements that could
            not be dealt with now and are to be tried again.
        """
        outcomes: Counter[str] = Counter()
        failed: list[Item] = []
        by_integration: dict[str, dict[str, Pending]] = defaultdict(dict)
        for item in items:
            by_integration[item["integration_id"]][item["statement_id"]] = pending(item)
        for integration_id, batch in by_integration.items():
            self._apply_integration(integration_id, list(batch.values()), outcomes, failed)
        return outcomes, failed

    def _apply_integration(
        self, integration_id: str, batch: list[Pending], outcomes: Counter[str], failed: list[Item]
    ) -> None:
        known = read(self._table, integration_id, batch, self._pseudonym_key())
        if known is None:
            logger.warning("statements of an integration that no longer exists", integration=integration_id)
            return
        for group in _by_actor(batch, known.rules):
            try:
                outcomes += self._settle(group, known)
            except Unavailable:
                logger.warning("statements are left for another try", count=len(group))
                failed += [one.item for one in group]

    def _settle(self, group: list[Pending], known: Known | None) -> Counter[str]:
        """Write what becomes of one actor's statements, reading again as long as others write at the same time."""
        integration_id = known.integration_id if known else ""
        for attempt in range(MOST_TRIES):
            if attempt:
                time.sleep(random.uniform(0, min(1.0, 0.02 * 2**attempt)))  # noqa: S311  (jitter, not a secret)
                known = read(self._table, integration_id, group, self._pseudonym_key())
            if known is None or not group:
                return Counter()
            plan = planning.make(self._table, known, group, rfc3339(self._now()))
            if len(plan.actions) > TRANSACTION:
                half = len(group) // 2
                return self._settle(group[:half], known) + self._settle(group[half:], known)
            try:
                self._table.transact(plan.actions)
            except TransactionRefused as refused:
                if not refused.contended:
                    raise Unavailable("the table is busy") from refused
                group = _still_received(plan, refused)
            else:
                return plan.outcomes
        raise Unavailable("other writers kept changing the same learner")


def pending(item: Item) -> Pending:
    """Return a stored statement with the facts in it."""
    return Pending(item, xapi.facts_of(item))


def _by_actor(batch: Sequence[Pending], rules: Rules) -> Iterator[list[Pending]]:
    """Yield the statements of each actor; those without an identifier to match by go together."""
    groups: dict[object, list[Pending]] = defaultdict(list)
    for one in batch:
        groups[rules.actor(one.facts)].append(one)
    for group in groups.values():
        yield from chunks(group, MOST_STATEMENTS)


def _still_received(plan: Plan, refused: TransactionRefused) -> list[Pending]:
    """Return the statements that are still to be settled: those nobody else has, as their items tell."""
    settled = {
        number
        for number, reason, item in zip(plan.settles, refused.reasons, refused.items, strict=True)
        if number is not None and reason == "ConditionalCheckFailed" and item.get("outcome") != "received"
    }
    return [one for number, one in enumerate(plan.group) if number not in settled]
