"""Classifications in the table: names by locale and parents, merged by whoever learns more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coursebridge.storage.table import Item, Table

IF_UNTOUCHED = "attribute_not_exists(PK) OR version = :version"


class ClassificationStore:
    """The classification graph of one integration.

    Args:
        table: the table.
        integration_id: the integration.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self.table = table
        self.integration_id = integration_id

    def all(self) -> Iterator[Item]:
        """Yield every classification's item."""
        return self.table.query_all(f"CLASSIFICATION#{self.integration_id}")

    def get_many(self, urns: Iterable[str]) -> dict[str, Item]:
        """Return those of these classifications that exist, a hundred a call."""
        found = self.table.get_many(keys.classification(self.integration_id, urn) for urn in urns)
        return {item["urn"]: item for item in found.values()}

    def put(self, item: Item, version: int) -> Item | None:
        """Write a classification unless somebody else has since this version; then return what stands there."""
        key = keys.classification(self.integration_id, item["urn"])
        whole = {**item, **key.item(), "entity": "classification", "version": version + 1}
        try:
            self.table.put(whole, condition=IF_UNTOUCHED, values={":version": version})
        except ConditionFailed as refusal:
            return refusal.item
        return None
