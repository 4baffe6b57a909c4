"""Sends unreadable stream records to a dead-letter queue, so that nothing has to wait behind them."""

from __future__ import annotations

import json
from typing import Any

from coursebridge import clients
from coursebridge.observability import logger
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import from_wire

UNREADABLE = (KeyError, TypeError, ValueError)
"""The exceptions that reading a malformed item raises."""


def reason_of(error: Exception) -> str:
    """Say why an item cannot be read, revealing nothing of it but the name of an attribute."""
    missing = f" {error}" if isinstance(error, KeyError) else ""
    return f"the item cannot be read: {type(error).__name__}{missing}"


def set_aside(queue_url: str, record: dict[str, Any], reason: str) -> None:
    """Send the position of a stream record, and why it could not be used, to a dead-letter queue."""
    change = record["dynamodb"]
    letter = {
        "reason": reason,
        "keys": keys.without_person(from_wire(change["Keys"])),
        "sequence_number": change["SequenceNumber"],
        "stream": record.get("eventSourceARN"),
    }
    clients.sqs().send_message(QueueUrl=queue_url, MessageBody=json.dumps(letter))
    logger.error("stream record set aside", reason=reason, sequence_number=change["SequenceNumber"])
