"""The values that settings take, and their defaults."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from pydantic import ValidationError

from coursebridge.integrations.merge import patched
from coursebridge.integrations.models import NO_TIMEZONES, ActivitySettings, Filters, IntegrationSettings, Schedule


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


@pytest.mark.parametrize(
    "schedule", [None, {"timezone": "America/New_York"}, {"expression": None}, {"expression": None, "enabled": False}]
)
def test_activity_reports_keep_their_own_default_time(schedule: dict[str, object] | None) -> None:
    after = patched(IntegrationSettings(name="Acme"), {"activity": {"schedule": schedule}})

    assert after.activity.schedule.expression == ActivitySettings().schedule.expression
    assert after.activity.schedule.expression != Schedule().expression


@pytest.mark.parametrize("time", ["2024", "20240101", 2024, 2024.5, True, "now", "2024-01-01"])
def test_what_is_no_time_is_not_taken_for_one(time: object) -> None:
    with pytest.raises(ValidationError):
        Filters.model_validate({"published_after": time})
