"""Lenient validation: the least a statement needs to be stored, found again and dated.

LinkedIn sends a completion only once, so everything else passes: actors without an identifier, unknown
verbs and objects, odd results. A time that cannot be read is refused, because a guessed date would make a
wrong record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.errors import FieldError
from coursebridge.xapi.values import instant, is_text

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ID, MOST_IRI = 200, 2048
# Far more than any real statement has, and far fewer than the recursive readers of a statement can follow.
MOST_LEVELS = 100
WITHOUT_ID = ("Agent", "Group", "SubStatement")


def errors(statement: Any) -> list[FieldError]:  # noqa: ANN401  (any JSON)
    """Return what makes a statement unusable, by field; empty if it can be stored."""
    if not isinstance(statement, dict):
        return [FieldError("", "a statement is a JSON object")]
    if _is_deep(statement):
        return [FieldError("", f"a statement has at most {MOST_LEVELS} levels")]
    return [*_id_errors(statement), *_part_errors(statement), *_timestamp_errors(statement)]


def _id_errors(statement: dict[str, Any]) -> list[FieldError]:
    if statement.get("id") is None:
        return []
    return _text_errors("id", statement["id"], MOST_ID)


def _part_errors(statement: dict[str, Any]) -> list[FieldError]:
    found = [
        FieldError(name, "is required and is a JSON object")
        for name in ("actor", "verb", "object")
        if not isinstance(statement.get(name), dict)
    ]
    if isinstance(statement.get("verb"), dict):
        found += _text_errors("verb.id", statement["verb"].get("id"), MOST_IRI)
    target = statement.get("object")
    if isinstance(target, dict) and ("id" in target or target.get("objectType") not in WITHOUT_ID):
        found += _text_errors("object.id", target.get("id"), MOST_IRI)
    return found


def _timestamp_errors(statement: dict[str, Any]) -> list[FieldError]:
    timestamp = statement.get("timestamp")
    if timestamp is None or instant(timestamp):
        return []
    return [FieldError("timestamp", "is not an ISO 8601 time such as 2021-08-18T04:44:23.764Z")]


def _text_errors(field: str, value: Any, most: int) -> list[FieldError]:  # noqa: ANN401
    if not isinstance(value, str) or not value.strip() or not is_text(value):
        return [FieldError(field, "is required and is a string that is not empty")]
    return [FieldError(field, f"is longer than {most} bytes")] if len(value.encode()) > most else []


def _is_deep(statement: dict[str, Any]) -> bool:
    level: list[Any] = [statement]
    for _ in range(MOST_LEVELS):
        level = [inner for value in level for inner in _inner(value) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inner(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
