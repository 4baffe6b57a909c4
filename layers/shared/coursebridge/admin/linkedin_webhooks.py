"""The client LinkedIn uses for an integration: the values to paste, and new secrets without an outage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge import audit
from coursebridge.admin import presenting
from coursebridge.admin.situation import held_count

if TYPE_CHECKING:
    from coursebridge.admin.integrations import Integrations
    from coursebridge.auth.clients import Client
    from coursebridge.integrations.models import Integration


@dataclass(frozen=True)
class LinkedInWebhooks:
    """Administers the webhook clients of integrations.

    Attributes:
        integrations: administers integrations on behalf of the caller.
        base_url: the URL of this API, without a slash at the end.
    """

    integrations: Integrations
    base_url: str

    def read(self, integration_id: str) -> dict[str, Any]:
        """Return the values to paste, without a secret.

        Raises:
            NotFound: there is no such integration.
        """
        integration = self._integration(integration_id)
        return self._shown(integration, self._client(integration))

    def rotate(self, integration_id: str) -> dict[str, Any]:
        """Create another secret; return it with the values to paste.

        Raises:
            NotFound: there is no such integration.
        """
        integration = self._integration(integration_id)
        before = self._client(integration)
        client, secret = self.integrations.clients.rotate(before.client_id)
        self._note("linkedin_webhook.rotated", integration_id, before, client)
        return {**self._shown(integration, client), "client_secret": secret}

    def remove_secret(self, integration_id: str, n: int) -> None:
        """Revoke a secret.

        Raises:
            NotFound: there is no such integration or secret.
            Conflict: it is the last secret.
        """
        before = self._client(self._integration(integration_id))
        client = self.integrations.clients.remove_secret(before.client_id, n)
        self._note("linkedin_webhook.secret_deleted", integration_id, before, client)

    def _integration(self, integration_id: str) -> Integration:
        return self.integrations.store.get(integration_id)

    def _client(self, integration: Integration) -> Client:
        return self.integrations.clients.get(integration.webhook_client_id)

    def _shown(self, integration: Integration, client: Client) -> dict[str, Any]:
        mismatched = held_count(self.integrations.table, integration.id, "actor_mismatch", most=1)
        return presenting.webhook(integration, client, self.base_url, mismatched)

    def _note(self, action: str, integration_id: str, before: Client, after: Client) -> None:
        was, is_now = presenting.audited_secrets(before), presenting.audited_secrets(after)
        entry = audit.Entry(self.integrations.actor, action, before.client_id, integration_id, was, is_now)
        audit.record(self.integrations.table, entry, self.integrations.now())
