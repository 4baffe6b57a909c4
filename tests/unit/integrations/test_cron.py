"""Schedule expressions as EventBridge Scheduler takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from coursebridge.integrations import cron
from coursebridge.integrations.models import Schedule

if TYPE_CHECKING:
    from typing import Final

NOW: Final = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("cron(10 8 * * ? *)", "cron(10 8 * * ? *)"),
        (" cron( 10  8 * * ? * ) ", "cron(10 8 * * ? *)"),
        ("cron(0/15 8-18 ? * MON-FRI 2026-2030)", "cron(0/15 8-18 ? * MON-FRI 2026-2030)"),
        ("cron(0 8 ? * L *)", "cron(0 8 ? * SAT *)"),
        ("cron(0 8 L * ? *)", "cron(0 8 L * ? *)"),
        ("rate(1 day)", "rate(1 day)"),
        ("rate(12 hours)", "rate(12 hours)"),
    ],
)
def test_a_valid_expression_is_kept(expression: str, kept: str) -> None:
    assert cron.checked(expression) == kept


@pytest.mark.parametrize(
    "expression",
    [
        "", "10 8 * * ? *", "at(2026-01-01T00:00:00)", "cron(10 8 * * *)", "cron(60 8 * * ? *)", "cron(10 8 * * * *)",
        "rate(0 days)", "rate(1 days)", "rate(2 day)", "rate(a day)", "cron()",
    ],
)  # fmt: skip
def test_an_expression_eventbridge_would_not_take_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        cron.checked(expression)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(timezone="UTC"), datetime(2026, 3, 29, 8, 10, tzinfo=UTC)),
        (Schedule(timezone="Asia/Tokyo"), datetime(2026, 3, 29, 23, 10, tzinfo=UTC)),
        # The night in which Paris changes to summer time.
        (Schedule(timezone="Europe/Paris"), datetime(2026, 3, 29, 6, 10, tzinfo=UTC)),
        (Schedule(expression="cron(0 0 29 2 ? *)", timezone="UTC"), datetime(2028, 2, 29, tzinfo=UTC)),
        (Schedule(expression="cron(0 0 1 1 ? 2020)"), None),
        (Schedule(expression="rate(1 day)"), None),
    ],
)
def test_the_next_time_is_told_in_the_schedules_zone(schedule: Schedule, expected: datetime | None) -> None:
    assert schedule.next_time(NOW) == expected


@pytest.mark.parametrize(
    ("daily", "weekly"),
    [
        ("cron(10 8 * * ? *)", "cron(10 20 ? * SUN *)"),
        ("cron(5 13 ? * MON-FRI *)", "cron(5 1 ? * SUN *)"),
        ("cron(0/30 8 * * ? *)", cron.WEEKLY_IF_NOT_DERIVED),
        ("rate(1 day)", cron.WEEKLY_IF_NOT_DERIVED),
    ],
)
def test_the_weekly_sync_is_half_a_day_away_from_the_daily_one(daily: str, weekly: str) -> None:
    assert cron.weekly(daily) == weekly
    assert cron.checked(weekly) == weekly
