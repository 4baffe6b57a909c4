"""Queues of events and of deliveries to the endpoints of whoever cannot take EventBridge."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from coursebridge import clients
from coursebridge.clock import utc_now
from coursebridge.observability import count, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.table import Table
from coursebridge.webhooks.addresses import look_up
from coursebridge.webhooks.dispatch import Dispatcher
from coursebridge.webhooks.sending import Sender, make_client

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@cache
def dispatcher() -> Dispatcher:
    """Return what delivers."""
    sender = Sender(make_client(), look_up, settings().local == "true", utc_now)
    return Dispatcher(
        Table(clients.dynamodb(), settings().need("table_name")),
        clients.sqs(),
        settings().need("webhook_queue_url"),
        settings().need("secret_prefix"),
        sender,
        utc_now,
    )


def work_on(record: dict[str, Any]) -> bool:
    """Handle one message; return whether it is done with."""
    message = json.loads(record["body"])
    if "detail-type" in message:
        count("WebhooksQueued", dispatcher().fan_out(message))
        return True
    tries = int(record["attributes"]["ApproximateReceiveCount"])
    pause = dispatcher().deliver(message["integration_id"], message["delivery_id"], tries)
    if pause is None:
        return True
    count("WebhooksFailed")
    logger.info("webhook not delivered", integration=message["integration_id"], tries=tries, next_in=pause)
    # The message itself waits: it comes back after the pause, or goes to the dead letters after its last try.
    clients.sqs().change_message_visibility(
        QueueUrl=settings().need("webhook_queue_url"), ReceiptHandle=record["receiptHandle"], VisibilityTimeout=pause
    )
    return False


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle a batch of messages; those that are not done with stay in the queue."""
    undone = [record["messageId"] for record in event["Records"] if not work_on(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in undone]}
