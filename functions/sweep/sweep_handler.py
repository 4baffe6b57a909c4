"""Every few minutes: send round again what the stream lost and what waits no longer, and tell how old things are."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from coursebridge import clients
from coursebridge.activity.quiet import listen
from coursebridge.apply.sweep import integrations, sweep
from coursebridge.clock import utc_now
from coursebridge.integrations.freshness import worst
from coursebridge.integrations.store import IntegrationStore
from coursebridge.observability import count, gauge_hours, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.table import Table

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@cache
def table() -> Table:
    """Return the application's table."""
    return Table(clients.dynamodb(), settings().need("table_name"))


def _is_quiet(integration_id: str) -> bool:
    """Keep an integration's rhythm up, and say whether its silence is suspicious; one that is switched off may be."""
    heard = listen(table(), integration_id, utc_now())
    if heard.state != "quiet" or IntegrationStore(table()).get(integration_id).status != "active":
        return False
    logger.warning("LinkedIn has gone quiet", integration=integration_id, since=heard.since)
    return True


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Sweep every integration and tell what was sent round again."""
    quiet = 0
    total = {"unjudged": 0, "waited_for_course": 0, "waited_for_learner": 0}
    for integration_id in integrations(table()):
        swept = vars(sweep(table(), integration_id, utc_now()))
        if any(swept.values()):
            logger.info("statements sent round again", integration=integration_id, **swept)
        total = {name: value + swept[name] for name, value in total.items()}
        quiet += _is_quiet(integration_id)
    count("StatementsSwept", sum(total.values()))
    count("LinkedInQuiet", quiet)
    for name, hours in worst(table(), utc_now()).items():
        gauge_hours(name, hours)
    return total
