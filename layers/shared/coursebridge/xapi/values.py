"""Tolerant readers of values that LinkedIn writes in more than one way: times, durations, progress, booleans.

Each reader returns ``None`` for a value that makes no sense, and never guesses.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any

from coursebridge.clock import from_millis, parse_rfc3339

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
MOST_DURATION = timedelta(days=3660)
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,40})?")
_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+(?:[.,]\d+)?)W)?(?:(?P<days>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?",
    re.ASCII,
)


def is_text(value: object) -> bool:
    """Whether the value is a string that can be encoded as UTF-8, which half a surrogate pair cannot."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def uuid_or_same(text: str) -> str:
    """Return a UUID in lower case, and any other text unchanged (RFC 4122, section 3)."""
    return text.lower() if UUID.fullmatch(text) else text


def instant(value: Any) -> datetime | None:  # noqa: ANN401  (whatever the statement contains)
    """Read an ISO 8601 time or epoch milliseconds; a time without a zone is taken as UTC."""
    try:
        if isinstance(value, str):
            return parse_rfc3339(value.upper())
        if isinstance(value, int) and not isinstance(value, bool):
            return from_millis(value)
    except (ValueError, OverflowError):
        return None
    return None


def progress(value: Any) -> int | None:  # noqa: ANN401
    """Read a percentage, rounded down: ``39``, ``39.0``, ``"39"`` and ``"39.0"`` are 39."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return math.floor(value) if 0 <= value <= 100 else None  # noqa: PLR2004  (per cent)


def duration_seconds(value: Any) -> int | None:  # noqa: ANN401
    """Read an ISO 8601 duration in whole seconds, rounded down.

    Years and months, which have no fixed length, and durations of more than ten years make no sense here.
    """
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not any(match.groupdict().values()):
        return None
    parts = {unit: float(text.replace(",", ".")) for unit, text in match.groupdict("0").items()}
    if parts.pop("years") or parts.pop("months") or max(parts.values()) > MOST_DURATION.total_seconds():
        return None
    length = timedelta(**parts)
    return int(length.total_seconds()) if length <= MOST_DURATION else None


def truth(value: Any) -> bool | None:  # noqa: ANN401
    """Read a boolean, which may be written as a string."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False}
    return words.get(value.strip().lower()) if isinstance(value, str) else None
