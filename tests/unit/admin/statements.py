"""Statements put straight into the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339, utc_now
from coursebridge.storage import keys
from xapi_builders import statement

if TYPE_CHECKING:
    from coursebridge.storage.table import Table


def stored(
    table: Table, integration_id: str, statement_id: str, *, waiting_since: str = "", outcome: str = "received"
) -> dict[str, Any]:
    """Put a received or settled statement, and return its item."""
    item = _item(integration_id, statement_id, outcome, "verb_unknown" if outcome == "ignored" else None)
    if outcome == "received":
        since = waiting_since or item["stored_at"]
        item |= keys.pending(integration_id, "received", "", "", since, statement_id).item(keys.GSI3)
    table.put(item)
    return item


def held(table: Table, integration_id: str, statement_id: str, reason: str, awaited: str) -> dict[str, Any]:
    """Put a held statement, and return its item."""
    item = _item(integration_id, statement_id, "held", reason) | {"awaited": awaited}
    item |= keys.pending(integration_id, "held", reason, awaited, item["timestamp"], statement_id).item(keys.GSI3)
    table.put(item)
    return item


def _item(integration_id: str, statement_id: str, outcome: str, reason: str | None) -> dict[str, Any]:
    whole = statement(id=statement_id)
    now = rfc3339(utc_now())
    return {
        **keys.statement(integration_id, statement_id).item(),
        **keys.statements(integration_id, now, statement_id).item(keys.GSI1),
        "integration_id": integration_id,
        "statement_id": statement_id,
        "raw": json.dumps(whole),
        "stored_at": now,
        "timestamp": whole["timestamp"],
        "verb": whole["verb"]["id"],
        "object_id": whole["object"]["id"],
        "actor": {"type": "email", "value": "learner@example.com"},
        "outcome": outcome,
        "reason": reason,
        "learner_id": None,
        "attempt_id": None,
        "client_id": "linkedin-1",
    }
