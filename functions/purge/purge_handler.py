"""Deletes the data of a deleted integration, in the background."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from coursebridge import clients
from coursebridge.admin.purging import Purge, StillThere
from coursebridge.clock import time_is_up
from coursebridge.observability import logger
from coursebridge.settings import settings
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# The purge is requested before the integration is removed, so that it cannot be forgotten; hence it may have to wait.
LOOKS, SECONDS_BETWEEN = 20, 1.0
REMEMBERED_SECONDS = 60.0
"""By then, no function caches the integration or its clients any more, so none accepts statements for it."""
TIME_TO_END_MILLIS = 60_000 + 1000 * REMEMBERED_SECONDS
"""The time reserved for this pause, and for finishing."""


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Delete the data of ``integration_id``; what there is no time for is left to the next invocation.

    A second pass, a minute later, deletes what was received meanwhile.
    """
    purge = Purge(
        table(),
        clients.s3(),
        settings().bucket_name,
        event["integration_id"],
        time_is_up(context, TIME_TO_END_MILLIS),
    )
    done = _once_it_is_gone(purge)
    if done:
        time.sleep(REMEMBERED_SECONDS)
        done = purge.run()
    if not done:
        payload = json.dumps({"integration_id": event["integration_id"]})
        clients.functions().invoke(FunctionName=context.function_name, InvocationType="Event", Payload=payload)
    logger.info("what an integration left was deleted", integration=event["integration_id"], done=done)
    return {"done": done}


def _once_it_is_gone(purge: Purge) -> bool:
    for _ in range(LOOKS - 1):
        try:
            return purge.run()
        except StillThere:
            time.sleep(SECONDS_BETWEEN)
    return purge.run()
