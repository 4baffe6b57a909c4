"""LinkedIn key pairs: tested first, then kept in Secrets Manager, and never shown again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge import secret_values
from coursebridge.clock import rfc3339
from coursebridge.errors import FieldError, InvalidRequest
from coursebridge.integrations import day_limit
from coursebridge.integrations.models import KeyPairNote
from coursebridge.linkedin import probing
from coursebridge.linkedin.credentials import OTHER, KeyPair, credentials_secret
from coursebridge.linkedin.errors import KEY_OF_SCOPE, KeyMissing, LinkedInError, Unreachable
from coursebridge.storage.run_shapes import KINDS
from coursebridge.storage.runs import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coursebridge.admin.integrations import Integrations
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.linkedin.credentials import Scope
    from coursebridge.linkedin.tokens import AccessToken

DESCRIPTION = "A LinkedIn key pair of a Coursebridge integration"
READS: dict[Scope, str] = {"content": "the catalogue", "report": "activity reports"}


@dataclass(frozen=True)
class Saved:
    """An integration whose key pair was saved, and what LinkedIn does not let the pair read."""

    integration: Integration
    warning: str | None


@dataclass(frozen=True)
class Credentials:
    """Keeps the key pairs of integrations.

    Attributes:
        integrations: changes integrations on behalf of the caller.
        verify: asks LinkedIn for a token with a key pair, or raises ``LinkedInError``.
        trial: returns what makes LinkedIn clients, by scope, that use a key pair not saved yet and its token.
        time_is_up: whether to save without asking LinkedIn for more.
    """

    integrations: Integrations
    verify: Callable[[str, str], AccessToken]
    trial: Callable[[KeyPair, AccessToken], Callable[[Scope], LinkedInClient]]
    time_is_up: Callable[[], bool]

    def put(self, integration_id: str, scope: Scope, client_id: str, client_secret: str) -> Saved:
        """Save a key pair, provided that LinkedIn gives a token for it; the other pair is left alone.

        A pair that lacks a key is saved with a warning, because LinkedIn may grant the key later.

        Raises:
            NotFound: there is no such integration.
            LinkedInError: LinkedIn gives no token; nothing was changed.
        """
        integration = self.integrations.store.get(integration_id)
        pair = _trimmed(client_id, client_secret)
        try:
            token = self.verify(pair.client_id, pair.client_secret)
        except LinkedInError as error:
            error.outside_of_runs()
            raise
        verified_at = self.integrations.now()
        linkedin = self.trial(pair, token)
        refusals = {served: self._refusal(integration, served, linkedin) for served in _served(integration, scope)}
        secret = {
            "client_id": pair.client_id,
            "client_secret": pair.client_secret,
            "verified_at": rfc3339(verified_at),
            "scopes": {served: _granted(refusal) for served, refusal in refusals.items()},
        }
        self._write(integration_id, scope, secret)
        for kind in KINDS:
            # The limit was another application's, or it has been raised since.
            day_limit.lift(RunStore(self.integrations.table, integration_id, kind))
        noted = self._note(integration_id, scope, "credentials.saved")
        warnings = [_warning(served, refusal) for served, refusal in refusals.items() if refusal]
        return Saved(noted, " ".join(warnings) or None)

    def remove(self, integration_id: str, scope: Scope) -> Integration:
        """Forget a key pair, if there is one.

        Raises:
            NotFound: there is no such integration.
        """
        if getattr(self.integrations.store.get(integration_id).credentials, scope) is not None:
            # Emptied, not deleted: Secrets Manager blocks the name of a deleted secret for a while.
            self._write(integration_id, scope, {})
        return self._note(integration_id, scope, "credentials.deleted")

    def _refusal(
        self, integration: Integration, scope: Scope, linkedin: Callable[[Scope], LinkedInClient]
    ) -> LinkedInError | None:
        """Return why LinkedIn does not give a page of a scope; ``None`` if it does."""
        try:
            if self.time_is_up():
                raise Unreachable("in time")
            asset_type = integration.filters.asset_types[0]
            probing.read_one_page(linkedin(scope), scope, asset_type, self.integrations.now())
        except LinkedInError as error:
            error.outside_of_runs()
            return error
        return None

    def _name(self, integration_id: str, scope: Scope) -> str:
        return credentials_secret(self.integrations.secret_prefix, integration_id, scope)

    def _write(self, integration_id: str, scope: Scope, secret: Mapping[str, object]) -> None:
        secret_values.write(self._name(integration_id, scope), secret, DESCRIPTION)

    def _note(self, integration_id: str, scope: Scope, action: str) -> Integration:
        """Note the key pair on the integration, as read from the secret: it stays right if two admins save at once."""

        def noted(known: Integration) -> dict[str, object]:
            secret = secret_values.read_or_empty(self._name(integration_id, scope))
            note = {name: secret[name] for name in KeyPairNote.model_fields if name in secret} or None
            return {"credentials": {**known.credentials.model_dump(), scope: note}}

        return self.integrations.change(integration_id, action, noted).after


def _served(integration: Integration, scope: Scope) -> Iterator[Scope]:
    """Yield the scopes that the pair of a scope serves: the other one too if that has no pair and is needed."""
    yield scope
    other = OTHER[scope]
    if getattr(integration.credentials, other) is None and (other == "content" or integration.activity.enabled):
        yield other


def _granted(refusal: LinkedInError | None) -> bool | None:
    """Return whether LinkedIn lets a pair read; ``None`` if it failed for another reason."""
    return None if refusal and not isinstance(refusal, KeyMissing) else refusal is None


def _warning(scope: Scope, refusal: LinkedInError) -> str:
    if isinstance(refusal, KeyMissing):
        return (
            f"LinkedIn does not let this key pair read {READS[scope]}: its application lacks the {KEY_OF_SCOPE[scope]} "
            f"key. {refusal.remedy} If LinkedIn adds the key to this application, save the pair again."
        )
    return f"LinkedIn could not be asked for {READS[scope]}: {refusal.detail}. {refusal.remedy}"


def _trimmed(client_id: str, client_secret: str) -> KeyPair:
    pair = KeyPair.of(client_id, client_secret)
    empty = [name for name in ("client_id", "client_secret") if not getattr(pair, name)]
    if empty:
        raise InvalidRequest("the key pair is incomplete", errors=tuple(FieldError(name, "is empty") for name in empty))
    return pair
