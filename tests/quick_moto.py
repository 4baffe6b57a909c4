"""moto, without what it spends most of its time on in tests of this table.

It answers in attribute values of one member each, and looks every one of the ten possible members up under every name
that it could have in an object of moto's own. Here they are plain dictionaries by then: what is there is all there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.serialize import BaseJSONSerializer

if TYPE_CHECKING:
    from moto.core.model import StructureShape

_serialize_structure = BaseJSONSerializer._serialize_type_structure


def quicken() -> None:
    """Let moto write out attribute values without looking for what is not in them."""
    BaseJSONSerializer._serialize_type_structure = _serialize_present  # type: ignore[method-assign]


def _serialize_present(self: BaseJSONSerializer, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
    if shape.name != "AttributeValue" or type(value) is not dict:
        _serialize_structure(self, serialized, value, shape, key)
        return
    present: dict[str, Any] = {}
    for name, inner in value.items():
        self._serialize(present, inner, shape.members[name], name)
    self._default_serialize(serialized, present, shape, key)
