"""The only place that reads the clock, and the only format of a time.

Every time in the table, in a response or in an event is RFC 3339 in UTC with milliseconds and a ``Z``, so that times
sort as strings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext


def utc_now() -> datetime:
    """Return the current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def time_is_up(invocation: LambdaContext, reserve_millis: float) -> Callable[[], bool]:
    """Return a function that says whether an invocation has less time left than ``reserve_millis``."""
    return lambda: invocation.get_remaining_time_in_millis() < reserve_millis


def rfc3339(moment: datetime) -> str:
    """Format a time as ``2026-01-31T08:10:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Parse an RFC 3339 or ISO 8601 time; one without a time zone is taken as UTC.

    Raises:
        ValueError: the text is not a time.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_millis(millis: int) -> datetime:
    """Convert epoch milliseconds, as LinkedIn sends them, to a time."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)


def to_millis(moment: datetime) -> int:
    """Convert a time to epoch milliseconds, as LinkedIn's parameters expect them."""
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
