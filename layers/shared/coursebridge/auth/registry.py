"""Clients and integrations for the functions that check calls, cached for half a minute.

The cache saves a busy function a read per call, and is short enough for a revoked client or secret to be refused
everywhere within the minute that the contract allows.
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
    """Looks up clients and their integrations.

    Args:
        table: the application's table.
        bootstrap: returns ``{"client_id", "client_secret"}`` of the admin client that the stack created.
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
            secret_n: the number of a secret that the client is known to have. If it is newer than those of the cached
                client, that client is read again, so that a new secret works at once.
        """
        # A single lookup, because an entry could expire between two.
        try:
            known = self._clients[client_id]
        except KeyError:
            return self._read(client_id)
        return self._read(client_id) if known and secret_n > known.newest else known

    def client_and_refusals(self, client_id: str, refusals: keys.Key) -> tuple[Client | None, Item | None]:
        """Return the current client, bypassing the cache, and its caller's refusals, always in exactly one call."""
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
        """Return the client of an item, and cache it."""
        client = self._clients[client_id] = self._of(item, client_id)
        return client

    def _of(self, item: Item | None, client_id: str) -> Client | None:
        # Always read, so that timing does not reveal which clients exist.
        first = self._bootstrap()
        if item is not None:
            return Client.from_item(item)
        return bootstrap_client(first) if client_id == first["client_id"] else None


def bootstrap_client(secret: dict[str, Any]) -> Client:
    """Return the admin client that the stack created, as it is until its first change moves it into the table."""
    client_id = secret["client_id"]
    return Client(
        client_id=client_id,
        name="First admin client, made by the stack",
        scopes=BOOTSTRAP_SCOPES,
        integration_id=None,
        created_at="",
        secrets=(ClientSecret(1, digest(client_id, secret["client_secret"]), ""),),
    )
