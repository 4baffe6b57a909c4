"""The one place that reads the clock, and the one spelling of a time.

Every time in the table, in an answer and in an event is RFC 3339 in UTC with milliseconds and a ``Z``, so
that times sort as strings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def time_is_up(invocation: LambdaContext, reserve_millis: float) -> Callable[[], bool]:
    """Return what tells whether an invocation of a function has no more time left than this reserve."""
    return lambda: invocation.get_remaining_time_in_millis() < reserve_millis


def rfc3339(moment: datetime) -> str:
    """Spell a moment as ``2026-01-31T08:10:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 or ISO 8601 time; one without a zone is taken as UTC.

    Raises:
        ValueError: the text is no time.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_millis(millis: int) -> datetime:
    """Return the moment LinkedIn gives in epoch milliseconds."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)


def to_millis(moment: datetime) -> int:
    """Return epoch milliseconds, as LinkedIn's parameters want them."""
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
