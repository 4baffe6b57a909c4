"""Reads clients and integrations for the functions that check calls, and remembers them for half a minute.

Half a minute, so that a revoked client or secret is dead everywhere within the minute the contract gives it, and
a busy function pays no read per call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachetools import TTLCache

from coursebridge.auth import scopes
from coursebridge.auth.clients import Client, ClientSecret, digest
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Item, Table

REMEMBERED_SECONDS = 30
BOOTSTRAP_SCOPES = (*scopes.ADMIN, *scopes.LEARNING)


class Registry:
    """Looks clients and their integrations up.

    Args:
        table: the application's table.
        bootstrap: returns ``{"client_id", "client_secret"}`` of the admin client that the stack itself made.
    """

    def __init__(self, table: Table, bootstrap: Callable[[], dict[str, Any]]) -> None:
        self._table = table
        self._bootstrap = bootstrap
        self._clients: TTLCache[str, Client | None] = TTLCache(maxsize=1024, ttl=REMEMBERED_SECONDS)
        self._integrations: TTLCache[str, Item | None] = TTLCache(maxsize=256, ttl=REMEMBERED_SECONDS)

    def client(self, client_id: str, secret_n: int = 0) -> Client | None:
        """Return a client, or ``None``.

        Args:
            client_id: its id.
            secret_n: the number of a secret it has given proof of. A client remembered without one so new was given
                it since, and is read again: a rotation is not to be noticed by those who rotate.
        """
        # One look: what is remembered may be forgotten between two.
        try:
            known = self._clients[client_id]
        except KeyError:
            return self._read(client_id)
        return self._read(client_id) if known and secret_n > known.newest else known

    def client_and_refusals(self, client_id: str, refusals: keys.Key) -> tuple[Client | None, Item | None]:
        """Return a client as it is now, past what is remembered, and its caller's refusals; always exactly one call."""
        found = self._table.get_many([keys.client(client_id), refusals])
        return self._remembered(client_id, found.get(keys.client(client_id))), found.get(refusals)

    def integration(self, integration_id: str) -> Item | None:
        """Return an integration's item, or ``None``."""
        try:
            return self._integrations[integration_id]
        except KeyError:
            item = self._integrations[integration_id] = self._table.get(keys.integration(integration_id))
            return item

    def _read(self, client_id: str) -> Client | None:
        return self._remembered(client_id, self._table.get(keys.client(client_id)))

    def _remembered(self, client_id: str, item: Item | None) -> Client | None:
        """Return a client by its item, and remember it."""
        client = self._clients[client_id] = self._of(item, client_id)
        return client

    def _of(self, item: Item | None, client_id: str) -> Client | None:
        # Read in any case, lest the time it takes tells which clients there are.
        first = self._bootstrap()
        if item is not None:
            return Client.from_item(item)
        return bootstrap_client(first) if client_id == first["client_id"] else None


def bootstrap_client(secret: dict[str, Any]) -> Client:
    """Return the admin client that the stack made, until an admin rotates it and it lives in the table."""
    client_id = secret["client_id"]
    return Client(
        client_id=client_id,
        name="First admin client, made by the stack",
        scopes=BOOTSTRAP_SCOPES,
        integration_id=None,
        created_at="",
        secrets=(ClientSecret(1, digest(client_id, secret["client_secret"]), ""),),
    )
