"""Strict validation: every MUST of xAPI 1.0.3, part two, for a statement.

Importing this package imports pydantic, so it is imported for strict integrations only.

Where the specification leaves the choice to the receiver, empty objects pass if no property is required, unknown
properties are refused, and all UUID variants pass (the specification's own examples use them).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from coursebridge.errors import FieldError, field_path
from coursebridge.xapi.strict.statements import TAGS, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a property that xAPI 1.0.3 has here",
    "model_type": "is not an object",
    "dict_type": "is not an object",
}
# Parts of pydantic's error locations that are not member names: branches of unions, and the marker of a key.
NO_NAMES = TAGS | {"[key]"}


def errors(raw: str) -> list[FieldError]:
    """Return what is wrong with a statement, by field; empty if it is valid.

    Args:
        raw: the statement's JSON text, which still shows whether a property was given twice.
    """
    repeated: list[str] = []
    value = json.loads(raw, object_pairs_hook=lambda pairs: _object(pairs, repeated))
    found = [FieldError(name, "is given more than once") for name in repeated]
    found += [FieldError(path, "is null, which only extensions may hold") for path in _nulls(value, "")]
    return found or _model_errors(value)


def _model_errors(value: Any) -> list[FieldError]:  # noqa: ANN401  (any JSON)
    try:
        Statement.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        return [FieldError(_path(detail["loc"]), _words(detail)) for detail in details]
    return []


def _object(pairs: list[tuple[str, Any]], repeated: list[str]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        times = Counter(name for name, _ in pairs)
        repeated += [name for name in members if times[name] > 1]
    return members


def _nulls(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "extensions" or inner is None:
                yield from _nulls(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _nulls(inner, f"{path}[{number}]")
    elif value is None:
        yield path


def _path(location: tuple[int | str, ...]) -> str:
    return field_path([part for part in location if part not in NO_NAMES])


def _words(detail: ErrorDetails) -> str:
    return WORDS.get(detail["type"], detail["msg"].removeprefix("Value error, ").removeprefix("Input "))
