"""Reads the facts in a statement, tolerantly, for the rest of the system."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.xapi import actors, values
from coursebridge.xapi.comparison import digest
from coursebridge.xapi.lenient import MOST_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

COMPLETED = frozenset({"http://adlnet.gov/expapi/verbs/completed", "https://adlnet.gov/expapi/verbs/completed"})
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
CONTENT_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:coursebridge:statement")


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts in one statement.

    Attributes:
        statement_id: its id in the table.
        timestamp: when it happened, or when it was stored if the sender did not say.
        email: the address in ``actor.mbox``.
        account_name: the name in ``actor.account``.
        verb_id: the verb's IRI.
        object_id: the id of the activity or of the referenced statement; ``None`` for other objects.
        object_type: ``Activity`` unless the object says otherwise.
        progress: the cmi5 progress extension, 0 to 100, rounded down.
        duration_seconds: ``result.duration``.
        is_completion: the verb is *completed*, or ``result.completion`` is true.
    """

    statement_id: str
    timestamp: datetime
    email: str | None
    account_name: str | None
    verb_id: str
    object_id: str | None
    object_type: str
    progress: int | None
    duration_seconds: int | None
    is_completion: bool


def statement_id(statement: Mapping[str, Any], random_id: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """Return the id a statement is stored under: its own, with a UUID in lower case.

    A statement without an id gets one derived from its content and timestamp, so that sending it again is a
    repeat; without a timestamp either, it gets a random one (xAPI 1.0.3, Data 2.4.1).
    """
    given = statement.get("id")
    if given is not None:
        return values.uuid_or_same(str(given))
    moment = values.instant(statement.get("timestamp"))
    if moment is None:
        return str(random_id())
    return str(uuid.uuid5(CONTENT_NAMESPACE, f"{moment.isoformat()} {digest(dict(statement))}"))


def read(statement: Mapping[str, Any], kept_id: str, stored_at: datetime) -> Facts:
    """Return the facts in a statement that passed :mod:`coursebridge.xapi.lenient`."""
    actor, target, result = statement["actor"], statement["object"], _object(statement.get("result"))
    verb_id = statement["verb"]["id"]
    return Facts(
        statement_id=kept_id,
        timestamp=values.instant(statement.get("timestamp")) or stored_at,
        email=actors.email(actor),
        account_name=actors.account_name(actor),
        verb_id=verb_id,
        object_id=target.get("id"),
        object_type=str(target.get("objectType") or "Activity"),
        progress=values.progress(_object(result.get("extensions")).get(PROGRESS)),
        duration_seconds=values.duration_seconds(result.get("duration")),
        is_completion=verb_id in COMPLETED or values.truth(result.get("completion")) is True,
    )


def facts_of(item: Mapping[str, Any]) -> Facts:
    """Return the facts in a statement's table item (``raw``, ``statement_id``, ``stored_at``)."""
    return read(json.loads(item["raw"]), item["statement_id"], parse_rfc3339(item["stored_at"]))


def voids(statement: Mapping[str, Any]) -> str | None:
    """Return the id of the statement that this one voids, if any (Data 2.3.2)."""
    target = statement["object"]
    if statement["verb"]["id"] != VOIDED or target.get("objectType") != "StatementRef":
        return None
    return values.uuid_or_same(target["id"]) if len(target["id"]) <= MOST_ID else None


def timestamp_text(statement: Mapping[str, Any]) -> str | None:
    """Return the statement's own timestamp in RFC 3339, or ``None`` if it has none."""
    moment = values.instant(statement.get("timestamp"))
    return rfc3339(moment) if moment else None


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401  (whatever the statement contains)
    return value if isinstance(value, dict) else {}
