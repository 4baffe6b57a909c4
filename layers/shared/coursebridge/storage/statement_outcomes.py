"""Writes the outcomes of statements, each as one action of a transaction.

A statement is settled on condition that it is still ``received``. Its outcome is turned later if new evidence, most
often an earlier completion, changes which attempt its completion counts for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from coursebridge.storage import keys
from coursebridge.storage.statements import Judged, sent_as
from coursebridge.xapi import comparison

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.records import Record
    from coursebridge.storage.table import Item, Table

ALREADY_COMPLETED: Final = "already_completed"
ERASED: Final = "erased"
SET_OUTCOME = "SET outcome = :outcome, reason = :reason, learner_id = :learner, attempt_id = :attempt, judged_at = :now"
PENDING_KEYS = "GSI3PK, GSI3SK, awaited"
MOST_TURNS = 90
NOBODY = {"objectType": "Agent", "account": {"homePage": "urn:coursebridge", "name": "erased"}}


HeldReason = Literal[
    "learner_unknown",
    "learner_ambiguous",
    "learner_inactive",
    "actor_mismatch",
    "actor_unidentified",
    "course_unknown",
    "record_full",
]
IgnoredReason = Literal[
    "already_completed", "before_configuration", "verb_unknown", "object_not_activity", "object_too_long", "erased"
]
Reason = Literal[HeldReason, IgnoredReason]


@dataclass(frozen=True)
class Verdict:
    """An outcome and its reason; ``awaited`` names what would release a held statement."""

    outcome: Judged
    reason: Reason | None = None
    awaited: str = ""


def of_completion(attempt_id: str | None) -> Verdict:
    """Return the verdict on a completion that counts for this attempt, or for none."""
    return Verdict("applied") if attempt_id else Verdict("ignored", ALREADY_COMPLETED)


def settle(
    table: Table,
    statement: Item,
    verdict: Verdict,
    now: str,
    learner_id: str | None = None,
    attempt_id: str | None = None,
    decisive: Identifier | None = None,
) -> dict[str, Any]:
    """Return the action that gives a ``received`` statement its outcome.

    It also files the statement under ``decisive``, the identifier that decided who the learner is: a sender may give
    several, and the rule may have changed since the statement was stored.
    """
    integration_id, statement_id = statement["integration_id"], statement["statement_id"]
    values = {**_values(verdict, now, learner_id, attempt_id), ":received": "received"}
    sets, removes = SET_OUTCOME, f" REMOVE {PENDING_KEYS}"
    if verdict.outcome == "held":
        pending = keys.pending(
            integration_id, "held", verdict.reason or "", verdict.awaited, statement["timestamp"], statement_id
        )
        values |= {":pk": pending.pk, ":sk": pending.sk, ":awaited": verdict.awaited}
        sets, removes = f"{sets}, GSI3PK = :pk, GSI3SK = :sk, awaited = :awaited", ""
    filed = _filed_under(statement, decisive) if decisive else None
    if filed and filed.pk != statement.get("GSI2PK"):
        values |= {":actor_pk": filed.pk, ":actor_sk": filed.sk}
        sets += ", GSI2PK = :actor_pk, GSI2SK = :actor_sk"
    key = keys.statement(integration_id, statement_id)
    return table.update_action(key, sets + removes, values, condition="outcome = :received")


def turns(
    table: Table,
    before: Record,
    after: Record,
    now: str,
    *,
    settled: Collection[str] = (),
    most: int = MOST_TURNS,
) -> Iterator[dict[str, Any]]:
    """Yield the actions that correct the statements whose completion now counts for another attempt, or for none.

    Reads those statements, and skips any that are gone or were emptied by an erasure. It also skips those beyond
    ``most``, so that the record always fits into the transaction; records never depend on the outcomes of statements.

    Args:
        table: the application's table.
        before: the record as it is.
        after: the record as it will be.
        now: the time of the change.
        settled: the statements that the same transaction settles.
        most: the maximum number of statements to correct.
    """
    told = _statements_in(before) | _statements_in(after)
    turned = {
        statement_id: after.counted.get(statement_id)
        for statement_id in told - set(settled)
        if statement_id not in before.counted or before.counted[statement_id] != after.counted.get(statement_id)
    }
    if not turned:
        return
    first = sorted(turned)[:most]
    places = {keys.statement(after.integration_id, statement_id): statement_id for statement_id in first}
    for key, item in table.get_many(places).items():
        if item.get("reason") != ERASED:
            attempt_id = turned[places[key]]
            yield _turn(table, key, _values(of_completion(attempt_id), now, after.learner_id, attempt_id))


def empty(table: Table, statement: Item, now: str, *, only_received: bool = False) -> dict[str, Any]:
    """Return the action that removes the person from a statement; what remains still recognises a repeat.

    Args:
        table: the application's table.
        statement: its item, or at least its ids, verb and object id.
        now: the time of the erasure.
        only_received: whether to refuse if the statement was settled in the meantime.
    """
    shell = {"actor": NOBODY, "verb": {"id": statement["verb"]}, "object": {"id": statement["object_id"]}}
    values = {
        **_values(Verdict("ignored", ERASED), now, None, None),
        ":actor": {"type": "erased", "value": None},
        ":raw": json.dumps(shell),
        ":digest": comparison.ERASED,
    }
    return table.update_action(
        keys.statement(statement["integration_id"], statement["statement_id"]),
        f"{SET_OUTCOME}, actor = :actor, #raw = :raw, digest = :digest REMOVE GSI2PK, GSI2SK, {PENDING_KEYS}",
        values | ({":received": "received"} if only_received else {}),
        condition="outcome = :received" if only_received else "attribute_exists(PK)",
        names={"#raw": "raw"},
    )


def _turn(table: Table, key: keys.Key, values: dict[str, Any]) -> dict[str, Any]:
    return table.update_action(
        key,
        f"{SET_OUTCOME} REMOVE {PENDING_KEYS}",
        {**values, ":erased": ERASED},
        condition="attribute_exists(PK) AND reason <> :erased",
    )


def _filed_under(statement: Item, decisive: Identifier) -> keys.Key:
    digest = next(sent_as(decisive)).digest()
    return keys.actor(statement["integration_id"], digest, statement["stored_at"], statement["statement_id"])


def _values(verdict: Verdict, now: str, learner_id: str | None, attempt_id: str | None) -> dict[str, Any]:
    return {
        ":outcome": verdict.outcome,
        ":reason": verdict.reason,
        ":learner": learner_id,
        ":attempt": attempt_id,
        ":now": now,
    }


def _statements_in(record: Record) -> set[str]:
    """Return the ids of the statements that reported a record's completions."""
    return {
        name
        for part in record.parts.values()
        for name, completion in part.completions.items()
        if completion.source == "xapi"
    }
