"""Statements in the table: found again, and moved from outcome to outcome (taken: ``statement_intake``).

What stands in a statement's item:

| attribute                               | what                                                            |
| --------------------------------------- | --------------------------------------------------------------- |
| `integration_id`, `statement_id`        | whose, and its id (UUIDs in lower case)                         |
| `raw`                                   | the JSON text exactly as it was received                        |
| `digest`                                | what a repeat is recognised by (`xapi.comparison`)              |
| `stored_at`, `timestamp`, `received_at` | stored; happened; set to `received` last: at first or again     |
| `verb`, `object_id`                     | for lists                                                       |
| `actor`                                 | for lists: `{"type", "value"}`, both `None` without one         |
| `outcome`, `reason`                     | `received`, `applied`, `held` or `ignored`, and why             |
| `learner_id`, `attempt_id`              | whom and what it was applied to                                 |
| `client_id`                             | who sent it                                                     |
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, Item, Page, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from coursebridge.storage.keys import Key


class Outcome(StrEnum):
    """What became of a statement."""

    RECEIVED = "received"
    APPLIED = "applied"
    HELD = "held"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Settlement:
    """What became of a statement that was looked at.

    Attributes:
        outcome: ``applied``, ``held`` or ``ignored``.
        reason: why it is held or ignored.
        awaited: what a held one waits for: a course's URN or an identity (``email#a@example.com``).
        learner_id: whom it is about, once known.
        attempt_id: what it was applied to.
    """

    outcome: Outcome
    reason: str | None = None
    awaited: str = ""
    learner_id: str | None = None
    attempt_id: str | None = None


def pending_key(statement: Item, outcome: Outcome, reason: str, awaited: str) -> Key:
    """Return the GSI3 key of a statement's item that is ``received`` or ``held``."""
    return keys.pending(
        statement["integration_id"],
        outcome,
        reason,
        awaited,
        statement["timestamp"],
        statement["statement_id"],
    )


