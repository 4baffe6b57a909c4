"""Deletes what a deleted integration leaves behind, in the background."""

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

# Who deletes an integration asks for this first, so that it cannot be forgotten, and removes the integration then.
LOOKS, SECONDS_BETWEEN = 20, 1.0
REMEMBERED_SECONDS = 60.0
"""By then no function remembers the integration or its clients any more, and none takes a statement for it."""
TIME_TO_END_MILLIS = 60_000 + 1000 * REMEMBERED_SECONDS
"""What is left for this pause, and for ending."""


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Delete what ``integration_id`` left; what there is no time for is left to the next invocation.

    What is there is deleted at once, and what was taken in meanwhile a minute later.
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
