"""Turns events on the bus into deliveries, and tries each delivery until it is accepted or given up."""

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
"""Seconds to wait after each failed try, some 18 hours in all. A delivery that fails after them can be replayed."""
MOST_TRIES = len(PAUSES) + 1
MOST_RECEIVES = 20
"""``maxReceiveCount`` of the delivery queue: a function that dies or is throttled uses up receives without a try."""


@dataclass(frozen=True)
class Dispatcher:
    """Turns events into deliveries and tries them.

    Attributes:
        table: the application's table.
        sqs: the SQS client.
        queue_url: the queue of deliveries.
        secret_prefix: the prefix of the names of this stack's secrets.
        sender: makes a single try.
        now: the clock.
    """

    table: Table
    sqs: SQSClient
    queue_url: str
    secret_prefix: str
    sender: Sender
    now: Callable[[], datetime]

    def endpoints(self, integration_id: str) -> list[Target]:
        """Return an integration's endpoints, with one query."""
        return list(TargetStore(self.table, integration_id).all())

    def fan_out(self, event: Mapping[str, Any], endpoints: Callable[[str], list[Target]] | None = None) -> int:
        """Write and queue a delivery for each endpoint that wants an event; return how many were queued.

        If an event arrives twice, its deliveries exist already; those never tried are queued again, because their
        messages may have been lost.

        Args:
            event: as the bus delivers it.
            endpoints: returns an integration's endpoints; given so that several events share one read.
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
            integration_id: the integration of the delivery.
            delivery_id: the delivery's id.

        Returns:
            The seconds until the next try; 0 if the delivery has failed for good; ``None`` if there is nothing to do.
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
            # If an admin changed the endpoint meanwhile, that change stands.
            with suppress(Conflict):
                targets.put(_gone(target, done.at))
        return self._conclude(store, delivery, done)

    def give_up(self, integration_id: str, delivery_id: str) -> None:
        """Mark a delivery as failed because its message will not be received again."""
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
        # If it was tried or replayed meanwhile, another message carries on with it.
        return pause if store.settle(delivery, after) else None


def enqueue(sqs: SQSClient, queue_url: str, delivery: Delivery) -> None:
    """Queue a delivery for a try."""
    body = json.dumps({"integration_id": delivery.integration_id, "delivery_id": delivery.id})
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)


def _gone(target: Target, at: str) -> Target:
    """Return an endpoint disabled because it answered 410 Gone (Standard Webhooks)."""
    return replace(target, enabled=False, disabled_reason="it answered 410 Gone", updated_at=at)
