"""Turns an event on the bus into deliveries, and sends a delivery until it is accepted or given up."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict
from coursebridge.webhooks.deliveries import DeliveryStore, delivery_of
from coursebridge.webhooks.targets import TargetStore, live_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from coursebridge.storage.table import Table
    from coursebridge.webhooks.deliveries import Delivery, Try
    from coursebridge.webhooks.sending import Sender
    from coursebridge.webhooks.targets import Target

PAUSES = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000)
"""Seconds after each try that failed: some 18 hours in all; then the delivery has failed, and can be replayed."""
MOST_TRIES = len(PAUSES) + 1
MOST_RECEIVES = 20
"""Of a message, ``maxReceiveCount`` of its queue: a function that dies or is throttled uses them up without a try."""


@dataclass(frozen=True)
class Dispatcher:
    """Delivers.

    Attributes:
        table: the application's table.
        sqs: the SQS client.
        queue_url: the queue of deliveries.
        secret_prefix: what the names of all secrets of this stack start with.
        sender: tries once.
        now: the clock.
    """

    table: Table
    sqs: SQSClient
    queue_url: str
    secret_prefix: str
    sender: Sender
    now: Callable[[], datetime]

    def endpoints(self, integration_id: str) -> list[Target]:
        """Return an integration's endpoints; one query."""
        return list(TargetStore(self.table, integration_id).all())

    def fan_out(self, event: Mapping[str, Any], endpoints: Callable[[str], list[Target]] | None = None) -> int:
        """Write down and queue a delivery for each endpoint that wants an event; return how many.

        An event that comes twice finds its deliveries there; one that was never tried is queued again, for its message
        may have been lost.

        Args:
            event: as the bus delivers it.
            endpoints: returns an integration's endpoints, where they have been read for an event beside this one.
        """
        integration_id = event["detail"]["integration_id"]
        store = DeliveryStore(self.table, integration_id)
        queued = 0
        for target in (endpoints or self.endpoints)(integration_id):
            if target.wants(event["detail-type"]):
                delivery = store.add(delivery_of(event, target, self.now()))
                if delivery.status == "pending":
                    enqueue(self.sqs, self.queue_url, delivery)
                    queued += 1
        return queued

    def deliver(self, integration_id: str, delivery_id: str) -> int | None:
        """Try a delivery once.

        Args:
            integration_id: whose.
            delivery_id: which.

        Returns:
            In how many seconds to try again; ``None`` when nothing more is to be done; 0 when it has failed for good.
        """
        store = DeliveryStore(self.table, integration_id)
        delivery = store.get(delivery_id)
        if delivery is None or delivery.is_over:
            return None
        targets = TargetStore(self.table, integration_id)
        target = targets.get(delivery.target_id)
        if target is None or not target.enabled:
            store.settle(delivery, replace(delivery, status="cancelled", next_try_at=None))
            return None
        done = self.sender.send(delivery, target.url, live_secrets(self.secret_prefix, target))
        if done.status_code == HTTPStatus.GONE:
            # An admin who changed it meanwhile has the last word.
            with suppress(Conflict):
                targets.put(_gone(target, done.at))
        return self._conclude(store, delivery, done)

    def give_up(self, integration_id: str, delivery_id: str) -> None:
        """Mark a delivery as failed whose message is not handed out again."""
        store = DeliveryStore(self.table, integration_id)
        delivery = store.get(delivery_id)
        if delivery is not None and not delivery.is_over:
            store.settle(delivery, replace(delivery, status="failed", next_try_at=None))

    def _conclude(self, store: DeliveryStore, delivery: Delivery, done: Try) -> int | None:
        pause: int | None
        if done.error is None:
            pause, after = None, delivery.after(done, "delivered")
        elif delivery.tried + 1 >= MOST_TRIES or done.status_code == HTTPStatus.GONE:
            pause, after = 0, delivery.after(done, "failed")
        else:
            pause = PAUSES[delivery.tried]
            after = delivery.after(done, "retrying", rfc3339(self.now() + timedelta(seconds=pause)))
        # Whoever tried or replayed it meanwhile goes on with it, by a message of their own.
        return pause if store.settle(delivery, after) else None


def enqueue(sqs: SQSClient, queue_url: str, delivery: Delivery) -> None:
    """Have a delivery tried."""
    body = json.dumps({"integration_id": delivery.integration_id, "delivery_id": delivery.id})
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)


def _gone(target: Target, at: str) -> Target:
    """Return an endpoint that wants nothing any more (Standard Webhooks: 410)."""
    return replace(target, enabled=False, disabled_reason="it answered 410 Gone", updated_at=at)
