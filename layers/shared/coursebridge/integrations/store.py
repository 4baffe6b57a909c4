"""Integrations in the table."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339
from coursebridge.errors import NotFound, PreconditionFailed, Unavailable
from coursebridge.integrations.models import Integration
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, TransactionRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coursebridge.storage.table import Item, Table


class IntegrationStore:
    """Reads and writes integrations, with optimistic locking."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, integration_id: str) -> Integration:
        """Return an integration.

        Raises:
            NotFound: there is no integration with this id.
        """
        item = self._table.get(keys.integration(integration_id))
        if item is None:
            raise NotFound("there is no such integration")
        return from_item(item)

    def list(self, limit: int, after: Item | None = None) -> tuple[list[Integration], Item | None]:
        """Return a page of integrations, oldest first, and where the next page starts."""
        page = self._table.query(keys.INTEGRATIONS_PARTITION, index=keys.GSI1, limit=limit, after=after)
        return [from_item(item) for item in page.items], page.last_key

    def add(self, integration: Integration, *others: Mapping[str, Any]) -> None:
        """Write a new integration together with other actions, in one transaction.

        Raises:
            TooLarge: the settings are too large for an integration.
            Unavailable: the table is busy.
        """
        try:
            new = self._table.put_action(to_item(integration), condition="attribute_not_exists(PK)")
            self._table.transact([new, *others])
        except TransactionRefused as refused:
            raise Unavailable("the table is busy, try again") from refused

    def replace(self, before: Integration, after: Integration) -> Integration:
        """Write a changed integration and return it with its new version.

        Raises:
            PreconditionFailed: somebody else changed or deleted it since ``before`` was read.
        """
        after = after.model_copy(update={"version": before.version + 1})
        try:
            self._table.put(to_item(after), condition="version = :version", values={":version": before.version})
        except ConditionFailed as refused:
            raise PreconditionFailed("the integration was changed meanwhile; read it again") from refused
        return after

    def remove(self, integration_id: str) -> None:
        """Delete an integration's item, but not its data."""
        self._table.delete(keys.integration(integration_id))


def to_item(integration: Integration) -> Item:
    """Return the table item: every field flat under its own name, times as RFC 3339 text."""
    created_at = rfc3339(integration.created_at)
    return {
        **keys.integration(integration.id).item(),
        **keys.integrations(f"{created_at}#{integration.id}").item(keys.GSI1),
        "entity": "integration",
        **plain(integration.model_dump()),
    }


def from_item(item: Item) -> Integration:
    """Read the table item."""
    return Integration.model_validate({name: item[name] for name in Integration.model_fields if name in item})


def plain(value: Any) -> Any:  # noqa: ANN401  (whatever a model holds)
    """Return a dumped model with its times as RFC 3339 text."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
