"""An in-memory table of plain dictionaries, for tests that run whole syncs many times over.

It replaces :class:`coursebridge.storage.table.Table` with the same methods, results and errors, for the few forms of
expressions that the stores of the syncs use; any other form is an error. `tests/unit/storage/test_memory_table.py`
compares it with the real one. Writes are counted by entity.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.storage.keys import Key
from coursebridge.storage.table import (
    CONDITION_FAILED,
    TRANSACTION,
    ConditionFailed,
    Item,
    Page,
    TransactionRefused,
    position,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ABSENT, PRESENT = "attribute_not_exists(PK)", "attribute_exists(PK)"


@dataclass(frozen=True)
class Action:
    """One action of a transaction.

    Attributes:
        does: What to do with the item at the key.
        key: Key of the item.
        expression: Its condition and its update.
        item: The item to put, empty for other actions.
    """

    does: Literal["put", "update", "delete", "check"]
    key: Key
    expression: Expression
    item: Mapping[str, Any] = field(default_factory=dict)


class Killed(Exception):
    """The task was killed between two writes."""


class MemoryTable:
    """A table of items by key.

    Attributes:
        items: The items in the table.
        writes: Number of puts and updates, by entity.
        fails_after: How many more items can be written before the task is killed; ``None`` for no limit.
    """

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.writes: Counter[str] = Counter()
        self.fails_after: int | None = None

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return copy.deepcopy(self.items.get(key))

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        return {key: copy.deepcopy(self.items[key]) for key in keys if key in self.items}

    def put(self, item: Mapping[str, Any], *, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        self._alone(self.put_action(item, condition=condition, values=values))

    def update(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
    ) -> Item:
        self._alone(self.update_action(key, expression, values, condition=condition, names=names))
        return copy.deepcopy(self.items[key])

    def delete(self, key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        self._alone(self.delete_action(key, condition=condition, values=values))

    def put_many(self, items: Iterable[Mapping[str, Any]]) -> int:
        whole = list(items)
        assert len({(item["PK"], item["SK"]) for item in whole}) == len(whole), (
            "DynamoDB refuses a key twice in a batch"
        )
        for item in whole:
            self._write(_key_of(item), item)
        return len(whole)

    def delete_many(self, keys: Iterable[Key]) -> int:
        whole = list(keys)
        assert len(set(whole)) == len(whole), "DynamoDB refuses a key twice in a batch"
        for key in whole:
            self.items.pop(key, None)
        return len(whole)

    def query(  # noqa: PLR0913  (the signature of the real table)
        self,
        pk: str,
        *,
        index: str = "",
        prefix: str = "",
        between: tuple[str, str] | None = None,
        condition: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        limit: int | None = None,
        after: Item | None = None,
        ascending: bool = True,
        consistent: bool = False,
        attributes: Sequence[str] = (),
    ) -> Page:
        assert not (index and consistent), "DynamoDB reads no index consistently"
        filtered = Expression(condition, values or {}, names or {})
        place = _place(index)
        found = sorted(self._partition(pk, index, prefix, between), key=place, reverse=not ascending)
        if after:
            at = place(after)
            found = [item for item in found if (place(item) > at) == ascending and place(item) != at]
        read = found[:limit] if limit else found
        last_key = position(read[-1], index) if limit and len(read) == limit else None
        return Page(
            [
                copy.deepcopy({name: item[name] for name in attributes or item if name in item})
                for item in read
                if filtered.holds(item)
            ],
            last_key,
        )

    def _partition(self, pk: str, index: str, prefix: str, between: tuple[str, str] | None) -> Iterator[Item]:
        low, high = between or ("", "")
        for item in self.items.values():
            sk = item.get(f"{index}SK")
            if item.get(f"{index}PK") != pk or sk is None:
                continue
            if sk.startswith(prefix) if prefix or not between else low <= sk <= high:
                yield item

    def query_all(self, pk: str, **options: Any) -> Iterator[Item]:
        for page in self.pages(pk, **options):
            yield from page.items

    def pages(self, pk: str, *, after: Item | None = None, **options: Any) -> Iterator[Page]:
        while True:
            page = self.query(pk, after=after, **options)
            yield page
            after = page.last_key
            if after is None:
                return

    def count(self, pk: str, *, index: str = "", prefix: str = "", most: int | None = None) -> int:
        total = sum(1 for _ in self._partition(pk, index, prefix, None))
        return min(total, most) if most else total

    def transact(self, actions: Sequence[Action]) -> None:
        places = [action.key for action in actions]
        assert 0 < len(set(places)) == len(places) <= TRANSACTION, "DynamoDB refuses that"
        standing = [self.items.get(place) for place in places]
        passes = [action.expression.holds(item) for action, item in zip(actions, standing, strict=True)]
        if not all(passes):
            raise TransactionRefused(
                [None if one else CONDITION_FAILED for one in passes],
                [{} if one else copy.deepcopy(item or {}) for one, item in zip(passes, standing, strict=True)],
            )
        if self.fails_after is not None and self.fails_after < len(actions):
            raise Killed
        for action in actions:
            self._do(action)

    def put_action(
        self,
        item: Mapping[str, Any],
        *,
        condition: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Action:
        return Action("put", _key_of(item), Expression(condition, values or {}, names or {}), item)

    def update_action(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
    ) -> Action:
        return Action("update", key, Expression(condition, values or {}, names or {}, expression))

    def delete_action(self, key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None) -> Action:
        return Action("delete", key, Expression(condition, values or {}, {}))

    def check_action(self, key: Key, condition: str, values: Mapping[str, Any] | None = None) -> Action:
        return Action("check", key, Expression(condition, values or {}, {}))

    def _alone(self, action: Action) -> None:
        standing = self.items.get(action.key)
        if not action.expression.holds(standing):
            raise ConditionFailed(copy.deepcopy(standing or {}))
        self._do(action)

    def _do(self, action: Action) -> None:
        if action.does == "put":
            self._write(action.key, action.item)
        elif action.does == "update":
            self._write(action.key, action.expression.applied_to(self.items.get(action.key, action.key.item())))
        elif action.does == "delete":
            self.items.pop(action.key, None)

    def _write(self, key: Key, item: Mapping[str, Any]) -> None:
        if self.fails_after is not None:
            if self.fails_after == 0:
                raise Killed
            self.fails_after -= 1
        self.writes[item.get("entity", "sync_state")] += 1
        self.items[key] = {name: _kept(value) for name, value in item.items()}


@dataclass(frozen=True)
class Expression:
    """A condition and an update with their values and names, of which none may be missing or unused."""

    condition: str
    values: Mapping[str, Any]
    names: Mapping[str, str]
    change: str = ""

    def __post_init__(self) -> None:
        text = f"{self.condition} {self.change}"
        assert set(re.findall(r":\w+", text)) == set(self.values), f"DynamoDB refuses these values for: {text}"
        assert set(re.findall(r"#\w+", text)) == set(self.names), f"DynamoDB refuses these names for: {text}"

    def holds(self, item: Mapping[str, Any] | None) -> bool:
        return not self.condition or any(
            all(self._one_holds(part, item or {}) for part in either.split(" AND "))
            for either in self.condition.split(" OR ")
        )

    def _one_holds(self, part: str, item: Mapping[str, Any]) -> bool:
        if part in (ABSENT, PRESENT):
            return bool(item) == (part == PRESENT)
        match = re.fullmatch(r"([\w#]+) (=|<>) (:\w+)", part)
        assert match, f"a condition this table does not know: {part}"
        name, wanted = self.names.get(match[1], match[1]), _kept(self.values[match[3]])
        # A missing attribute equals no value and differs from every value.
        return (name in item and item[name] == wanted) == (match[2] == "=")

    def applied_to(self, item: Mapping[str, Any]) -> Item:
        new = copy.deepcopy(dict(item))
        sections = re.split(r"\b(SET|ADD|REMOVE) ", self.change)
        assert not sections[0], f"a change this table does not know: {self.change}"
        for what, parts in zip(sections[1::2], sections[2::2], strict=True):
            for part in parts.strip().split(", "):
                {"SET": self._set, "ADD": self._add, "REMOVE": self._remove}[what](new, item, part)
        return new

    def _set(self, new: Item, before: Mapping[str, Any], part: str) -> None:
        match = re.fullmatch(r"([\w#.]+) = (?:([\w#.]+) \+ )?(:\w+)", part)
        assert match, f"a change this table does not know: {part}"
        *way, last = self._path(match[1])
        base = _at(before, self._path(match[2])) if match[2] else 0
        value = self.values[match[3]]
        _at(new, way)[last] = base + value if match[2] else value

    def _add(self, new: Item, before: Mapping[str, Any], part: str) -> None:
        name, value = part.split(" ")
        new[self.names.get(name, name)] = before.get(self.names.get(name, name), 0) + self.values[value]

    def _remove(self, new: Item, before: Mapping[str, Any], part: str) -> None:
        new.pop(self.names.get(part, part), None)

    def _path(self, text: str) -> list[str]:
        return [self.names.get(part, part) for part in text.split(".")]


def _at(item: Any, path: Sequence[str]) -> Any:
    for name in path:
        item = item[name]
    return item


def _key_of(item: Mapping[str, Any]) -> Key:
    return Key(item["PK"], item["SK"])


def _place(index: str) -> Any:
    """Return a sort key for items in a partition; items with the same index sort key are ordered by their own keys."""
    return lambda item: (item[f"{index}SK"], item["PK"], item["SK"])


def _kept(value: Any) -> Any:
    """Return a copy of a value as it would be read back; a type that DynamoDB does not support is an error."""
    if value is None or isinstance(value, str | bool | int | bytes):
        return value
    if isinstance(value, dict):
        assert all(isinstance(name, str) for name in value), "DynamoDB knows texts alone as names"
        return {name: _kept(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(inner) for inner in value]
    assert isinstance(value, Decimal), f"the table does not know how to keep this: {value!r}"
    return int(value) if value == value.to_integral_value() else float(value)
