"""Creation, rotation and revocation of OAuth clients.

Every change is conditional on the secrets that were read, so that no concurrent change is lost. A change takes effect
everywhere within half a minute, which is how long functions cache a client (``auth.registry``).

The stack creates the first admin client, at first only in Secrets Manager. Its first change moves it into the table,
which is authoritative from then on: the first secret keeps working until it is deleted, and once revoked, the client
stays in the table without secrets, so that it does not come back.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.auth import scopes
from coursebridge.auth.clients import Client
from coursebridge.auth.registry import bootstrap_client
from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Conflict, NotFound, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, Page, TransactionRefused, tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

AFTER_THE_FIRST: Item = {"after": "first"}
"""The position after a page that ends with the first client, which is not in the table."""


@dataclass(frozen=True)
class Clients:
    """Creates, changes and revokes clients.

    Attributes:
        table: the application's table.
        bootstrap: returns the secret of the first admin client.
        now: the clock.
    """

    table: Table
    bootstrap: Callable[[], dict[str, Any]]
    now: Callable[[], datetime] = utc_now

    def get(self, client_id: str) -> Client:
        """Return a client.

        Raises:
            NotFound: the client does not exist or was revoked.
        """
        item = self.table.get(keys.client(client_id))
        client = Client.from_item(item) if item else self._first(client_id)
        if client is None or not client.secrets:
            raise NotFound("there is no such client")
        return client

    def list(self, limit: int, after: Item | None = None) -> tuple[list[Client], Item | None]:
        """Return a page of the clients other than LinkedIn's, oldest first, and where the next page starts.

        LinkedIn's, of which an integration has one, are read too: a page takes one call per megabyte of clients.
        """
        first = [] if after else self._first_outside_the_table()
        left = limit - len(first)
        following = self.table.query_all(
            keys.CLIENTS_PARTITION,
            index=keys.GSI1,
            after=None if after == AFTER_THE_FIRST else after,
            condition="webhook = :no AND secrets <> :none",
            values={":no": False, ":none": []},
        )
        # One more than there is room for, to know whether there is another page.
        found = Page(list(islice(following, left + 1)), None)
        if not left:
            return [*first], AFTER_THE_FIRST if found.items else None
        page = found.cut(left, keys.GSI1)
        return [*first, *map(Client.from_item, page.items)], page.last_key

    def create(self, name: str, granted: Sequence[str], integration_id: str | None) -> tuple[Client, str]:
        """Create a client and return it with the text of its first secret, which is not stored."""
        client, secret = self._new("client", name, granted, integration_id)
        self.table.put(client.to_item(), condition="attribute_not_exists(PK)")
        return client, secret

    def new_webhook(self, name: str, integration_id: str) -> tuple[Client, str]:
        """Return a new client for LinkedIn, to be stored with its integration, and the text of its first secret."""
        return self._new("linkedin", name, (scopes.XAPI_WRITE,), integration_id)

    def rotate(self, client_id: str) -> tuple[Client, str]:
        """Add a secret to a client and return both; if two are live already, the older one is revoked.

        Raises:
            NotFound: there is no such client.
        """
        texts: list[str] = []

        def another(client: Client) -> Client:
            changed, text = client.with_new_secret(rfc3339(self.now()))
            texts.append(text)
            return changed

        return self._change(client_id, another), texts[-1]

    def remove_secret(self, client_id: str, n: int) -> Client:
        """Revoke one secret of a client, and the tokens minted from it.

        Raises:
            NotFound: there is no such client or secret.
            Conflict: it is the client's last secret.
        """

        def without(client: Client) -> Client:
            if n not in {secret.n for secret in client.secrets}:
                raise NotFound(f"the client has no secret {n}")
            if len(client.secrets) == 1:
                raise Conflict("this is the client's last secret: rotate first, or delete the client")
            return client.without_secret(n)

        return self._change(client_id, without)

    def remove(self, client_id: str) -> Client:
        """Revoke a client with all its tokens, and return it as it was.

        Raises:
            NotFound: there is no such client.
            Conflict: nobody could administer the stack afterwards.
        """
        for _ in tries():
            client = self.get(client_id)
            # Together, or two who delete each other's client at once would both find that one is left.
            actions = [self._removal(client)]
            if _administers(client):
                actions.append(self._check(self._another_administrator(client_id)))
            try:
                self.table.transact(actions)
            except TransactionRefused:
                continue
            return client
        raise Unavailable("other requests are changing the same clients; try again")

    def remove_of_integration(self, integration_id: str) -> int:
        """Revoke every client bound to an integration, including LinkedIn's; return how many there were."""
        bound = [
            item["client_id"]
            for item in self.table.query_all(keys.CLIENTS_PARTITION, index=keys.GSI1)
            if item["integration_id"] == integration_id
        ]
        for client_id in bound:
            self.table.delete(keys.client(client_id))
        return len(bound)

    def _new(
        self, kind: Literal["client", "linkedin"], name: str, granted: Sequence[str], integration_id: str | None
    ) -> tuple[Client, str]:
        now, client_id = rfc3339(self.now()), f"{kind}-{secrets.token_hex(10)}"
        bare = Client(client_id, name, tuple(granted), integration_id, now, webhook=kind == "linkedin")
        return bare.with_new_secret(now)

    def _first(self, client_id: str) -> Client | None:
        first = bootstrap_client(self.bootstrap())
        return first if first.client_id == client_id else None

    def _first_outside_the_table(self) -> Sequence[Client]:
        """Return the first client, unless the table has it."""
        first = bootstrap_client(self.bootstrap())
        return [] if self.table.get(keys.client(first.client_id)) else [first]

    def _others(self, client_id: str) -> Iterator[Client]:
        """Yield every client but one; the table's version of the first client takes precedence."""
        first = bootstrap_client(self.bootstrap())
        kept = {
            item["client_id"]: Client.from_item(item)
            for item in self.table.query_all(keys.CLIENTS_PARTITION, index=keys.GSI1)
        }
        yield from (client for client in ({first.client_id: first} | kept).values() if client.client_id != client_id)

    def _change(self, client_id: str, change: Callable[[Client], Client]) -> Client:
        for _ in tries():
            before = self.get(client_id)
            after = change(before)
            try:
                self._put(before, after)
            except ConditionFailed:
                continue
            return after
        raise Unavailable("other requests are changing the same client; try again")

    def _put(self, before: Client, after: Client) -> None:
        condition, values = _unchanged(before)
        self.table.put(after.to_item(), condition=condition, values=values)

    def _removal(self, client: Client) -> dict[str, Any]:
        if not self._first(client.client_id):
            return self.table.delete_action(keys.client(client.client_id))
        condition, values = _unchanged(client)
        return self.table.put_action(replace(client, secrets=()).to_item(), condition=condition, values=values)

    def _another_administrator(self, client_id: str) -> str:
        """Return the id of another client that can administer everything.

        Raises:
            Conflict: there is none.
        """
        for other in filter(_administers, self._others(client_id)):
            # The index that lists them may still have one that was deleted a moment ago.
            with suppress(NotFound):
                return self.get(other.client_id).client_id
        raise Conflict("this is the last client that can administer everything; create another one first")

    def _check(self, client_id: str) -> dict[str, Any]:
        """Return the check that a client still has a secret, as an action of a transaction."""
        # The first client counts before it is in the table, too.
        standing = "attribute_not_exists(PK) OR" if self._first(client_id) else "attribute_exists(PK) AND"
        return self.table.check_action(keys.client(client_id), f"{standing} secrets <> :none", {":none": []})


def _unchanged(client: Client) -> tuple[str, dict[str, Any]]:
    """Return the condition that a client has the secrets it was read with, and the condition's values."""
    condition = "secrets = :known"
    if client.created_at == "":
        condition += " OR attribute_not_exists(PK)"
    return condition, {":known": client.to_item()["secrets"]}


def _administers(client: Client) -> bool:
    return bool(client.secrets) and scopes.ADMIN_WRITE in client.scopes and client.integration_id is None
