"""Classifications in the table: names by locale, and parents. Writers merge what they learn into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.errors import Unavailable
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, TransactionRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

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
        return self.table.query_all(keys.classification_partition(self.integration_id))

    def get_many(self, urns: Iterable[str]) -> dict[str, Item]:
        """Return those of these classifications that exist, a hundred per call."""
        found = self.table.get_many(keys.classification(self.integration_id, urn) for urn in urns)
        return {item["urn"]: item for item in found.values()}

    def parents_of(self, urns: Collection[str]) -> dict[str, list[str]]:
        """Return the parents of those of these classifications that exist."""
        return {urn: item["parents"] for urn, item in self.get_many(urns).items()}

    def put(self, item: Item) -> Item | None:
        """Write a classification, or return the stored item if that has changed since ``item`` was read."""
        try:
            self.table.put(self._next(item), condition=IF_UNTOUCHED, values={":version": item["version"]})
        except ConditionFailed as refusal:
            return refusal.item
        return None

    def put_all(self, items: Sequence[Item]) -> bool:
        """Write up to a hundred classifications, or none and return ``False``, if others write one or all is busy."""
        if len(items) == 1:
            return self.put(items[0]) is None
        try:
            self.table.transact([self._action(item) for item in items])
        except (TransactionRefused, Unavailable):
            return False
        return True

    def _action(self, item: Item) -> dict[str, Any]:
        return self.table.put_action(self._next(item), condition=IF_UNTOUCHED, values={":version": item["version"]})

    def _next(self, item: Item) -> Item:
        key = keys.classification(self.integration_id, item["urn"])
        return {**item, **key.item(), "entity": "classification", "version": item["version"] + 1}
