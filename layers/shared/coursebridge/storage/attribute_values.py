"""DynamoDB's typed attribute values, and the plain values the code works with.

Whole numbers are ``int``; other numbers are written as ``Decimal`` and read as ``float``; binaries are ``bytes``.

A sync writes and reads some half a million attributes. boto3's serializers try each type in turn and take several times
as long, so they are left only what is rare.
"""

from __future__ import annotations

import base64
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LARGE = 10**18
"""Whether DynamoDB can store a number this large, with its 38 digits, is boto3's to judge."""
_serialize: Callable[[Any], Any] = TypeSerializer().serialize
_deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item in DynamoDB's typed form."""
    return {name: _typed(value) for name, value in item.items()}


def from_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item of a response or a stream record in plain values."""
    return {name: _plain(typed) for name, typed in item.items()}


def _typed(value: Any) -> dict[str, Any]:  # noqa: ANN401  (whatever an attribute holds)
    write: Callable[[Any], dict[str, Any]] = _WRITERS.get(type(value), _serialize)
    return write(value)


def _plain(typed: Mapping[str, Any]) -> Any:  # noqa: ANN401  (whatever an attribute holds)
    [(kind, value)] = typed.items()
    read = _READERS.get(kind)
    return read(value) if read else _deserialize(typed)


def _whole(value: int) -> dict[str, Any]:
    return {"N": str(value)} if -_LARGE < value < _LARGE else _serialize(value)


def _number(text: str) -> int | float:
    if text.isdecimal():
        return int(text)
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)


def _binary(value: bytes | str) -> bytes:
    """Decode a binary from base64 in a stream record, which is JSON; boto3 has done so in responses."""
    return base64.b64decode(value) if isinstance(value, str) else value


_WRITERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda value: {"S": value},
    int: _whole,
    bytes: lambda value: {"B": value},
    bool: lambda value: {"BOOL": value},
    NoneType: lambda _: {"NULL": True},
    dict: lambda value: {"M": to_wire(value)},
    list: lambda value: {"L": [_typed(inner) for inner in value]},
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "S": lambda value: value,
    "N": _number,
    "B": _binary,
    "BOOL": lambda value: value,
    "NULL": lambda _: None,
    "M": from_wire,
    "L": lambda value: [_plain(inner) for inner in value],
}
