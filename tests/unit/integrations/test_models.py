"""Time zones of schedules, checked against the time zone database."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from pydantic import ValidationError

from coursebridge.integrations.models import NO_TIMEZONES, Schedule


def test_every_time_zone_of_the_database_can_be_a_schedules() -> None:
    names = {name for name in available_timezones() if not name.startswith(NO_TIMEZONES)}

    assert {"UTC", "Europe/Paris", "America/Argentina/Ushuaia"} <= names
    assert {Schedule(timezone=name).timezone for name in names} == names


@pytest.mark.parametrize(
    "name",
    [
        "", "Europe", "Europe/", "Europe/Atlantis", "Europe/Paris/x", "/etc/passwd", "../../etc/passwd", "tzdata.zi",
        "posix/Europe/Paris", "right/UTC", "localtime", "posixrules", "UTC\n", "a\0b", "\ud800", "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_time_zone_is_refused_whatever_lies_on_the_disk(name: str) -> None:
    with pytest.raises(ValidationError, match=r"time zone|unicode"):
        Schedule(timezone=name)
