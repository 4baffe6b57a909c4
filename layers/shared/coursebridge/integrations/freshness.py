"""How old the data of integrations is: the figures that alarms watch.

Only active integrations count. Each figure is the worst of all integrations, so that one alarm serves any number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from coursebridge.clock import parse_rfc3339
from coursebridge.storage import keys
from coursebridge.storage.run_shapes import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from coursebridge.integrations.models import Integration, Schedule
    from coursebridge.storage.table import Table

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
METRICS = {"catalog": "CatalogSyncAgeHours", "activity": "ActivitySyncAgeHours", "statement": "HoursSinceStatement"}


@dataclass(frozen=True)
class Freshness:
    """The ages of an integration's data; ``None`` where none is expected.

    Attributes:
        catalog: the time since the start of the last clean catalog sync, minus what its schedule allows beyond a day.
        activity: the time since the end of the last clean activity sync, minus the same allowance.
        statement: the time since a statement was last stored; ``None`` before the first.
    """

    catalog: timedelta | None
    activity: timedelta | None
    statement: timedelta | None


def freshness(table: Table, integration: Integration, newest: datetime | None, now: datetime) -> Freshness:
    """Return how old an integration's data is, with one batch read.

    Args:
        table: the application's table.
        integration: the integration.
        newest: when its newest statement was stored, if there is one.
        now: the time.
    """
    if integration.status != "active":
        return Freshness(None, None, None)
    wanted = {kind: keys.sync_state(integration.id, kind) for kind in KINDS}
    found = table.get_many(wanted.values(), consistent=False)
    activity = integration.activity.schedule if integration.activity.enabled else None
    return Freshness(
        _age(found.get(wanted["catalog"], {}).get("watermark"), integration, integration.catalog_schedule, now),
        _age(found.get(wanted["activity"], {}).get("last_success_at"), integration, activity, now),
        now - newest if newest else None,
    )


def worst(found: Iterable[Freshness]) -> dict[str, float]:
    """Return the greatest age of each kind in hours by metric name, without the kinds that expect no data."""
    known = list(found)
    hours = {metric: [age / HOUR for ages in known if (age := getattr(ages, kind))] for kind, metric in METRICS.items()}
    return {metric: max(ages) for metric, ages in hours.items() if ages}


def _age(last: str | None, integration: Integration, schedule: Schedule | None, now: datetime) -> timedelta | None:
    """Return the age of the last sync, or of the first key pair if there was no sync yet, minus the allowance."""
    if schedule is None or not schedule.enabled:
        return None
    since = parse_rfc3339(last) if last else integration.credentials.since()
    if since is None:
        return None
    due = schedule.due_after(since) or since
    return now - since - max(due - since - DAY, timedelta())
