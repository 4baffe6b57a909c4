"""Publishes changes of the table, read from its stream, to the event bus."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from coursebridge import clients, dead_letters
from coursebridge.events.changes import events_of
from coursebridge.events.publisher import Publisher, Sendable
from coursebridge.observability import count, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.table import from_wire
from coursebridge.storage.wiring import table
from coursebridge.webhooks.targets import Target, TargetStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.events.changes import Event


def endpoints(integration_id: str) -> list[Target]:
    """Return an integration's webhook endpoints; one query."""
    return list(TargetStore(table(), integration_id).all())


def resources_of(event: Event, known: Callable[[str], list[Target]]) -> list[str]:
    """Return the queue of webhooks if an endpoint wants the event; its rule lets through only what names it."""
    wanted = any(endpoint.wants(event.type) for endpoint in known(event.integration_id))
    return [settings().webhook_events_arn] if wanted else []


def read(record: dict[str, Any]) -> list[Sendable]:
    """Return the events of one stream record."""
    change = record["dynamodb"]
    old = from_wire(change["OldImage"]) if "OldImage" in change else None
    return [Sendable(change["SequenceNumber"], event) for event in events_of(old, from_wire(change["NewImage"]))]


def set_aside(record: dict[str, Any], reason: str) -> None:
    """Send a stream record that makes no event to the dead letters with the reason; the rest goes on."""
    dead_letters.set_aside(settings().events_dead_letter_url, record, reason)
    count("EventsSetAside")


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Publish what a batch of stream records means; the stream goes on from the first that could not be published."""
    sendables: list[Sendable] = []
    records = {record["dynamodb"]["SequenceNumber"]: record for record in event["Records"]}
    for record in event["Records"]:
        try:
            sendables += read(record)
        except dead_letters.UNREADABLE as error:
            set_aside(record, dead_letters.reason_of(error))
    # Read once a batch and never remembered: whoever has just added an endpoint gets what happens next.
    resources = partial(resources_of, known=cache(endpoints))
    sent = Publisher(clients.events(), settings().event_bus_name, resources).publish(sendables)
    for refused, code in sent.refused:
        set_aside(records[refused.sequence_number], f"the bus refused {refused.event.type}: {code}")
    count("EventsPublished", sent.sent)
    logger.info("events published", sent=sent.sent, refused=len(sent.refused), complete=sent.failed_at is None)
    failures = [{"itemIdentifier": sent.failed_at}] if sent.failed_at else []
    return {"batchItemFailures": failures}
