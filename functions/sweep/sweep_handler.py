"""Runs every few minutes: releases lost statements and those whose wait is over, and reports how old the data is."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from coursebridge.activity.quiet import listen
from coursebridge.apply.sweep import Sweep, Swept, integrations
from coursebridge.clock import utc_now
from coursebridge.errors import NotFound, Unavailable
from coursebridge.integrations.freshness import worst
from coursebridge.integrations.store import IntegrationStore
from coursebridge.observability import count, gauge_hours, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

SPARE_MILLISECONDS = 60_000


def _is_quiet(integration_id: str) -> bool:
    """Update an integration's rhythm, and return whether its silence is suspicious; an inactive one may be silent."""
    heard = listen(table(), integration_id, utc_now())
    if heard.state != "quiet" or IntegrationStore(table()).get(integration_id).status != "active":
        return False
    logger.warning("LinkedIn has gone quiet", integration=integration_id, since=heard.since)
    return True


def _share_of_time(context: LambdaContext, integrations_left: int) -> Callable[[], bool]:
    """Return a check of whether an integration has used its share of the time, so that no backlog starves others."""
    left = context.get_remaining_time_in_millis()
    until = left - (left - SPARE_MILLISECONDS) / integrations_left
    return lambda: context.get_remaining_time_in_millis() < until


def _sweep(integration_id: str, time_is_up: Callable[[], bool]) -> dict[str, int]:
    lost_after = timedelta(seconds=settings().sweep_lost_after_seconds)
    swept = vars(Sweep(table(), integration_id, utc_now(), lost_after, time_is_up).run())
    if any(swept.values()):
        logger.info("statements sent round again", integration=integration_id, **swept)
    return swept


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Sweep every integration, even if others fail, and return how many statements were released, by kind."""
    total = Counter(vars(Swept()))
    found = list(integrations(table()))
    for number, integration_id in enumerate(found):
        try:
            total.update(_sweep(integration_id, _share_of_time(context, len(found) - number)))
            count("LinkedInQuiet", _is_quiet(integration_id))
        except (NotFound, Unavailable) as error:
            # The next sweep retries it, unless it has just been deleted.
            logger.warning("integration not swept", integration=integration_id, code=error.code)
            count("SweepsFailed")
    count("StatementsSwept", total.total())
    for name, hours in worst(table(), utc_now()).items():
        gauge_hours(name, hours)
    return dict(total)
