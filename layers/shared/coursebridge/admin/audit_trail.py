"""Reads the audit back, newest entry first, across its monthly partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339
from coursebridge.storage import keys

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

FIRST_MONTH = "2025-01"
"""The oldest month to look in: no deployment is older."""


def page(
    table: Table, integration_id: str | None, limit: int, position: dict[str, Any] | None, now: datetime
) -> tuple[list[Item], dict[str, Any] | None]:
    """Return a page of entries and the position of the next one.

    Args:
        table: the application's table.
        integration_id: only entries of this integration; ``None`` for all.
        limit: the maximum number of entries.
        position: where to continue; ``None`` for the first page.
        now: the present time; entries of its month come first.
    """
    if integration_id is not None:
        pk = keys.audit_of_partition(integration_id)
        found = table.query(pk, index=keys.GSI1, limit=limit, after=(position or {}).get("after"), ascending=False)
        return found.items, {"after": found.last_key} if found.last_key else None
    return _over_months(table, limit, position or {"month": rfc3339(now)[:7], "after": None})


def _over_months(table: Table, limit: int, position: dict[str, Any]) -> tuple[list[Item], dict[str, Any] | None]:
    month, after = position["month"], position["after"]
    entries: list[Item] = []
    while month >= FIRST_MONTH and len(entries) < limit:
        pk = keys.audit_partition(month)
        found = table.query(pk, limit=limit - len(entries), after=after, ascending=False)
        entries += found.items
        after = found.last_key
        if after is not None:  # the limit is reached, or DynamoDB has read its 1 MB, which is enough for one answer
            break
        month = _month_before(month)
    return entries, {"month": month, "after": after} if month >= FIRST_MONTH else None


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"
