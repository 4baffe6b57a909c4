"""LinkedIn key pairs: tested first, then kept in Secrets Manager, and never shown again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge import secret_values
from coursebridge.clock import rfc3339
from coursebridge.errors import FieldError, InvalidRequest
from coursebridge.integrations import day_limit
from coursebridge.integrations.models import KeyPairNote
from coursebridge.linkedin.credentials import KeyPair, credentials_secret
from coursebridge.linkedin.errors import LinkedInError
from coursebridge.storage.run_shapes import KINDS
from coursebridge.storage.runs import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.admin.integrations import Integrations
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.credentials import Scope

DESCRIPTION = "A LinkedIn key pair of a Coursebridge integration"


@dataclass(frozen=True)
class Credentials:
    """Keeps the key pairs of integrations.

    Attributes:
        integrations: changes integrations on behalf of the caller.
        verify: asks LinkedIn for a token with a key pair; returns the time, or raises ``LinkedInError``.
    """

    integrations: Integrations
    verify: Callable[[str, str], datetime]

    def put(self, integration_id: str, scope: Scope, client_id: str, client_secret: str) -> Integration:
        """Save a key pair, provided that LinkedIn gives a token for it; the other pair is left alone.

        Raises:
            NotFound: there is no such integration.
            LinkedInError: LinkedIn gives no token; nothing was changed.
        """
        self.integrations.store.get(integration_id)
        pair = _trimmed(client_id, client_secret)
        try:
            verified_at = self.verify(pair.client_id, pair.client_secret)
        except LinkedInError as error:
            error.outside_of_runs()
            raise
        secret = {"client_id": pair.client_id, "client_secret": pair.client_secret, "verified_at": rfc3339(verified_at)}
        self._write(integration_id, scope, secret)
        for kind in KINDS:
            # The limit was another application's, or it has been raised since.
            day_limit.lift(RunStore(self.integrations.table, integration_id, kind))
        return self._note(integration_id, scope, "credentials.saved")

    def remove(self, integration_id: str, scope: Scope) -> Integration:
        """Forget a key pair, if there is one.

        Raises:
            NotFound: there is no such integration.
        """
        if getattr(self.integrations.store.get(integration_id).credentials, scope) is not None:
            # Emptied, not deleted: Secrets Manager blocks the name of a deleted secret for a while.
            self._write(integration_id, scope, {})
        return self._note(integration_id, scope, "credentials.deleted")

    def _name(self, integration_id: str, scope: Scope) -> str:
        return credentials_secret(self.integrations.secret_prefix, integration_id, scope)

    def _write(self, integration_id: str, scope: Scope, secret: dict[str, str]) -> None:
        secret_values.write(self._name(integration_id, scope), secret, DESCRIPTION)

    def _note(self, integration_id: str, scope: Scope, action: str) -> Integration:
        """Note the key pair on the integration, as read from the secret: it stays right if two admins save at once."""

        def noted(known: Integration) -> dict[str, object]:
            secret = secret_values.read_or_empty(self._name(integration_id, scope))
            note = {name: secret[name] for name in KeyPairNote.model_fields} if secret else None
            return {"credentials": {**known.credentials.model_dump(), scope: note}}

        return self.integrations.change(integration_id, action, noted).after


def _trimmed(client_id: str, client_secret: str) -> KeyPair:
    pair = KeyPair.of(client_id, client_secret)
    empty = [name for name in ("client_id", "client_secret") if not getattr(pair, name)]
    if empty:
        raise InvalidRequest("the key pair is incomplete", errors=tuple(FieldError(name, "is empty") for name in empty))
    return pair