class StatementStore:
    """The statements of one integration.

    Args:
        table: the application's table.
        integration_id: whose statements.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def get(self, statement_id: str) -> Item | None:
        """Return a statement's item."""
        return self._table.get(keys.statement(self._integration_id, statement_id))

    def get_with_voiding(self, statement_id: str) -> tuple[Item | None, bool]:
        """Return a statement's item, and whether another statement names it as voided."""
        own = keys.statement(self._integration_id, statement_id)
        mark = keys.voiding(self._integration_id, statement_id)
        found = self._table.get_many([own, mark])
        return found.get(own), mark in found

    def voided(self, statement_ids: Iterable[str]) -> frozenset[str]:
        """Return those of these ids that another statement names as voided."""
        marks = {
            keys.voiding(self._integration_id, statement_id): statement_id for statement_id in statement_ids
        }
        return frozenset(marks[key] for key in self._table.get_many(marks))

    def list_stored(
        self,
        *,
        between: tuple[str, str] | None = None,
        condition: Mapping[str, str] | None = None,
        limit: int | None = None,
        after: Item | None = None,
        ascending: bool = False,
    ) -> Page:
        """Return a page of statements in the order they were stored.

        Args:
            between: bounds of ``stored#id``, both included.
            condition: attributes that must have these values.
            limit: how many to look at, which is not how many are found.
            after: the ``last_key`` of the page before.
            ascending: oldest first.
        """
        wanted = condition or {}
        pk, _ = keys.statements(self._integration_id, "", "")
        return self._table.query(
            pk,
            index=keys.GSI1,
            between=between,
            condition=" AND ".join(f"#{name} = :{name}" for name in wanted),
            names={f"#{name}": name for name in wanted},
            values={f":{name}": value for name, value in wanted.items()},
            limit=limit,
            after=after,
            ascending=ascending,
        )

    def list_of_actor(
        self,
        actor_digest: str,
        *,
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        after: Item | None = None,
        ascending: bool = False,
    ) -> Page:
        """Return a page of the statements of one identifier, in the order they were stored."""
        pk, _ = keys.actor(self._integration_id, actor_digest, "", "")
        page = self._table.query(
            pk, index=keys.GSI2, between=between, limit=limit, after=after, ascending=ascending
        )
        return Page(self._whole(page.items), page.last_key)

    def list_pending(
        self, outcome: Outcome, reason: str = "", *, limit: int | None = None, after: Item | None = None
    ) -> Page:
        """Return a page of what is ``received`` or ``held`` (for this reason), oldest first."""
        pk, _ = keys.pending(self._integration_id, "", "", "", "", "")
        prefix = f"{outcome}#{reason}#" if reason else f"{outcome}#"
        page = self._table.query(pk, index=keys.GSI3, prefix=prefix, limit=limit, after=after)
        items = [
            item
            for item in self._whole(page.items)
            if item["outcome"] == outcome and (not reason or item["reason"] == reason)
        ]
        return Page(items, page.last_key)

    def held_for(self, reason: str, awaited: str) -> Iterator[Key]:
        """Yield the keys of what is held until this course or identity appears, oldest first."""
        return self._pending_keys(prefix=f"{Outcome.HELD}#{reason}#{awaited}#")

    def waiting_since(self, moment: datetime) -> Iterator[Key]:
        """Yield the keys of what has been ``received`` since before this moment, longest waiting first."""
        received = f"{Outcome.RECEIVED}##"
        return self._pending_keys(between=(received, received + rfc3339(moment)))

    def release(
        self, statements: Iterable[Key], *, now: datetime, outcomes: Sequence[Outcome] = (Outcome.HELD,)
    ) -> int:
        """Set statements back to ``received``, from where they go the whole way again; return how many.

        A read per hundred and a write each. A statement that has moved on meanwhile is left alone.

        Args:
            statements: their keys, in the order they shall be looked at.
            now: the time they wait from.
            outcomes: only those with one of these outcomes.
        """
        order = list(statements)
        found = self._table.get_many(order)
        return sum(self._release(found[key], rfc3339(now), outcomes) for key in order if key in found)

    def key(self, statement_id: str) -> Key:
        """Return the key of a statement."""
        return keys.statement(self._integration_id, statement_id)

    def settle_action(self, statement: Item, settlement: Settlement) -> dict[str, Any]:
        """Return the action of a transaction that gives a ``received`` statement its outcome.

        It passes only if nobody settled or released the statement since it was read.
        """
        values = {
            ":outcome": settlement.outcome,
            ":reason": settlement.reason,
            ":learner": settlement.learner_id,
            ":attempt": settlement.attempt_id,
        }
        expression = "SET outcome = :outcome, reason = :reason, learner_id = :learner, attempt_id = :attempt"
        if settlement.outcome is Outcome.HELD:
            place = pending_key(statement, Outcome.HELD, settlement.reason or "", settlement.awaited)
            expression += ", GSI3PK = :pk, GSI3SK = :sk"
            values |= {":pk": place.pk, ":sk": place.sk}
        else:
            expression += " REMOVE GSI3PK, GSI3SK"
        return self._table.update_action(
            self.key(statement["statement_id"]),
            expression,
            {**values, ":received": Outcome.RECEIVED, ":since": statement["received_at"]},
            condition="outcome = :received AND received_at = :since",
        )

    def _pending_keys(self, **bounds: Any) -> Iterator[Key]:  # noqa: ANN401  (options of the table's query)
        pk, _ = keys.pending(self._integration_id, "", "", "", "", "")
        for item in self._table.query_all(pk, index=keys.GSI3, **bounds):
            yield keys.Key(item["PK"], item["SK"])

    def _whole(self, entries: Sequence[Item]) -> list[Item]:
        """Return the items behind the entries of an index that projects keys only, in their order."""
        order = [keys.Key(entry["PK"], entry["SK"]) for entry in entries]
        found = self._table.get_many(order) if order else {}
        return [{**found[key], **entry} for key, entry in zip(order, entries, strict=True) if key in found]

    def _release(self, statement: Item, now: str, outcomes: Sequence[Outcome]) -> bool:
        place = pending_key(statement, Outcome.RECEIVED, "", now)
        allowed = {f":o{number}": outcome for number, outcome in enumerate(outcomes)}
        try:
            self._table.update(
                self.key(statement["statement_id"]),
                "SET outcome = :received, reason = :none, received_at = :now, GSI3PK = :pk, GSI3SK = :sk",
                {
                    ":received": Outcome.RECEIVED,
                    ":none": None,
                    ":now": now,
                    ":pk": place.pk,
                    ":sk": place.sk,
                    **allowed,
                },
                condition=f"outcome IN ({', '.join(allowed)})",
            )
        except ConditionFailed:
            return False
        return True
