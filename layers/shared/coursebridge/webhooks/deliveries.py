"""Deliveries: one event on its way to one endpoint, kept for thirty days."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.clock import parse_rfc3339, rfc3339, to_millis
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from coursebridge.storage.table import Item, Page, Table
    from coursebridge.webhooks.targets import Target

Status = Literal["pending", "retrying", "delivered", "failed", "cancelled"]
KEPT = timedelta(days=30)
MOST_TRIES_SHOWN = 20
UNTRIED_SINCE = "attribute_not_exists(tried) OR tried = :tried"


@dataclass(frozen=True)
class Try:
    """One try: the status that came back, if any, and the error unless it succeeded."""

    at: str
    status_code: int | None
    error: str | None


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint.

    Attributes:
        id: derived from event and endpoint, so that an event that arrives twice is delivered once; sorts by time.
        message_id: the ``webhook-id`` header: the event's id, the same for every try.
        payload: the body as it is signed.
        tries: the latest tries, for display.
        tried: how often it was tried since it was last queued, by its event or a replay.
    """

    integration_id: str
    id: str
    target_id: str
    message_id: str
    type: str
    payload: str
    created_at: str
    status: Status = "pending"
    tries: tuple[Try, ...] = ()
    delivered_at: str | None = None
    next_try_at: str | None = None
    tried: int = 0

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.status in ("delivered", "failed", "cancelled")

    def after(self, attempt: Try, status: Status, next_try_at: str | None = None) -> Delivery:
        """Return the delivery after a try."""
        return replace(
            self,
            status=status,
            tries=(*self.tries, attempt)[-MOST_TRIES_SHOWN:],
            delivered_at=attempt.at if status == "delivered" else self.delivered_at,
            next_try_at=next_try_at,
            tried=self.tried + 1,
        )

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **keys.webhook_delivery(self.integration_id, self.id).item(),
            "entity": "webhook_delivery",
            **vars(self),
            "tries": [vars(attempt) for attempt in self.tries],
            "expires_at": int((parse_rfc3339(self.created_at) + KEPT).timestamp()),
        }

    @classmethod
    def from_item(cls, item: Item) -> Delivery:
        """Read the table item."""
        values = {name: item[name] for name in cls.__dataclass_fields__ if name in item}
        return cls(**{**values, "tries": tuple(Try(**attempt) for attempt in item["tries"])})


def delivery_of(event: Mapping[str, Any], target: Target, now: datetime) -> Delivery:
    """Return the delivery of an event from the bus to an endpoint."""
    detail = event["detail"]
    digest = hashlib.sha256(f"{detail['id']} {target.id}".encode()).hexdigest()[:16]
    payload = {
        "type": event["detail-type"],
        "timestamp": detail["time"],
        **{name: detail[name] for name in ("id", "version", "integration_id", "data")},
    }
    return Delivery(
        target.integration_id,
        f"{to_millis(parse_rfc3339(detail['time'])):012x}{digest}",
        target.id,
        detail["id"],
        event["detail-type"],
        json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
        rfc3339(now),
    )


class DeliveryStore:
    """The deliveries of one integration.

    Args:
        table: the application's table.
        integration_id: whose deliveries.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def add(self, delivery: Delivery) -> Delivery:
        """Write a delivery unless it exists; return the stored one."""
        try:
            self._table.put(delivery.to_item(), condition="attribute_not_exists(PK)")
        except ConditionFailed as refusal:
            return Delivery.from_item(refusal.item)
        return delivery

    def get(self, delivery_id: str) -> Delivery | None:
        """Return a delivery."""
        item = self._table.get(keys.webhook_delivery(self._integration_id, delivery_id))
        return Delivery.from_item(item) if item else None

    def save(self, delivery: Delivery) -> None:
        """Write a delivery, whatever is stored."""
        self._table.put(delivery.to_item())

    def settle(self, before: Delivery, after: Delivery) -> bool:
        """Write the outcome of a delivery unless it was tried or replayed since; return whether it was written."""
        try:
            self._table.put(after.to_item(), condition=UNTRIED_SINCE, values={":tried": before.tried})
        except ConditionFailed:
            return False
        return True

    def list_page(self, target_id: str, status: str | None, *, limit: int, after: Item | None) -> Page:
        """Return a page of an endpoint's items, newest first; ``limit`` is how many are read before filtering."""
        condition, values = "target_id = :target", {":target": target_id}
        if status:
            condition, values = f"{condition} AND #status = :status", {**values, ":status": status}
        return self._table.query(
            keys.webhook_partition(self._integration_id),
            prefix=keys.WEBHOOK_DELIVERY_PREFIX,
            condition=condition,
            values=values,
            names={"#status": "status"} if status else None,
            limit=limit,
            after=after,
            ascending=False,
        )
