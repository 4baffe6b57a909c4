"""Schedule expressions of EventBridge Scheduler: validation, next times, and a weekly one derived from a daily one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aws_croniter import AwsCroniter

CRON = re.compile(r"cron\(\s*(.+?)\s*\)")
RATE = re.compile(r"rate\((1 (minute|hour|day)|(?!0|1 )\d{1,5} (minutes|hours|days))\)")
WEEKLY_IF_NOT_DERIVED = "cron(30 2 ? * SUN *)"
HALF_A_DAY = 12
FIELDS, DAY_OF_WEEK = 6, 4


def checked(expression: str) -> str:
    """Check an expression and return it with single spaces.

    Raises:
        ValueError: the expression is not valid; the message says why.
    """
    text = " ".join(expression.split())
    if RATE.fullmatch(text):
        return text
    match = CRON.fullmatch(text)
    if match is None:
        message = "is neither cron(minutes hours day-of-month month day-of-week year) nor rate(number unit)"
        raise ValueError(message)
    fields = match[1].split(" ")
    if len(fields) == FIELDS and fields[DAY_OF_WEEK].upper() == "L":
        # The last day of the week, by EventBridge's rules, which the library does not know.
        fields[DAY_OF_WEEK] = "SAT"
    text = " ".join(fields)
    AwsCroniter(text)
    return f"cron({text})"


def next_time(expression: str, timezone: str, now: datetime) -> datetime | None:
    """Return when a cron expression next matches.

    ``None`` if it never does, or if the expression is a rate, whose starting point only EventBridge knows.
    """
    match = CRON.fullmatch(expression)
    if match is None:
        return None
    zone = ZoneInfo(timezone)
    # The library supports only UTC, so it is given local time as if it were UTC.
    local = now.astimezone(zone).replace(tzinfo=UTC)
    found: datetime | None = AwsCroniter(match[1]).occurrence(local).next()
    return found.replace(tzinfo=zone).astimezone(UTC) if found else None


def due_after(expression: str, timezone: str, since: datetime) -> datetime | None:
    """Return when an expression is next due after a moment; ``None`` if it never is."""
    rate = RATE.fullmatch(expression)
    if rate is None:
        return next_time(expression, timezone, since)
    number, unit = rate[1].split(" ")
    return since + timedelta(**{f"{unit.removesuffix('s')}s": int(number)})


def weekly(expression: str) -> str:
    """Return the expression of the weekly full sync: on Sundays, half a day from a daily one at a fixed time.

    Only one run of a kind can be active, so a full sync at the time of the daily one would not start.
    """
    match = CRON.fullmatch(expression)
    minute, hour, *_ = match[1].split(" ") if match else ("", "")
    if not (minute.isdecimal() and hour.isdecimal()):
        return WEEKLY_IF_NOT_DERIVED
    return f"cron({minute} {(int(hour) + HALF_A_DAY) % 24} ? * SUN *)"
