"""Adds evidence to records, safe against concurrent writers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from coursebridge.errors import NotFound, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner
from coursebridge.storage.records import Record
from coursebridge.storage.statement_outcomes import turns
from coursebridge.storage.table import TransactionRefused, pauses, unchanged

if TYPE_CHECKING:
    from coursebridge.records.evidence import Evidence
    from coursebridge.storage.table import Table


class RecordStore:
    """Reads and writes records, one at a time, with optimistic locking."""

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def get(self, learner_id: str, urn: str) -> Record:
        """Return a record, or an empty one if there is none yet."""
        item = self._table.get(keys.record(self._integration_id, learner_id, urn))
        return Record.of(item, self._integration_id, learner_id, urn)

    def add(
        self,
        learner_id: str,
        urn: str,
        origin: str,
        evidence: Evidence,
        duration_seconds: int | None,
        now: str,
    ) -> Record:
        """Add evidence to a record and return the record; evidence that others add at the same time is kept.

        Evidence of a learner who was merged goes to the learner they were merged into. This takes one read and one
        transaction, which also checks the learner, so that somebody who is being erased does not reappear.

        Raises:
            coursebridge.errors.NotFound: there is no such learner.
            coursebridge.errors.Unavailable: the table is busy.
        """
        for pause in pauses():
            learner, before = self._read(learner_id, urn)
            if learner.merged_into:
                learner_id = learner.merged_into
                continue
            after = before.with_evidence(origin, evidence, duration_seconds)
            if after.parts == before.parts and before.version:
                return before
            actions = [
                self._table.put_action(after.to_item(now), **unchanged(before.version)),
                self._table.check_action(learner.key, **unchanged(learner.version)),
                *turns(self._table, before, after, now),
            ]
            try:
                self._table.transact(actions)
            except TransactionRefused:
                time.sleep(pause)
            else:
                return after
        raise Unavailable("other writers kept changing the same record, try again")

    def _read(self, learner_id: str, urn: str) -> tuple[Learner, Record]:
        learner_key = keys.learner(self._integration_id, learner_id)
        record_key = keys.record(self._integration_id, learner_id, urn)
        found = self._table.get_many([learner_key, record_key])
        learner = Learner.from_item(found[learner_key]) if learner_key in found else None
        if learner is None or learner.erasing_at:
            raise NotFound("there is no such learner")
        return learner, Record.of(found.get(record_key), self._integration_id, learner_id, urn)
