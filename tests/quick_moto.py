"""Speed up moto's serialization of DynamoDB items, on which it spends most of its time in these tests.

An attribute value has one member, but moto looks up each of the ten possible members under every name it could have on
a moto object. Here attribute values are plain dictionaries, so it is enough to serialize the members present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.serialize import BaseJSONSerializer

if TYPE_CHECKING:
    from moto.core.model import StructureShape

_serialize_structure = BaseJSONSerializer._serialize_type_structure


def quicken() -> None:
    """Patch moto to serialize only the members that an attribute value has."""
    BaseJSONSerializer._serialize_type_structure = _serialize_present  # type: ignore[method-assign]


def _serialize_present(self: BaseJSONSerializer, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
    if shape.name != "AttributeValue" or type(value) is not dict:
        _serialize_structure(self, serialized, value, shape, key)
        return
    present: dict[str, Any] = {}
    for name, inner in value.items():
        self._serialize(present, inner, shape.members[name], name)
    self._default_serialize(serialized, present, shape, key)
