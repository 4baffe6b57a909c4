"""Processes the queue of export jobs: each becomes a file in the bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coursebridge import clients
from coursebridge.clock import time_is_up, utc_now
from coursebridge.exports.runner import MOST_TRIES, Runner
from coursebridge.exports.service import Exports
from coursebridge.observability import count, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE_MILLIS = 120_000


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Work on the job of each message; a job that another worker holds comes back later."""
    runner = Runner(table(), clients.s3(), settings().bucket_name, utc_now, time_is_up(context, RESERVE_MILLIS))
    exports = Exports(table(), clients.sqs(), settings().export_queue_url)
    busy: list[dict[str, str]] = []
    for record in event["Records"]:
        job = json.loads(record["body"])
        if int(record["attributes"]["ApproximateReceiveCount"]) > MOST_TRIES:
            runner.give_up(**job)
            count("ExportsFailed")
            continue
        result = runner.run(**job)
        logger.info("export worked on", integration=job["integration_id"], job=job["job_id"], result=result)
        if result == "more":
            exports.send(**job)
        elif result == "busy":
            busy.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": busy}
