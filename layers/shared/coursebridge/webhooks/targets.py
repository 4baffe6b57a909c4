"""Outbound webhook endpoints, stored in the table, with their secrets in Secrets Manager."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge import secret_values
from coursebridge.errors import Conflict
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, TransactionRefused, pauses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Item, Table

MOST_TARGETS = 20
NEW = "attribute_not_exists(PK)"


@dataclass(frozen=True)
class Target:
    """An endpoint.

    Attributes:
        event_types: the detail-types it wants; empty for all.
        enabled: whether it gets events.
        disabled_reason: why it is disabled, unless an admin disabled it.
        secrets: the number and creation time of each live secret.
        secrets_made: the number of its newest secret, deleted or not. No number is used twice: otherwise, a sender that
            has cached a deleted secret would sign with it instead of the next one.
        version: how often it was written; 0 if never.
    """

    integration_id: str
    id: str
    url: str
    created_at: str
    event_types: tuple[str, ...] = ()
    description: str = ""
    enabled: bool = True
    disabled_reason: str | None = None
    secrets: tuple[dict[str, Any], ...] = ()
    secrets_made: int = 0
    updated_at: str = ""
    version: int = 0

    @property
    def newest(self) -> int:
        """The highest number that any of its secrets has had."""
        return max([self.secrets_made, *(int(secret["n"]) for secret in self.secrets)])

    def wants(self, type_: str) -> bool:
        """Return whether it gets events of this type."""
        return self.enabled and (not self.event_types or type_ in self.event_types)

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **keys.webhook_target(self.integration_id, self.id).item(),
            "entity": "webhook_target",
            **vars(self),
            "event_types": list(self.event_types),
            "secrets": list(self.secrets),
        }

    @classmethod
    def from_item(cls, item: Item) -> Target:
        """Read the table item."""
        values = {name: item[name] for name in cls.__dataclass_fields__ if name in item}
        return cls(**{**values, "event_types": tuple(item["event_types"]), "secrets": tuple(item["secrets"])})


class TargetStore:
    """The endpoints of one integration.

    Args:
        table: the application's table.
        integration_id: whose endpoints.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def all(self) -> Iterator[Target]:
        """Yield every endpoint, oldest first."""
        found = self._table.query_all(
            keys.webhook_partition(self._integration_id), prefix=keys.WEBHOOK_TARGET_PREFIX, consistent=True
        )
        return (Target.from_item(item) for item in found)

    def get(self, target_id: str) -> Target | None:
        """Return an endpoint."""
        item = self._table.get(keys.webhook_target(self._integration_id, target_id))
        return Target.from_item(item) if item else None

    def add(self, target: Target) -> None:
        """Write a new endpoint.

        Raises:
            Conflict: the integration already has the most it may have, counting those added concurrently.
            Unavailable: the table is busy.
        """
        first = replace(target, version=1)
        room = "attribute_not_exists(ids) OR size(ids) < :most"
        count = self._ids_action("ADD", target.id, condition=room, values={":most": MOST_TARGETS})
        try:
            self._together(count, self._table.put_action(first.to_item(), condition=NEW))
        except TransactionRefused as refused:
            raise Conflict(f"an integration may have {MOST_TARGETS} webhooks") from refused

    def put(self, target: Target) -> None:
        """Write an endpoint over the version that was read.

        Raises:
            Conflict: somebody else changed or deleted it meanwhile.
        """
        written = replace(target, version=target.version + 1)
        try:
            self._table.put(written.to_item(), condition="version = :known", values={":known": target.version})
        except ConditionFailed as error:
            raise Conflict("the webhook was changed meanwhile; read it and try again") from error

    def delete(self, target_id: str) -> None:
        """Delete an endpoint if it exists.

        Raises:
            Unavailable: the table is busy.
        """
        gone = self._table.delete_action(keys.webhook_target(self._integration_id, target_id))
        self._together(self._ids_action("DELETE", target_id), gone)

    def _ids_action(
        self, change: str, target_id: str, *, condition: str = "", values: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        ids = {":id": {target_id}, **(values or {})}
        return self._table.update_action(
            keys.webhook_targets(self._integration_id), f"{change} ids :id", ids, condition=condition
        )

    def _together(self, *actions: dict[str, Any]) -> None:
        """Write actions in one transaction, repeating it while others write the same item.

        Raises:
            TransactionRefused: a condition does not hold.
            Unavailable: the table is busy.
            Conflict: the others keep writing it.
        """
        for pause in pauses():
            try:
                self._table.transact(actions)
            except TransactionRefused as refused:
                if any(refused.failed):
                    raise
                time.sleep(pause)
            else:
                return
        raise Conflict("other requests keep changing the webhooks of this integration; try again")


def secret_name(prefix: str, integration_id: str, target_id: str) -> str:
    """Return the name of the secret that holds an endpoint's signing secrets by number."""
    return f"{prefix}integrations/{integration_id}/webhooks/{target_id}"


def live_secrets(prefix: str, target: Target) -> list[str]:
    """Return an endpoint's signing secrets, oldest first, at most five minutes out of date."""
    values = secret_values.read(secret_name(prefix, target.integration_id, target.id))
    numbers = [str(secret["n"]) for secret in target.secrets]
    if not all(number in values for number in numbers):
        values = secret_values.read(secret_name(prefix, target.integration_id, target.id), fresh=True)
    return [values[number] for number in numbers if number in values]
