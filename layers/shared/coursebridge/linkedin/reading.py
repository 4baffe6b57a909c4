"""Reading LinkedIn's JSON without trusting it: whatever is absent or of another type reads as nothing."""

from __future__ import annotations

from typing import Any

from coursebridge.clock import from_millis, rfc3339

SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600}
LONGEST_SECONDS = 10 * 366 * 86_400
"""Ten years; no learning takes longer."""


def object_in(value: Any, member: str) -> dict[str, Any]:  # noqa: ANN401  (any JSON)
    """Return a member that should be an object."""
    inner = value.get(member) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def items(value: Any, member: str) -> list[dict[str, Any]]:  # noqa: ANN401  (any JSON)
    """Return the objects in a member that should be a list of them."""
    inner = value.get(member) if isinstance(value, dict) else None
    return [item for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []


def string(value: Any) -> str | None:  # noqa: ANN401  (any JSON)
    """Return a text that is one and is not empty."""
    return value if isinstance(value, str) and value else None


def name(value: Any) -> str:  # noqa: ANN401  (any JSON)
    """Return the text of ``{"value", "locale"}``, or of a plain string."""
    return string(value.get("value") if isinstance(value, dict) else value) or ""


def moment(value: Any) -> str | None:  # noqa: ANN401  (any JSON)
    """Return epoch milliseconds as RFC 3339; what no calendar knows reads as nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return rfc3339(from_millis(int(value)))
    except (OverflowError, ValueError):
        return None


def duration(value: Any) -> int | None:  # noqa: ANN401  (any JSON)
    """Return ``{"duration", "unit"}`` in seconds; what takes longer than :data:`LONGEST_SECONDS` reads as nothing."""
    if not isinstance(value, dict):
        return None
    amount, factor = value.get("duration"), SECONDS.get(str(value.get("unit", "SECOND")))
    if factor is None or isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0:
        return None
    # No comparison holds for what is not a number.
    return round(amount * factor) if amount * factor <= LONGEST_SECONDS else None
