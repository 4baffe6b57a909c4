"""Stores new statements: all statements of a request or none, in one call.

:mod:`coursebridge.storage.statements` describes the items.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, FieldError, TooLarge, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.table import TRANSACTION, ConditionFailed, Item, Table, TransactionRefused, pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

NEW = "attribute_not_exists(PK)"
# DynamoDB allows 400 KB for an item and 4 MB for a transaction; the margin is ample for what is not counted here.
MOST_ITEM_BYTES, MOST_BATCH_BYTES = 380_000, 3_800_000
TRIES = 5


@dataclass(frozen=True)
class NewStatement:
    """A statement to store.

    Attributes:
        statement_id: the id that it is stored under.
        raw: its JSON text as received.
        digest: equal for statements with the same meaning.
        timestamp: when it happened (RFC 3339), or ``None`` if the sender did not say.
        verb: the verb's IRI.
        object_id: the object's id, if it has one.
        actor: type and value of the identifier that it is filed under.
        actor_digest: the digest by which that identifier is found.
        voids: the id of the statement that it voids, if any.
    """

    statement_id: str
    raw: str
    digest: str
    timestamp: str | None
    verb: str
    object_id: str | None
    actor: tuple[str, str] | None
    actor_digest: str | None
    voids: str | None = None

    def size(self) -> int:
        """Return how many bytes the statement's texts take in the table."""
        texts = (self.raw, self.verb, self.object_id or "", *(self.actor or ()))
        return sum(len(text.encode()) for text in texts)


@dataclass(frozen=True)
class Added:
    """How many statements of a batch were new, and how many were stored already."""

    stored: int
    repeated: int


class StatementIntake:
    """Stores statements for one integration.

    Args:
        table: the application's table.
        integration_id: the integration.
        same: whether a stored item and a statement (its digest and its own timestamp) have the same meaning.
        pause: waits before the next try when another writer interferes.
    """

    def __init__(
        self,
        table: Table,
        integration_id: str,
        same: Callable[[Item, str, str | None], bool],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._integration_id = integration_id
        self._same = same
        self._pause = pause

    def add(
        self, statements: Sequence[NewStatement], *, stored_at: datetime, client_id: str, request_id: str | None = None
    ) -> Added:
        """Store all of these statements, or none; their ids must be distinct.

        This takes one DynamoDB call, and a second one if some of the statements were stored already.

        Raises:
            Conflict: an id belongs to a statement with another meaning; nothing was stored.
            TooLarge: the statements are too large to be stored at once; nothing was stored.
            Unavailable: the table is busy; the request can be repeated, as what was stored is recognised.
        """
        self._check_size(statements)
        missing = list(statements)
        sent = {"stored_at": rfc3339(stored_at), "client_id": client_id, "request_id": request_id}
        for pause in islice(pauses(), TRIES):
            known = self._write(missing, sent)
            if known is None:
                return Added(len(missing), len(statements) - len(missing))
            self._check_repeats(missing, known)
            missing = [statement for statement in missing if statement.statement_id not in known]
            if not missing:
                return Added(0, len(statements))
            if not known:
                self._pause(pause)
        raise Unavailable("other requests are writing these statements; send the request again")

    def _check_size(self, statements: Sequence[NewStatement]) -> None:
        if any(statement.size() > MOST_ITEM_BYTES for statement in statements):
            raise TooLarge(f"a statement may have {MOST_ITEM_BYTES} bytes")
        if sum(statement.size() for statement in statements) > MOST_BATCH_BYTES:
            raise TooLarge(f"the statements of one request may have {MOST_BATCH_BYTES} bytes together")
        if len(statements) + len(_marked(statements)) > TRANSACTION:
            raise TooLarge(f"a request may have {TRANSACTION} statements, of which a voiding one counts twice")

    def _write(self, statements: list[NewStatement], sent: Mapping[str, Any]) -> dict[str, Item] | None:
        """Write all statements; return ``None`` on success, else the items that were stored already, by id.

        An empty dictionary means that another writer interfered.
        """
        items = [self._item(statement, sent) for statement in statements]
        marks = [
            {
                **keys.voiding(self._integration_id, target).item(),
                "integration_id": self._integration_id,
                "voided_by": by,
            }
            for target, by in _marked(statements).items()
        ]
        try:
            if len(items) == 1 and not marks:
                self._table.put(items[0], condition=NEW)
            elif items:
                self._table.transact(
                    [self._table.put_action(item, condition=NEW) for item in items]
                    + [self._table.put_action(mark) for mark in marks]
                )
        except ConditionFailed as refusal:
            return {statements[0].statement_id: refusal.item}
        except TransactionRefused as refusal:
            return _known(refusal, statements)
        return None

    def _check_repeats(self, statements: Sequence[NewStatement], known: Mapping[str, Item]) -> None:
        others = [
            statement.statement_id
            for statement in statements
            if statement.statement_id in known
            and not self._same(known[statement.statement_id], statement.digest, statement.timestamp)
        ]
        if others:
            raise Conflict(
                "another statement has this id; nothing was stored",
                errors=tuple(FieldError("id", f"{other} is the id of a different statement") for other in others),
            )

    def _item(self, statement: NewStatement, sent: Mapping[str, Any]) -> Item:
        stored_at: str = sent["stored_at"]
        type_, value = statement.actor or (None, None)
        timestamp = statement.timestamp or stored_at
        found_by = (
            keys.actor(self._integration_id, statement.actor_digest, stored_at, statement.statement_id).item(keys.GSI2)
            if statement.actor_digest
            else {}
        )
        body = {
            "integration_id": self._integration_id,
            "statement_id": statement.statement_id,
            "raw": statement.raw,
            "digest": statement.digest,
            "timestamp": timestamp,
            "verb": statement.verb,
            "object_id": statement.object_id,
            "actor": {"type": type_, "value": value},
            "outcome": "received",
            "reason": None,
            "learner_id": None,
            "attempt_id": None,
            **sent,
        }
        return {
            **keys.statement(self._integration_id, statement.statement_id).item(),
            **keys.statements(self._integration_id, stored_at, statement.statement_id).item(keys.GSI1),
            **found_by,
            **keys.pending(self._integration_id, "received", "", "", stored_at, statement.statement_id).item(keys.GSI3),
            **body,
        }


def _marked(statements: Sequence[NewStatement]) -> dict[str, str]:
    """Return the ids of the statements that these statements void, each with the id of the voiding one."""
    return {statement.voids: statement.statement_id for statement in statements if statement.voids}


def _known(refusal: TransactionRefused, statements: Sequence[NewStatement]) -> dict[str, Item]:
    return {
        statement.statement_id: item
        for statement, failed, item in zip(statements, refusal.failed, refusal.items, strict=False)
        if failed
    }
