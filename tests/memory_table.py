"""A table in plain dictionaries, for tests that run whole syncs many times over.

It takes the place of :class:`coursebridge.storage.table.Table` for the few forms of expressions the catalogue's stores
use; those stores are tested against a real table elsewhere. Writes are counted by the entity they write.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from coursebridge.storage.keys import Key
from coursebridge.storage.table import TRANSACTION, ConditionFailed, Item, Page, TransactionRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ABSENT = "attribute_not_exists(PK)"


class MemoryTable:
    """Items by key."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.writes: Counter[str] = Counter()
        self.fails_after: int | None = None

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return copy.deepcopy(self.items.get(key))

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        return {key: copy.deepcopy(self.items[key]) for key in keys if key in self.items}

    def put(self, item: Mapping[str, Any], *, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        key = Key(item["PK"], item["SK"])
        standing = self.items.get(key)
        if condition and not _holds(condition, standing, values or {}, {}):
            raise ConditionFailed(copy.deepcopy(standing or {}))
        self._write(item)

    def put_many(self, items: Iterable[Mapping[str, Any]]) -> int:
        whole = list(items)
        assert len({(item["PK"], item["SK"]) for item in whole}) == len(whole), (
            "DynamoDB refuses a key twice in a batch"
        )
        for item in whole:
            self._write(item)
        return len(whole)

    def update(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
    ) -> Item:
        standing = self.items.get(key)
        if condition and not _holds(condition, standing, values or {}, names or {}):
            raise ConditionFailed(copy.deepcopy(standing or {}))
        item = self._updated(key, expression, values or {}, names or {})
        self._write(item)
        return copy.deepcopy(item)

    def _updated(self, key: Key, expression: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Item:
        item = copy.deepcopy(self.items.get(key, dict(key.item())))
        expression, _, added = expression.partition(" ADD ")
        if added:
            name, value = added.split()
            item[name] = item.get(name, 0) + values[value]
        for assignment in expression.removeprefix("SET ").split(", "):
            target, _, source = assignment.partition(" = ")
            path = [names.get(part, part) for part in target.split(".")]
            inner = item
            for part in path[:-1]:
                inner = inner[part]
            added, plus, value = source.partition(" + ")
            number = values[value] if plus else values[added]
            inner[path[-1]] = inner[path[-1]] + number if plus else number
        return item

    def delete(self, key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        if condition and not _holds(condition, self.items.get(key), values or {}, {}):
            raise ConditionFailed(self.items.get(key, {}))
        self.items.pop(key, None)

    def delete_many(self, keys: Iterable[Key]) -> int:
        return sum(self.items.pop(key, None) is not None for key in list(keys))

    def put_action(
        self,
        item: Mapping[str, Any],
        *,
        condition: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return {"item": item, "condition": condition, "values": values or {}, "names": names or {}}

    def update_action(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        item = self._updated(key, expression, values or {}, names or {})
        return {"item": item, "condition": "", "values": {}}

    def delete_action(
        self, key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return {"item": key.item(), "condition": condition, "values": values or {}, "deletes": True}

    def check_action(self, key: Key, condition: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"item": key.item(), "condition": condition, "values": values or {}, "only_checks": True}

    def transact(self, actions: Sequence[Mapping[str, Any]]) -> None:
        places = [Key(action["item"]["PK"], action["item"]["SK"]) for action in actions]
        assert len(set(places)) == len(places) <= TRANSACTION, "DynamoDB refuses that"
        standing = [self.items.get(place) for place in places]
        refused = [
            bool(action["condition"])
            and not _holds(action["condition"], item, action["values"], action.get("names", {}))
            for action, item in zip(actions, standing, strict=True)
        ]
        if any(refused):
            raise TransactionRefused(["ConditionalCheckFailed" if one else None for one in refused], [])
        if self.fails_after is not None and self.fails_after < len(actions):
            raise Killed
        for place, action in zip(places, actions, strict=True):
            if "deletes" in action:
                self.items.pop(place, None)
            elif "only_checks" not in action:
                self._write(action["item"])

    def query_all(self, pk: str, **options: Any) -> Iterator[Item]:
        yield from self.query(pk, **options).items

    def pages(self, pk: str, **options: Any) -> Iterator[Page]:
        yield self.query(pk, **options)

    def query(
        self,
        pk: str,
        *,
        index: str = "",
        prefix: str = "",
        condition: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        ascending: bool = True,
        attributes: Sequence[str] = (),
        **_options: Any,
    ) -> Page:
        of_index = ((item.get(f"{index}PK"), item.get(f"{index}SK", ""), item) for item in self.items.values())
        found = [(sk, item) for key, sk, item in of_index if key == pk and sk.startswith(prefix)]
        items = [item for _, item in sorted(found, key=lambda entry: entry[0], reverse=not ascending)]
        if condition:
            items = [item for item in items if _holds(condition, item, values or {}, names or {})]
        return Page(
            [{name: copy.deepcopy(item[name]) for name in attributes or item if name in item} for item in items], None
        )

    def _write(self, item: Mapping[str, Any]) -> None:
        if self.fails_after is not None:
            if self.fails_after == 0:
                raise Killed
            self.fails_after -= 1
        self.writes[item.get("entity", "sync_state")] += 1
        self.items[Key(item["PK"], item["SK"])] = copy.deepcopy(dict(item))


class Killed(Exception):
    """The task was killed between two writes."""


def _holds(condition: str, item: Item | None, values: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    return any(
        all(_holds_one(part, item, values, names) for part in either.split(" AND "))
        for either in condition.split(" OR ")
    )


def _holds_one(part: str, item: Item | None, values: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    if part == ABSENT:
        return item is None
    match = re.fullmatch(r"(\S+) = (:\w+)", part)
    assert match, f"an expression this table does not know: {part}"
    name = names.get(match[1], match[1])
    return item is not None and item.get(name) == values[match[2]]
