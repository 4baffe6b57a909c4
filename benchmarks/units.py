"""What DynamoDB bills: sizes of items, and the read and write units that follow from them.

Sources: "DynamoDB item sizes and formats" and "On-demand capacity" in the DynamoDB developer guide.
"""

from __future__ import annotations

import math
from typing import Any

Wire = dict[str, Any]
READ_BYTES, WRITE_BYTES = 4096, 1024
INDEXES = {"GSI1": None, "GSI2": ("statement_id",), "GSI3": ("statement_id", "awaited")}
"""The indexes of the table, and the attributes they project besides keys; ``None`` stands for all."""


def size(item: Wire) -> int:
    """Return the size of an item in DynamoDB's typed form, in bytes."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(typed: Any) -> int:
    [(kind, value)] = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return math.ceil(len(value.strip("-").replace(".", "")) / 2) + 1
        case "B":
            # Base64 on the wire, but stored decoded.
            return len(value) * 3 // 4
        case "M":
            return 3 + size(value) + len(value)
        case "L":
            return 3 + sum(_value(each) + 1 for each in value)
        case _:
            return 1


def read_units(item: Wire | None, *, consistent: bool) -> float:
    """Return the read units for getting an item, or for finding that there is none."""
    units = max(1, math.ceil(size(item or {}) / READ_BYTES))
    return units if consistent else units / 2


def write_units(before: Wire | None, after: Wire | None, *, transactional: bool) -> int:
    """Return the units of a write: for the table by the larger image, for each index by what changes in it."""
    table = max(1, _kilobytes(before), _kilobytes(after)) * (2 if transactional else 1)
    return table + sum(_index_units(index, before, after) for index in INDEXES)


def _kilobytes(item: Wire | None) -> int:
    return math.ceil(size(item) / WRITE_BYTES) if item else 0


def _index_units(index: str, before: Wire | None, after: Wire | None) -> int:
    was, now = _projected(index, before), _projected(index, after)
    if was == now:
        return 0
    moved = was is not None and now is not None and _key(index, was) != _key(index, now)
    if moved:
        return _kilobytes(was) + _kilobytes(now)
    return max(_kilobytes(was), _kilobytes(now))


def _key(index: str, item: Wire) -> tuple[Any, ...]:
    return tuple(item[f"{index}{part}"]["S"] for part in ("PK", "SK"))


def _projected(index: str, item: Wire | None) -> Wire | None:
    """Return what an index holds of an item, or ``None`` if the item is not in the index."""
    if item is None or f"{index}PK" not in item:
        return None
    names = INDEXES[index]
    if names is None:
        return item
    wanted = {"PK", "SK", f"{index}PK", f"{index}SK", *names}
    return {name: value for name, value in item.items() if name in wanted}
