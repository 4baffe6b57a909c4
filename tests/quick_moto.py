"""Speed up moto where these tests spend most of their time.

Each shortcut does what moto does, with less work:

- An attribute value has one member, but moto looks up each of the ten possible members under every name it could have
  on a moto object. Here attribute values are plain dictionaries, so it is enough to serialize the members present.
- A transaction copies the table once for each of its actions, to restore it if one fails; one copy is enough. Scalars
  need no copy, because moto replaces them and never changes them.
- At every call, moto looks for the methods of a class that has the same ones each time.
- At every start, moto registers more than a thousand URLs for ``requests``, which nothing here uses.
"""

from __future__ import annotations

import copy
from contextvars import ContextVar
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from moto.core import models as core
from moto.core import responses, utils
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models as dynamodb
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

if TYPE_CHECKING:
    from moto.core.model import StructureShape
    from moto.dynamodb.models import DynamoDBBackend

SCALARS = frozenset({"S", "N", "B", "BOOL", "NULL"})
_serialize_structure = BaseJSONSerializer._serialize_type_structure
_transact = dynamodb.DynamoDBBackend.transact_write_items
_copy_value = DynamoType.__deepcopy__
_copied_tables: ContextVar[dict[int, Any] | None] = ContextVar("tables copied for a transaction", default=None)


def quicken() -> None:
    """Patch moto."""
    BaseJSONSerializer._serialize_type_structure = _serialize_present  # type: ignore[method-assign]
    DynamoType.__deepcopy__ = _copy_composite  # type: ignore[method-assign]
    dynamodb.DynamoDBBackend.transact_write_items = _transact_with_one_copy  # type: ignore[method-assign]
    dynamodb.copy = SimpleNamespace(deepcopy=_copy_tables_once)  # type: ignore[attr-defined, assignment]
    responses.method_names_from_class = cache(utils.method_names_from_class)  # type: ignore[attr-defined]
    core.RESPONSES_METHODS.clear()


def _serialize_present(self: BaseJSONSerializer, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
    if shape.name != "AttributeValue" or type(value) is not dict:
        _serialize_structure(self, serialized, value, shape, key)
        return
    present: dict[str, Any] = {}
    for name, inner in value.items():
        self._serialize(present, inner, shape.members[name], name)
    self._default_serialize(serialized, present, shape, key)


def _copy_composite(self: DynamoType, memo: dict[int, Any]) -> DynamoType:
    return self if self.type in SCALARS else _copy_value(self, memo)


def _transact_with_one_copy(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    token = _copied_tables.set({})
    try:
        _transact(self, transact_items)
    finally:
        _copied_tables.reset(token)


def _copy_tables_once(value: Any) -> Any:
    return copy.deepcopy(value, _copied_tables.get() if isinstance(value, Table) else None)
