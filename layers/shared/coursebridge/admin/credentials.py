"""LinkedIn key pairs: tested before they are kept, kept in Secrets Manager, and never read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge import secret_values
from coursebridge.errors import FieldError, InvalidRequest
from coursebridge.integrations.models import KeyPairNote
from coursebridge.linkedin.credentials import KeyPair, credentials_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.admin.integrations import Integrations
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.credentials import Scope

DESCRIPTION = "LinkedIn key pairs of a Coursebridge integration"


@dataclass(frozen=True)
class Credentials:
    """Keeps the key pairs of integrations.

    Attributes:
        integrations: changes integrations on behalf of the caller.
        verify: asks LinkedIn for a token with a pair; returns when it gave one, and raises if it does not.
    """

    integrations: Integrations
    verify: Callable[[str, str], datetime]

    def put(self, integration_id: str, scope: Scope, client_id: str, client_secret: str) -> Integration:
        """Keep a key pair that LinkedIn gives a token for; the other pair is left alone.

        Raises:
            NotFound: there is no such integration.
            LinkedInError: LinkedIn gives none; nothing was changed.
        """
        self.integrations.store.get(integration_id)
        pair = _trimmed(client_id, client_secret)
        verified_at = self.verify(pair.client_id, pair.client_secret)
        self._write(integration_id, scope, {"client_id": pair.client_id, "client_secret": pair.client_secret})
        note = KeyPairNote(client_id=pair.client_id, verified_at=verified_at)
        return self._note(integration_id, scope, note, "credentials.saved")

    def remove(self, integration_id: str, scope: Scope) -> Integration:
        """Forget a key pair; one that is not there is fine.

        Raises:
            NotFound: there is no such integration.
        """
        if getattr(self.integrations.store.get(integration_id).credentials, scope) is not None:
            self._write(integration_id, scope, None)
        return self._note(integration_id, scope, None, "credentials.deleted")

    def _write(self, integration_id: str, scope: Scope, pair: dict[str, str] | None) -> None:
        name = credentials_secret(self.integrations.secret_prefix, integration_id)
        known = {"content": None, "report": None} | secret_values.read_or_empty(name)
        secret_values.write(name, {**known, scope: pair}, DESCRIPTION)

    def _note(self, integration_id: str, scope: Scope, note: KeyPairNote | None, action: str) -> Integration:
        return self.integrations.change(
            integration_id,
            action,
            lambda known: {"credentials": {**known.credentials.model_dump(), scope: note and note.model_dump()}},
        )


def _trimmed(client_id: str, client_secret: str) -> KeyPair:
    pair = KeyPair.of(client_id, client_secret)
    empty = [name for name in ("client_id", "client_secret") if not getattr(pair, name)]
    if empty:
        raise InvalidRequest("the key pair is incomplete", errors=tuple(FieldError(name, "is empty") for name in empty))
    return pair
