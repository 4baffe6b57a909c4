"""Writes the audit: who changed what, when, and the values before and after.

Every change by an admin and every override of a rule adds an entry. An entry contains no secrets: fields whose name
suggests one are always masked. It contains no personal data either: a learner appears by id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339, utc_now
from coursebridge.ids import new_id
from coursebridge.secret_values import MASK
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from coursebridge.storage.table import Table

SECRET_WORDS = ("secret", "token", "password", "digest")
MOST_LISTED, LONGEST_TEXT = 100, 2000
NOT_CHANGES = frozenset({"version", "updated_at", "etag"})


@dataclass(frozen=True)
class Entry:
    """One action to record.

    Attributes:
        actor: the client id of the caller who acted; ``system`` for automatic actions.
        action: what was done, such as ``integration.updated`` or ``learner.merged``.
        subject: the id of what was changed.
        integration_id: the integration that the subject belongs to, if any.
        before: the previous state; ``None`` for something new.
        after: the new state; ``None`` for something removed. Only the fields that differ are stored.
    """

    actor: str
    action: str
    subject: str
    integration_id: str | None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def record(table: Table, entry: Entry, now: datetime | None = None) -> None:
    """Store an entry, dated ``now`` or else the current time."""
    at, entry_id = rfc3339(now or utc_now()), new_id(now)
    of_integration = keys.audit_of(entry.integration_id, at, entry_id).item(keys.GSI1) if entry.integration_id else {}
    table.put(
        {
            **keys.audit(at, entry_id).item(),
            **of_integration,
            "entity": "audit",
            "id": entry_id,
            "at": at,
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "integration_id": entry.integration_id,
            "changes": list(changes(entry.before or {}, entry.after or {})),
        }
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> Iterator[dict[str, Any]]:
    """Yield each field that differs as ``{"field": "filters.levels", "from": ..., "to": ...}``, sorted by name."""
    for name in sorted(before.keys() | after.keys()):
        old, new, field = before.get(name), after.get(name), f"{path}{name}"
        if old == new or name in NOT_CHANGES:
            continue
        if _is_secret(name):
            yield {"field": field, "from": _masked(old), "to": _masked(new)}
        elif isinstance(old, dict) or isinstance(new, dict):
            yield from changes(_members(old), _members(new), f"{field}.")
        else:
            yield {"field": field, "from": _bounded(old), "to": _bounded(new)}


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def _bounded(value: Any) -> Any:  # noqa: ANN401  (whatever the field held)
    """Return a value short enough for an entry; a long list is cut and ends with the number of items left out."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list) and len(value) > MOST_LISTED:
        return [*value[:MOST_LISTED], f"and {len(value) - MOST_LISTED} more"]
    return value


def _masked(value: Any) -> str | None:  # noqa: ANN401  (whatever the field held)
    return None if value is None else MASK


def _members(value: Any) -> dict[str, Any]:  # noqa: ANN401
    return value if isinstance(value, dict) else {}
