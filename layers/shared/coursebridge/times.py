"""Types for times and durations in requests, within the limits of the table, SQLite and ``datetime``."""

# No postponed annotations: pydantic reads the types at run time.

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from coursebridge.errors import NO_TIME

DATE = re.compile(r"\d{4}-\d\d-\d\d")
MOST_SECONDS = 2**31 - 1
"""About 68 years: far more than any course takes, far less than SQLite (64 bits) and DynamoDB (38 digits) can hold."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        message = "is before the year 1 or after the year 9999 in UTC"
        raise ValueError(message) from error


def _as_text(value: object) -> object:
    """Refuse numbers, and texts that are one: pydantic would take ``2024`` for seconds since 1970."""
    if not isinstance(value, datetime) and not (isinstance(value, str) and DATE.match(value)):
        raise ValueError(NO_TIME)
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_as_text), AfterValidator(_in_utc)]
Seconds = Annotated[int, Field(ge=0, le=MOST_SECONDS)]
