"""Clients other than LinkedIn's: admins create and revoke them and rotate their secrets, with an audit entry each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge import audit
from coursebridge.admin.presenting import audited_secrets, secrets
from coursebridge.errors import Conflict, FieldError, InvalidRequest, NotFound
from coursebridge.integrations.store import IntegrationStore

if TYPE_CHECKING:
    from coursebridge.admin.client_shapes import ClientRequest
    from coursebridge.auth.administration import Clients
    from coursebridge.auth.clients import Client
    from coursebridge.storage.table import Item


@dataclass(frozen=True)
class Callers:
    """Administers clients on behalf of one caller.

    Attributes:
        clients: creates, changes and revokes clients.
        actor: the client id of the caller.
    """

    clients: Clients
    actor: str

    def list(self, limit: int, after: Item | None) -> tuple[list[dict[str, Any]], Item | None]:
        """Return a page of clients and where the next one starts."""
        found, last_key = self.clients.list(limit, after)
        return [public(client) for client in found], last_key

    def get(self, client_id: str) -> dict[str, Any]:
        """Return a client.

        Raises:
            NotFound: there is no such client.
        """
        return public(self.clients.get(client_id))

    def create(self, request: ClientRequest) -> dict[str, Any]:
        """Create a client and return it with its secret.

        Raises:
            InvalidRequest: its integration does not exist.
        """
        if request.integration_id is not None:
            self._check_integration(request.integration_id)
        client, secret = self.clients.create(request.name, sorted(set(request.scopes)), request.integration_id)
        self._note("client.created", client, None, {"name": client.name, "scopes": list(client.scopes)})
        return {**public(client), "client_secret": secret}

    def rotate(self, client_id: str) -> dict[str, Any]:
        """Give a client another secret and return both.

        Raises:
            NotFound: there is no such client.
            Conflict: the client is LinkedIn's.
        """
        before = self._ours(client_id)
        client, secret = self.clients.rotate(client_id)
        self._note("client.rotated", client, audited_secrets(before), audited_secrets(client))
        return {**public(client), "client_secret": secret}

    def remove_secret(self, client_id: str, n: int) -> None:
        """Revoke a secret.

        Raises:
            NotFound: there is no such client or secret.
            Conflict: it is the last secret, or the client is LinkedIn's.
        """
        before = self._ours(client_id)
        client = self.clients.remove_secret(client_id, n)
        self._note("client.secret_deleted", client, audited_secrets(before), audited_secrets(client))

    def remove(self, client_id: str) -> None:
        """Revoke a client.

        Raises:
            NotFound: there is no such client.
            Conflict: the client is LinkedIn's, or the last one that can administer everything.
        """
        client = self._ours(client_id)
        self.clients.remove(client_id)
        self._note("client.deleted", client, {"name": client.name, "scopes": list(client.scopes)}, None)

    def _ours(self, client_id: str) -> Client:
        client = self.clients.get(client_id)
        if client.webhook:
            raise Conflict("this is LinkedIn's client: manage it with its integration, under .../webhook")
        return client

    def _check_integration(self, integration_id: str) -> None:
        try:
            IntegrationStore(self.clients.table).get(integration_id)
        except NotFound as error:
            wrong = FieldError("integration_id", "there is no such integration")
            raise InvalidRequest("some fields are wrong, see errors", errors=(wrong,)) from error

    def _note(self, action: str, client: Client, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        entry = audit.Entry(self.actor, action, client.client_id, client.integration_id, before, after)
        audit.record(self.clients.table, entry, self.clients.now())


def public(client: Client) -> dict[str, Any]:
    """Return a client as answers show it: never the text or digest of a secret."""
    return {
        "client_id": client.client_id,
        "name": client.name,
        "scopes": list(client.scopes),
        "integration_id": client.integration_id,
        "created_at": client.created_at or None,
        "secrets": secrets(client),
    }
