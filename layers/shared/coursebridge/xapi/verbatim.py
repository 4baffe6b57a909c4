"""Splits JSON text into the texts of its values, so that what was sent can be stored and returned verbatim.

Decoding and encoding again could change numbers, the order of members and escapes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fragment(NamedTuple):
    """A JSON value and the text it was decoded from."""

    raw: str
    value: Any


def _refuse(constant: str) -> NoReturn:
    message = f"{constant} is no JSON"
    raise ValueError(message)


class _Number(str):
    """A number with a fraction or an exponent, as it was sent: no ``float`` is 1.10 or 1e400."""

    __slots__ = ()


_decode = json.JSONDecoder(parse_constant=_refuse).raw_decode
_space = re.compile(r"[ \t\n\r]*").match


def fragments(text: str) -> list[Fragment] | Fragment:
    """Return the elements of a JSON array, or the one value if it is not an array.

    Raises:
        ValueError: the text is not JSON.
        RecursionError: it is nested deeper than the interpreter can follow.
    """
    start = _skip(text, 0)
    found: list[Fragment] | Fragment
    found, end = _elements(text, start) if text[start : start + 1] == "[" else _fragment(text, start)
    if _skip(text, end) != len(text):
        message = "something follows the JSON value"
        raise ValueError(message)
    return found


def members(raw: str) -> dict[str, str]:
    """Return the text of each member's value in a JSON object; the last of a repeated name wins, as in decoding.

    Args:
        raw: the text of an object that is known to be valid JSON.
    """
    found: dict[str, str] = {}
    position = _skip(raw, _skip(raw, 0) + 1)
    while raw[position] != "}":
        name, end = _decode(raw, position)
        value, end = _fragment(raw, _skip(raw, _skip(raw, end) + 1))
        found[name] = value.raw
        position = _skip(raw, end)
        if raw[position] == ",":
            position = _skip(raw, position + 1)
    return found


def object_text(texts: Mapping[str, str]) -> str:
    """Return a JSON object from the texts of its members' values."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in texts.items()) + "}"


def decoded(text: str) -> Any:  # noqa: ANN401  (any JSON)
    """Return the value of a JSON text for :func:`encoded`, which writes its numbers as they are in the text."""
    return json.loads(text, parse_float=_Number)


def encoded(value: Any) -> str:  # noqa: ANN401
    """Return the JSON text of a value from :func:`decoded`, whole or in part."""
    if isinstance(value, dict):
        return object_text({name: encoded(inner) for name, inner in value.items()})
    if isinstance(value, list):
        return "[" + ",".join(map(encoded, value)) + "]"
    return str(value) if isinstance(value, _Number) else json.dumps(value)


def _elements(text: str, start: int) -> tuple[list[Fragment], int]:
    found: list[Fragment] = []
    position = _skip(text, start + 1)
    if text[position : position + 1] == "]":
        return found, position + 1
    while True:
        element, end = _fragment(text, position)
        found.append(element)
        position = _skip(text, end)
        if text[position : position + 1] == "]":
            return found, position + 1
        if text[position : position + 1] != ",":
            message = "an array lacks its comma or its end"
            raise ValueError(message)
        position = _skip(text, position + 1)


def _fragment(text: str, position: int) -> tuple[Fragment, int]:
    value, end = _decode(text, position)
    return Fragment(text[position:end], value), end


def _skip(text: str, position: int) -> int:
    match = _space(text, position)
    return match.end() if match else position
