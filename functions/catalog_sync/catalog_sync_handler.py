"""The tasks of the catalogue sync's state machine: ``{"task", "integration_id", "run_id", ...}`` in, JSON out."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING, Any

from coursebridge.activity.wiring import waiting_courses
from coursebridge.catalog import wiring
from coursebridge.catalog.sync.tasks import TASKS
from coursebridge.observability import logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Run one task."""
    logger.append_keys(task=event["task"], integration=event["integration_id"])
    integration_id = event["integration_id"]
    return TASKS[event["task"]](wiring.context(integration_id, partial(waiting_courses, integration_id)), event)


# A page from LinkedIn is some thirty thousand objects. Reading one triggers garbage collections, each of which would
# traverse everything imported and take longer than the reading. What is loaded by now stays, so they may skip it.
gc.freeze()
