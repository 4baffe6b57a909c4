"""Subscribe to the event bus with a queue that collects what is published."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_stack import RunningStack


LISTENER = "listener-"
"""Prefix of the names of queues that tests listen with."""


@contextmanager
def listening(stack: RunningStack, integration_id: str, *types: str) -> Iterator[str]:
    """Collect an integration's events of these types in a queue; yield its URL."""
    name = f"{LISTENER}{uuid.uuid4().hex[:8]}"
    bus = stack.outputs.event_bus_name
    url = stack.aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = stack.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"detail-type": list(types), "detail": {"integration_id": [integration_id]}}
    stack.aws.events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    stack.aws.events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        yield url
    finally:
        stack.aws.events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
        stack.aws.events.delete_rule(Name=name, EventBusName=bus)
        stack.aws.sqs.delete_queue(QueueUrl=url)


def taken_from(stack: RunningStack, url: str) -> list[Any]:
    """Take every message out of a queue."""
    bodies: list[Any] = []
    while found := stack.aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in found:
            bodies.append(json.loads(message["Body"]))
            stack.aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies
