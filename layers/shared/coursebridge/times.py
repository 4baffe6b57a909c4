"""Types for times and durations that callers give, within what the table, SQLite and a date can hold."""

# No postponed annotations: pydantic reads the types at run time.

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

MOST_SECONDS = 2**31 - 1
"""Some 68 years: SQLite takes 64 bits, DynamoDB 38 digits, and no course is as long as either."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        message = "is before the year 1 or after the year 9999 in UTC"
        raise ValueError(message) from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Seconds = Annotated[int, Field(ge=0, le=MOST_SECONDS)]
