"""Reads LinkedIn's JSON without trusting it: a value that is absent or of another type reads as ``None`` or empty."""

from __future__ import annotations

import re
from typing import Any

from coursebridge.clock import from_millis, rfc3339

SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600}
LONGEST_SECONDS = 10 * 366 * 86_400
"""Ten years; nothing takes longer to learn."""
_NUMERAL = re.compile(r"\s*[+-]?[0-9]{1,32}(\.[0-9]{1,32})?([eE][+-]?[0-9]{1,3})?\s*")


def object_in(value: Any, member: str) -> dict[str, Any]:  # noqa: ANN401  (any JSON)
    """Return a member that should be an object, or an empty one."""
    inner = value.get(member) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def items(value: Any, member: str) -> list[dict[str, Any]]:  # noqa: ANN401  (any JSON)
    """Return the objects in a member that should be a list of them."""
    inner = value.get(member) if isinstance(value, dict) else None
    return [item for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []


def string(value: Any) -> str | None:  # noqa: ANN401  (any JSON)
    """Return a value if it is a string and not empty."""
    return value if isinstance(value, str) and value else None


def name(value: Any) -> str:  # noqa: ANN401  (any JSON)
    """Return the text of ``{"value", "locale"}``, or of a plain string."""
    return string(value.get("value") if isinstance(value, dict) else value) or ""


def number(value: Any) -> int | float | None:  # noqa: ANN401  (any JSON)
    """Return a number, also if it is sent as text; the caller has to limit its size."""
    if isinstance(value, str) and _NUMERAL.fullmatch(value):
        return int(value) if value.strip().lstrip("+-").isdecimal() else float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole_number(value: Any, most: int) -> int | None:  # noqa: ANN401  (any JSON)
    """Return an integer from 0 to ``most``."""
    found = number(value)
    return found if isinstance(found, int) and 0 <= found <= most else None


def moment(value: Any) -> str | None:  # noqa: ANN401  (any JSON)
    """Return epoch milliseconds as RFC 3339; ``None`` if they are out of the calendar's range."""
    millis = number(value)
    if millis is None:
        return None
    try:
        return rfc3339(from_millis(int(millis)))
    except (OverflowError, ValueError):
        return None


def duration(value: Any) -> int | None:  # noqa: ANN401  (any JSON)
    """Return ``{"duration", "unit"}`` in seconds; ``None`` if it is longer than :data:`LONGEST_SECONDS`."""
    if not isinstance(value, dict):
        return None
    amount, factor = number(value.get("duration")), SECONDS.get(str(value.get("unit", "SECOND")))
    if factor is None or amount is None or amount < 0:
        return None
    # NaN fails this comparison, so it reads as None, too.
    return round(amount * factor) if amount * factor <= LONGEST_SECONDS else None
