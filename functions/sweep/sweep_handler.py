"""Runs every few minutes: releases lost statements and those whose wait is over, and reports how old the data is."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from coursebridge.activity.quiet import listen
from coursebridge.apply.overdue import overdue
from coursebridge.apply.sweep import Sweep, Swept, integrations
from coursebridge.clock import parse_rfc3339, utc_now
from coursebridge.errors import Unavailable
from coursebridge.integrations.freshness import Freshness, freshness, worst
from coursebridge.integrations.store import from_item
from coursebridge.observability import count, gauge_hours, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.statements import StatementStore
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.integrations.models import Integration
    from coursebridge.storage.table import Item

SPARE_MILLISECONDS = 60_000


def _is_quiet(integration: Integration, newest: datetime | None) -> bool:
    """Update an integration's rhythm, and return whether its silence is suspicious; an inactive one may be silent."""
    heard = listen(table(), integration.id, newest, utc_now())
    if heard.state != "quiet" or integration.status != "active":
        return False
    logger.warning("LinkedIn has gone quiet", integration=integration.id, since=heard.since)
    return True


def _share_of_time(context: LambdaContext, integrations_left: int) -> Callable[[], bool]:
    """Return a check of whether an integration has used its share of the time, so that no backlog starves others."""
    left = context.get_remaining_time_in_millis()
    until = left - (left - SPARE_MILLISECONDS) / integrations_left
    return lambda: context.get_remaining_time_in_millis() < until


def _sweep(item: Item, time_is_up: Callable[[], bool]) -> dict[str, int]:
    lost_after = timedelta(seconds=settings().sweep_lost_after_seconds)
    swept = vars(Sweep(table(), item, utc_now(), lost_after, time_is_up).run())
    count("StatementsUnapplied", swept["unjudged"])
    if any(swept.values()):
        logger.info("lost or due statements replayed", integration=item["id"], **swept)
    return swept


def _overdue(integration: Integration) -> int:
    """Return how many statements have long been waiting for an admin; an inactive integration may leave them."""
    if integration.status != "active":
        return 0
    waiting = overdue(table(), integration.id, utc_now())
    if waiting:
        logger.warning("statements wait for an admin", integration=integration.id, statements=waiting)
    return waiting


def _watch(item: Item) -> Freshness:
    """Report silence and what waits for an admin, and return how old the data of an integration is."""
    integration = from_item(item)
    last = StatementStore(table(), integration.id).newest()
    newest = parse_rfc3339(last["stored_at"]) if last else None
    count("LinkedInQuiet", _is_quiet(integration, newest))
    count("StatementsOverdue", _overdue(integration))
    return freshness(table(), integration, newest, utc_now())


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep every integration, even if others fail, and return how many statements were released, by kind."""
    total = Counter(vars(Swept()))
    ages: list[Freshness] = []
    found = list(integrations(table()))
    for number, item in enumerate(found):
        try:
            total.update(_sweep(item, _share_of_time(context, len(found) - number)))
            ages.append(_watch(item))
        except (Unavailable, ValidationError) as error:
            # The next sweep tries again.
            logger.warning("integration not swept", integration=item["id"], error=type(error).__name__)
            count("SweepsFailed")
    count("StatementsSwept", total.total())
    for name, hours in worst(ages).items():
        gauge_hours(name, hours)
    return dict(total)
