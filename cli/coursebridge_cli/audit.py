"""`coursebridge audit`: who changed what."""

import json
from typing import Any

from coursebridge_cli import output
from coursebridge_cli.options import Integration, Json, Most, client


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
        f"{change['field']}: {json.dumps(change['from'])} → {json.dumps(change['to'])}" for change in changes[:5]
    )
