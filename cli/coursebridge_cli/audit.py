"""`coursebridge audit`: who changed what."""

import json
from typing import Any

from coursebridge_cli import output
from coursebridge_cli.options import Integration, Json, Most, client

MOST_SHOWN = 5


def audit(integration: Integration = None, *, limit: Most = 50, as_json: Json = False) -> None:
    """List who changed what, when, from what to what; the newest first."""
    api = client()
    bound = api.integration(integration)["id"] if integration else None
    found = list(api.every("/admin/audit", limit, integration_id=bound))
    if as_json:
        output.as_json(found)
        return
    output.table(
        "Audit",
        ("When", "Who", "What", "To what", "Changes"),
        (
            (entry["at"], entry["actor"], entry["action"], entry["subject"], _changes(entry["changes"]))
            for entry in found
        ),
        "Nothing was changed yet.",
    )


def _changes(changes: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{change['field']}: {_spelled(change['from'])} → {_spelled(change['to'])}" for change in changes[:MOST_SHOWN]
    )


def _spelled(value: Any) -> str:  # noqa: ANN401  (any JSON)
    return json.dumps(value, ensure_ascii=False)
