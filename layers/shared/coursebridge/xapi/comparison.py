"""Compares two statements: xAPI 1.0.3, Data 2.3.1, "Statement Comparison Requirements"."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from coursebridge.xapi.actors import MAILTO
from coursebridge.xapi.values import instant, uuid_or_same

# What a receiver may assign. Timestamps are compared as well, but outside the digest: see ``says_the_same``.
ASSIGNED = frozenset({"id", "authority", "stored", "version", "timestamp"})
ERASED = "erased"
"""The digest of a statement emptied by an erasure: whatever is sent under its id counts as a repeat."""
CONTEXT_ACTIVITIES = frozenset({"parent", "grouping", "category", "other"})


def digest(statement: dict[str, Any]) -> str:
    """Return a digest that two statements share if they say the same, whatever their timestamps.

    The properties a receiver assigns, activity definitions and verb displays are left out. The order of a
    group's members and the letter case of UUIDs and of addresses' domains do not count, and a single context
    activity equals a list of one. Durations are compared as strings: ``PT60S`` is not ``PT1M``.
    """
    said = {name: _normal(value, name) for name, value in statement.items() if name not in ASSIGNED}
    return hashlib.sha256(_canonical(said).encode()).hexdigest()


def says_the_same(kept: dict[str, Any], other_digest: str, other_timestamp: str | None) -> bool:
    """Whether a stored statement and another one match.

    Args:
        kept: ``digest``, ``timestamp`` and ``stored_at`` of the stored statement.
        other_digest: the digest of the other.
        other_timestamp: its timestamp, or ``None`` if it came without one; it then matches only a stored
            statement that came without one, too.
    """
    expected = kept["stored_at"] if other_timestamp is None else other_timestamp
    return kept["digest"] == ERASED or bool(kept["digest"] == other_digest and kept["timestamp"] == expected)


def _normal(value: Any, name: str) -> Any:  # noqa: ANN401  (any JSON)
    if isinstance(value, dict):
        kept = _normal_object(value, name)
        return [kept] if name in CONTEXT_ACTIVITIES else kept
    if isinstance(value, list):
        items = [_normal_object(item, name) if isinstance(item, dict) else _normal(item, name) for item in value]
        return sorted(items, key=_canonical) if name == "member" else items
    return _normal_text(value, name) if isinstance(value, str) else value


def _normal_object(value: dict[str, Any], name: str) -> dict[str, Any]:
    if name == "extensions":
        return value
    dropped = "display" if name == "verb" else "definition"
    return {key: _normal(inner, key) for key, inner in value.items() if key != dropped}


def _normal_text(text: str, name: str) -> str:
    if name == "mbox":
        local, at, domain = text.rpartition("@")
        scheme = local[: len(MAILTO)].lower() if local[: len(MAILTO)].lower() == MAILTO else local[: len(MAILTO)]
        return scheme + local[len(MAILTO) :] + at + domain.lower()
    if name == "timestamp":
        moment = instant(text)
        return moment.isoformat() if moment else text
    return uuid_or_same(text) if name in {"id", "registration"} else text


def _canonical(value: Any) -> str:  # noqa: ANN401
    return json.dumps(_plain_numbers(value), sort_keys=True, separators=(",", ":"))


def _plain_numbers(value: Any) -> Any:  # noqa: ANN401
    """Return a value with equal numbers written alike: ``39.0`` as ``39``."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: _plain_numbers(inner) for name, inner in value.items()}
    return [_plain_numbers(inner) for inner in value] if isinstance(value, list) else value
