"""Table stream to the event bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge import clients, dead_letters
from coursebridge.events.changes import events_of
from coursebridge.events.publisher import Publisher, Sendable
from coursebridge.observability import count, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.table import from_wire

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def read(record: dict[str, Any]) -> list[Sendable]:
    """Return the events of one stream record."""
    change = record["dynamodb"]
    old = from_wire(change["OldImage"]) if "OldImage" in change else None
    return [Sendable(change["SequenceNumber"], event) for event in events_of(old, from_wire(change["NewImage"]))]


def set_aside(record: dict[str, Any], reason: str) -> None:
    """Send a stream record that makes no event to the dead letters with the reason; the rest goes on."""
    dead_letters.set_aside(settings().need("events_dead_letter_url"), record, reason)
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
    sent = Publisher(clients.events(), settings().need("event_bus_name")).publish(sendables)
    for refused, code in sent.refused:
        set_aside(records[refused.sequence_number], f"the bus refused {refused.event.type}: {code}")
    count("EventsPublished", sent.sent)
    logger.info("events published", sent=sent.sent, refused=len(sent.refused), complete=sent.failed_at is None)
    failures = [{"itemIdentifier": sent.failed_at}] if sent.failed_at else []
    return {"batchItemFailures": failures}
