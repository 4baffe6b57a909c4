"""Processes the queues of outbound webhooks: an event becomes deliveries, a delivery is sent to its endpoint."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

from coursebridge import clients
from coursebridge.clock import utc_now
from coursebridge.observability import count, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.wiring import table
from coursebridge.webhooks.addresses import look_up
from coursebridge.webhooks.dispatch import MOST_RECEIVES, Dispatcher
from coursebridge.webhooks.sending import Sender, transports

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.webhooks.targets import Target


@cache
def dispatcher() -> Dispatcher:
    """Return the dispatcher."""
    sender = Sender(transports(), look_up, settings().local, utc_now)
    return Dispatcher(
        table(),
        clients.sqs(),
        settings().webhook_queue_url,
        settings().secret_prefix,
        sender,
        utc_now,
    )


class NotDone(Exception):
    """A message is not finished and stays in its queue."""


def work_on(record: SQSRecord, endpoints: Callable[[str], list[Target]]) -> None:
    """Handle one message.

    Args:
        record: an event, or a delivery to try.
        endpoints: returns an integration's endpoints, which are read once per batch.

    Raises:
        NotDone: the message is to come back, or to go to the dead-letter queue.
    """
    message = json.loads(record.body)
    if "detail-type" in message:
        count("WebhooksQueued", dispatcher().fan_out(message, endpoints))
    elif int(record.attributes.approximate_receive_count) >= MOST_RECEIVES:
        dispatcher().give_up(message["integration_id"], message["delivery_id"])
        count("WebhooksGivenUp")
        raise NotDone
    else:
        deliver(record, message["integration_id"], message["delivery_id"])


def deliver(record: SQSRecord, integration_id: str, delivery_id: str) -> None:
    """Try a delivery once.

    Raises:
        NotDone: the delivery is to be tried again.
    """
    pause = dispatcher().deliver(integration_id, delivery_id)
    if pause is None:
        return
    count("WebhooksFailed")
    logger.info("webhook not delivered", integration=integration_id, delivery=delivery_id, next_in=pause)
    if not pause:
        count("WebhooksGivenUp")
        return
    # The message itself waits: it comes back after the pause.
    clients.sqs().change_message_visibility(
        QueueUrl=settings().webhook_queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=pause
    )
    raise NotDone


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the messages of a batch independently; unfinished ones stay in the queue."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(event["Records"], partial(work_on, endpoints=cache(dispatcher().endpoints))):
        processor.process()
    for kind, error, _ in processor.exceptions:
        if kind is not NotDone:
            logger.error("message not handled", exc_info=error)
    return processor.response()
