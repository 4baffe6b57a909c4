"""Schedule expressions of EventBridge Scheduler: are they valid, when is the next time, when is the weekly one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aws_croniter import AwsCroniter

CRON = re.compile(r"cron\(\s*(.+?)\s*\)")
RATE = re.compile(r"rate\((1 (minute|hour|day)|(?!0|1 )\d{1,5} (minutes|hours|days))\)")
WEEKLY_IF_NOT_DERIVED = "cron(30 2 ? * SUN *)"
HALF_A_DAY = 12


def checked(expression: str) -> str:
    """Return a valid expression with single spaces.

    Raises:
        ValueError: it is none; the text says why.
    """
    text = " ".join(expression.split())
    if RATE.fullmatch(text):
        return text
    match = CRON.fullmatch(text)
    if match is None:
        message = "is neither cron(minutes hours day-of-month month day-of-week year) nor rate(number unit)"
        raise ValueError(message)
    AwsCroniter(match[1])
    return f"cron({match[1]})"


def next_time(expression: str, timezone: str, now: datetime) -> datetime | None:
    """Return when a cron expression comes next.

    ``None`` if it never does, or if it is a rate, which counts from a moment that only EventBridge knows.
    """
    match = CRON.fullmatch(expression)
    if match is None:
        return None
    zone = ZoneInfo(timezone)
    # The library counts in UTC alone, so it is given local time as if it were UTC.
    local = now.astimezone(zone).replace(tzinfo=UTC)
    found: datetime | None = AwsCroniter(match[1]).occurrence(local).next()
    return found.replace(tzinfo=zone).astimezone(UTC) if found else None


def due_after(expression: str, timezone: str, since: datetime) -> datetime | None:
    """Return by when the expression has come once more since a moment; ``None`` if it never does."""
    rate = RATE.fullmatch(expression)
    if rate is None:
        return next_time(expression, timezone, since)
    number, unit = rate[1].split(" ")
    return since + timedelta(**{f"{unit.removesuffix('s')}s": int(number)})


def weekly(expression: str) -> str:
    """Return when the weekly full sync runs: on Sundays, half a day away from a daily one at a fixed time.

    Only one run of a kind goes at a time, so a full sync at the time of the daily one would not come about.
    """
    match = CRON.fullmatch(expression)
    minute, hour, *_ = match[1].split(" ") if match else ("", "")
    if not (minute.isdecimal() and hour.isdecimal()):
        return WEEKLY_IF_NOT_DERIVED
    return f"cron({minute} {(int(hour) + HALF_A_DAY) % 24} ? * SUN *)"
