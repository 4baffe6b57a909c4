"""Statements for admins: what arrived and with which outcome, and replaying it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge import audit
from coursebridge.admin.replays import release_held
from coursebridge.admin.situation import held_count
from coursebridge.apply.judge import HELD_REASONS, REASONS
from coursebridge.apply.release import release
from coursebridge.clock import utc_now
from coursebridge.errors import NotFound
from coursebridge.integrations.store import IntegrationStore
from coursebridge.people import aliases
from coursebridge.storage.statements import Outcome, StatementStore
from coursebridge.xapi.values import uuid_or_same
from coursebridge.xapi.verbatim import object_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.records.identifiers import Kind
    from coursebridge.storage.statement_outcomes import HeldReason
    from coursebridge.storage.table import Item, Page, Table

MOST_READS = 10
MOST_COUNTED = 1000


@dataclass(frozen=True)
class Statements:
    """Shows and replays statements on behalf of one caller.

    Attributes:
        table: the application's table.
        actor: the client id of the caller.
        pseudonym_key: returns the key by which erased identifiers are digested.
    """

    table: Table
    actor: str
    pseudonym_key: Callable[[], str]

    def list(
        self, integration_id: str, outcome: Outcome | None, reason: str | None, limit: int, after: Item | None
    ) -> tuple[list[dict[str, Any]], Item | None]:
        """Return a page of statements and where the next one starts.

        Held and received statements are found by their index. All others are filtered out of everything that was
        stored, so a page may hold fewer than ``limit`` and still not be the last.

        Raises:
            NotFound: there is no such integration.
        """
        IntegrationStore(self.table).get(integration_id)
        found: list[Item] = []
        for _ in range(MOST_READS):
            page = self._page(integration_id, outcome, reason, limit - len(found), after)
            found += page.items
            after = page.last_key
            if after is None or len(found) >= limit:
                break
        return [public(item) for item in found], after

    def get(self, integration_id: str, statement_id: str) -> str:
        """Return a statement with its text, as JSON (see :func:`whole`).

        Raises:
            NotFound: there is no such statement.
        """
        return whole(self._item(integration_id, statement_id))

    def replay(self, integration_id: str, statement_id: str) -> str:
        """Replay a statement, unless it is in a learner's record, and return it as JSON (see :func:`whole`).

        Raises:
            NotFound: there is no such statement.
        """
        item = self._item(integration_id, statement_id)
        if release(self.table, integration_id, [item["statement_id"]], utc_now()):
            self._note("statement.replayed", item["statement_id"], integration_id, {"outcome": item["outcome"]})
        return whole(self._item(integration_id, statement_id))

    def replay_held(self, integration_id: str, reason: HeldReason, time_is_up: Callable[[], bool]) -> dict[str, int]:
        """Replay what is held for a reason; return how many were replayed, and how many are still held.

        Raises:
            NotFound: there is no such integration.
        """
        IntegrationStore(self.table).get(integration_id)
        replayed = release_held(self.table, integration_id, reason, time_is_up)
        self._note("statements.replayed", reason, integration_id, {"replayed": replayed})
        return {"replayed": replayed, "held": held_count(self.table, integration_id, reason, MOST_COUNTED)}

    def assign(
        self, integration_id: str, kind: Kind, value: str, learner_id: str, *, after_erasure: bool = False
    ) -> dict[str, Any]:
        """Make an identifier a lasting alias of a learner; the stream then replays what is held for it.

        Raises:
            NotFound: there is no such integration or learner.
            Conflict: it belonged to a person who was erased, or belongs to too many learners.
        """
        IntegrationStore(self.table).get(integration_id)
        key = self.pseudonym_key()
        assigned = aliases.assign(
            self.table, integration_id, kind, value, learner_id, utc_now(), key, after_erasure=after_erasure
        )
        told = {"type": kind, "replayed": assigned.waiting, "taken_from": list(assigned.taken_from)}
        self._note("identity.assigned", learner_id, integration_id, told)
        return {**told, "value": value, "learner_id": learner_id}

    def _page(
        self, integration_id: str, outcome: Outcome | None, reason: str | None, limit: int, after: Item | None
    ) -> Page:
        store = StatementStore(self.table, integration_id)
        if outcome is None and reason in HELD_REASONS:
            outcome = "held"
        if outcome in ("held", "received"):
            return store.list_pending(outcome, reason or "", limit=limit, after=after)
        wanted = {name: value for name, value in (("outcome", outcome), ("reason", reason)) if value is not None}
        return store.list_stored(condition=wanted, limit=limit, after=after)

    def _item(self, integration_id: str, statement_id: str) -> Item:
        item = StatementStore(self.table, integration_id).get(uuid_or_same(statement_id))
        if item is None:
            raise NotFound("there is no such statement")
        return item

    def _note(self, action: str, subject: str, integration_id: str, told: dict[str, Any]) -> None:
        audit.record(self.table, audit.Entry(self.actor, action, subject, integration_id, after=told))


def public(item: Item) -> dict[str, Any]:
    """Return a statement as lists show it."""
    reason = item.get("reason")
    return {
        "id": item["statement_id"],
        "stored_at": item["stored_at"],
        "timestamp": item["timestamp"],
        "verb": item["verb"],
        "object_id": item.get("object_id"),
        "actor": item.get("actor") or {"type": None, "value": None},
        "outcome": item["outcome"],
        "reason": reason,
        "explanation": REASONS.get(reason or ""),
        "learner_id": item.get("learner_id"),
        "attempt_id": item.get("attempt_id"),
    }


def whole(item: Item) -> str:
    """Return a statement with its text as JSON; numbers in ``raw``, such as 1e400 and 1.10, stay as they were sent."""
    texts = {name: json.dumps(value) for name, value in public(item).items()}
    return object_text({**texts, "raw": item.get("raw") or "null"})
