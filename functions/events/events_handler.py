"""Publishes changes of the table, read from its stream, to the event bus."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from coursebridge import clients, dead_letters
from coursebridge.events.changes import events_of
from coursebridge.events.publisher import Publisher, Sendable
from coursebridge.observability import count, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.attribute_values import from_wire
from coursebridge.storage.wiring import table
from coursebridge.webhooks.targets import Target, TargetStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.events.changes import Event


def endpoints(integration_id: str) -> list[Target]:
    """Return an integration's webhook endpoints, with one query."""
    return list(TargetStore(table(), integration_id).all())


def resources_of(event: Event, known: Callable[[str], list[Target]]) -> list[str]:
    """Return the ARN of the webhooks' queue if an endpoint wants the event; the queue's rule matches that ARN."""
    wanted = any(endpoint.wants(event.type) for endpoint in known(event.integration_id))
    return [settings().webhook_events_arn] if wanted else []


def read(record: dict[str, Any]) -> list[Sendable]:
    """Return the events of one stream record."""
    change = record["dynamodb"]
    old = from_wire(change["OldImage"]) if "OldImage" in change else None
    return [Sendable(change["SequenceNumber"], event) for event in events_of(old, from_wire(change["NewImage"]))]


def set_aside(record: dict[str, Any], reason: str) -> None:
    """Send a stream record that cannot be published to the dead-letter queue, with the reason."""
    dead_letters.set_aside(settings().events_dead_letter_url, record, reason)
    count("EventsSetAside")


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Publish the events of a batch of stream records; the stream retries from the first temporary failure."""
    sendables: list[Sendable] = []
    records = {record["dynamodb"]["SequenceNumber"]: record for record in event["Records"]}
    for record in event["Records"]:
        try:
            sendables += read(record)
        except dead_letters.UNREADABLE as error:
            set_aside(record, dead_letters.reason_of(error))
    # Endpoints are read once per batch and not cached beyond it, so that a new one gets the next events.
    resources = partial(resources_of, known=cache(endpoints))
    sent = Publisher(clients.events(), settings().event_bus_name, resources).publish(sendables)
    for refused, code in sent.refused:
        set_aside(records[refused.sequence_number], f"the bus refused {refused.event.type}: {code}")
    count("EventsPublished", sent.sent)
    logger.info("events published", sent=sent.sent, refused=len(sent.refused), complete=sent.failed_at is None)
    failures = [{"itemIdentifier": sent.failed_at}] if sent.failed_at else []
    return {"batchItemFailures": failures}
