"""The ages that alarms watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.clock import rfc3339
from coursebridge.integrations.freshness import Freshness, freshness, worst
from coursebridge.integrations.models import ActivitySettings, CredentialNotes, Integration, KeyPairNote, Schedule
from coursebridge.storage.runs import RunStore

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def integration(**settings: Any) -> Integration:
    at = NOW - timedelta(days=90)
    pair = KeyPairNote(client_id="pair", verified_at=NOW - 40 * HOUR)
    base = {
        "id": "acme",
        "name": "Acme",
        "statistics_since": at,
        "created_at": at,
        "updated_at": at,
        "credentials": CredentialNotes(content=pair),
        "activity": ActivitySettings(enabled=False),
    }
    return Integration(**{**base, **settings})


def synced(table: Table, hours: float, kind: str = "catalog", field: str = "watermark") -> None:
    RunStore(table, "acme", kind).remember(**{field: rfc3339(NOW - hours * HOUR)})  # type: ignore[arg-type]


def catalog_age(table: Table, of: Integration) -> timedelta | None:
    return freshness(table, of, None, NOW).catalog


def test_the_age_of_a_catalogue_counts_from_its_last_clean_sync(table: Table) -> None:
    synced(table, 30)

    assert catalog_age(table, integration()) == 30 * HOUR


def test_before_the_first_sync_it_counts_from_when_there_was_a_key_pair(table: Table) -> None:
    assert catalog_age(table, integration()) == 40 * HOUR


def test_nothing_is_expected_of_an_integration_without_keys(table: Table) -> None:
    assert catalog_age(table, integration(credentials=CredentialNotes())) is None


def test_nothing_is_expected_of_an_inactive_integration(table: Table) -> None:
    synced(table, 30)

    assert freshness(table, integration(status="inactive"), NOW, NOW) == Freshness(None, None, None)


def test_nothing_is_expected_of_a_schedule_that_is_off(table: Table) -> None:
    assert catalog_age(table, integration(catalog_schedule=Schedule(enabled=False))) is None


@pytest.mark.parametrize(
    ("expression", "synced_hours_ago", "age"),
    [
        ("cron(0 8 * * ? *)", 28, 28),
        ("cron(0 8 ? * MON *)", 7 * 24 + 4, 28),  # was due four hours ago
        ("cron(0 13 ? * MON *)", 7 * 24 - 1, 23),  # is due in an hour
        ("cron(0 13 ? * MON-FRI *)", 3 * 24 - 1, 23),  # none is due on a Sunday
        ("rate(6 hours)", 10, 10),
        ("rate(3 days)", 3 * 24 + 4, 28),
        ("cron(0 8 1 1 ? 2020)", 40, 40),
    ],
)
def test_what_a_schedule_lets_pass_beyond_a_day_does_not_count(
    table: Table, expression: str, synced_hours_ago: int, age: int
) -> None:
    synced(table, synced_hours_ago)
    schedule = Schedule(expression=expression, timezone="UTC")

    assert catalog_age(table, integration(catalog_schedule=schedule)) == age * HOUR


def test_activity_has_an_age_of_its_own(table: Table) -> None:
    synced(table, 5, "activity", "last_success_at")

    assert freshness(table, integration(activity=ActivitySettings()), None, NOW).activity == 5 * HOUR


def test_a_statement_has_an_age_from_the_first_one_on(table: Table) -> None:
    assert freshness(table, integration(), None, NOW).statement is None
    assert freshness(table, integration(), NOW - 3 * HOUR, NOW).statement == 3 * HOUR


def test_the_worst_of_all_integrations_is_told_by_the_names_of_the_metrics() -> None:
    found = [Freshness(2 * HOUR, None, None), Freshness(40 * HOUR, None, 5 * HOUR), Freshness(None, None, HOUR)]

    assert worst(found) == {"CatalogSyncAgeHours": 40.0, "HoursSinceStatement": 5.0}
