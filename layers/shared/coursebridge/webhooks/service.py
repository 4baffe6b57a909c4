"""Administration of outbound webhook endpoints: create, change, rotate, list deliveries, replay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge import audit, secret_values
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, NotFound, Unavailable
from coursebridge.ids import new_id
from coursebridge.webhooks import signing
from coursebridge.webhooks.addresses import check_url
from coursebridge.webhooks.deliveries import Delivery, DeliveryStore
from coursebridge.webhooks.dispatch import enqueue
from coursebridge.webhooks.targets import Target, TargetStore, secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from coursebridge.storage.table import Item, Table

LIVE_SECRETS = 2


@dataclass(frozen=True)
class Webhooks:
    """The endpoints of one integration, as an admin manages them.

    Attributes:
        table: the application's table.
        integration_id: whose endpoints.
        secret_prefix: the prefix of the names of this stack's secrets.
        inside: whether http and internal addresses are allowed, as on a local stack.
        actor: the client id of the admin.
    """

    table: Table
    integration_id: str
    secret_prefix: str
    inside: bool
    actor: str

    @property
    def store(self) -> TargetStore:
        """Return the endpoints in the table."""
        return TargetStore(self.table, self.integration_id)

    @property
    def deliveries(self) -> DeliveryStore:
        """Return the deliveries in the table."""
        return DeliveryStore(self.table, self.integration_id)

    def get(self, target_id: str) -> Target:
        """Return an endpoint.

        Raises:
            NotFound: there is no such endpoint.
        """
        target = self.store.get(target_id)
        if target is None:
            raise NotFound("there is no such webhook")
        return target

    def create(self, settings: dict[str, Any], now: datetime) -> tuple[Target, str]:
        """Create an endpoint and return it with its secret, which is shown only this once.

        Raises:
            InvalidRequest: the URL cannot be called.
            Conflict: the integration already has the most it may have.
            Unavailable: the table is busy; all changes below raise this too.
        """
        check_url(settings["url"], inside=self.inside)
        secret, at = signing.new_secret(), rfc3339(now)
        live = ({"n": 1, "created_at": at},)
        target = Target(self.integration_id, new_id(now), created_at=at, updated_at=at, secrets=live, **settings)
        # Before the endpoint, which gets events as soon as it exists.
        secret_values.write(self._secret_name(target.id), {"1": secret}, "Signing secrets of an outbound webhook")
        try:
            self.store.add(target)
        except (Conflict, Unavailable):
            secret_values.delete(self._secret_name(target.id))
            raise
        self._note("webhook.created", target.id, None, target, now)
        return target, secret

    def change(self, target_id: str, changes: dict[str, Any], now: datetime) -> Target:
        """Change an endpoint.

        Raises:
            NotFound: there is no such endpoint.
            InvalidRequest: the URL cannot be called.
            Conflict: somebody else changed it meanwhile; all changes below raise this too.
        """
        before = self.get(target_id)
        if "url" in changes:
            check_url(changes["url"], inside=self.inside)
        after = replace(before, **changes, updated_at=rfc3339(now))
        if after.enabled:
            after = replace(after, disabled_reason=None)
        self.store.put(after)
        self._note("webhook.updated", target_id, before, after, now)
        return after

    def delete(self, target_id: str, now: datetime) -> None:
        """Delete an endpoint; its pending deliveries are cancelled.

        Raises:
            NotFound: there is no such endpoint.
        """
        before = self.get(target_id)
        self.store.delete(target_id)
        secret_values.delete(self._secret_name(target_id))
        self._note("webhook.deleted", target_id, before, None, now)

    def rotate(self, target_id: str, now: datetime) -> tuple[Target, str]:
        """Add a secret, and return the endpoint and the secret, which is shown only this once.

        The previous secret signs too until it is deleted. If two are live already, the older one is deleted. A secret
        that was never stored, because its rotation was interrupted, does not count.

        Raises:
            NotFound: there is no such endpoint.
            Conflict: another rotation at the same time made newer secrets, so that this one does not sign.
        """
        before = self.get(target_id)
        number = before.newest + 1
        secret = signing.new_secret()
        entry = {"n": number, "created_at": rfc3339(now)}
        live = (*_stored(before.secrets, self._known(target_id)), entry)[-LIVE_SECRETS:]
        after = replace(before, secrets=live, secrets_made=number, updated_at=rfc3339(now))
        # Of two concurrent rotations, one is refused here, before its secret could replace the other's.
        self.store.put(after)
        # Higher numbers than this one come from later rotations and are kept.
        kept = {n: value for n, value in self._known(target_id).items() if int(n) >= live[0]["n"]}
        secret_values.write(self._secret_name(target_id), {**kept, str(number): secret})
        # Until its value was stored, a concurrent rotation may have taken this secret for an interrupted one.
        if number not in (secret["n"] for secret in self.get(target_id).secrets):
            raise Conflict("the webhook was rotated by somebody else at the same time; try again")
        self._note("webhook.rotated", target_id, before, after, now)
        return after, secret

    def delete_secret(self, target_id: str, number: int, now: datetime) -> Target:
        """Delete a secret.

        Raises:
            NotFound: there is no such endpoint or secret.
            Conflict: it is the only one that signs.
        """
        before, known = self.get(target_id), self._known(target_id)
        left = tuple(secret for secret in before.secrets if secret["n"] != number)
        if len(left) == len(before.secrets):
            raise NotFound("there is no such secret")
        if not _stored(left, known):
            raise Conflict("a webhook needs a secret; make a new one first")
        after = replace(before, secrets=left, secrets_made=before.newest, updated_at=rfc3339(now))
        self.store.put(after)
        numbers = {secret["n"] for secret in left}
        # A higher number is that of a secret made meanwhile.
        values = {n: value for n, value in self._known(target_id).items() if int(n) in numbers or int(n) > after.newest}
        secret_values.write(self._secret_name(target_id), values)
        self._note("webhook.secret_deleted", target_id, before, after, now)
        return after

    def replay(self, target_id: str, delivery_id: str, sqs: SQSClient, queue_url: str) -> Delivery:
        """Queue a delivery again, whatever its status; the receiver recognises it by its id.

        Raises:
            NotFound: there is no such endpoint or delivery.
        """
        self.get(target_id)
        delivery = self.deliveries.get(delivery_id)
        if delivery is None or delivery.target_id != target_id:
            raise NotFound("there is no such delivery")
        again = replace(delivery, status="pending", next_try_at=None, tried=0)
        self.deliveries.save(again)
        enqueue(sqs, queue_url, again)
        return again

    def page(
        self, target_id: str, status: str | None, *, limit: int, after: Item | None
    ) -> tuple[list[Delivery], Item | None]:
        """Return a page of an endpoint's deliveries, newest first.

        Raises:
            NotFound: there is no such endpoint.
        """
        self.get(target_id)
        page = self.deliveries.list_page(target_id, status, limit=limit, after=after)
        return [Delivery.from_item(item) for item in page.items], page.last_key

    def forget(self) -> None:
        """Delete every endpoint with its secrets, because the integration is being deleted."""
        for target in list(self.store.all()):
            self.store.delete(target.id)
            secret_values.delete(self._secret_name(target.id))

    def _secret_name(self, target_id: str) -> str:
        return secret_name(self.secret_prefix, self.integration_id, target_id)

    def _known(self, target_id: str) -> dict[str, str]:
        """Return the stored secrets of an endpoint, by number."""
        return secret_values.read_or_empty(self._secret_name(target_id))

    def _note(self, action: str, target_id: str, before: Target | None, after: Target | None, now: datetime) -> None:
        was, is_now = (_audited(target) if target else None for target in (before, after))
        audit.record(self.table, audit.Entry(self.actor, action, target_id, self.integration_id, was, is_now), now)


def _stored(live: Sequence[dict[str, Any]], known: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return those of the live secrets whose values are stored, which are the ones that sign."""
    return [secret for secret in live if str(secret["n"]) in known]


def _audited(target: Target) -> dict[str, Any]:
    names = ("url", "event_types", "description", "enabled")
    live = [secret["n"] for secret in target.secrets]
    return {**{name: getattr(target, name) for name in names}, "live_numbers": live}
