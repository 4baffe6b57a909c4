"""The LinkedIn key pairs of an integration: which one serves which scope.

Secrets Manager holds ``{"content": {"client_id", "client_secret", ...} | null, "report": ...}`` for each
integration. Either pair alone serves both scopes (seed: JupiterOne, "How the integration resolves credentials").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.linkedin.errors import CredentialsRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

Scope = Literal["content", "report"]
OTHER: dict[Scope, Scope] = {"content": "report", "report": "content"}


@dataclass(frozen=True)
class KeyPair:
    """A Client ID and Client Secret, without the white space that copying brings along."""

    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def of(cls, client_id: str, client_secret: str) -> KeyPair:
        """Return a pair, trimmed."""
        return cls(client_id.strip(), client_secret.strip())


def pair_for(scope: Scope, secret: Mapping[str, Any]) -> KeyPair:
    """Return the pair that serves a scope: its own, else the other's.

    Raises:
        CredentialsRefused: the integration has no pair at all.
    """
    entry = secret.get(scope) or secret.get(OTHER[scope])
    if not entry:
        raise CredentialsRefused("credentials_missing", "")
    return KeyPair.of(entry["client_id"], entry["client_secret"])


def credentials_secret(prefix: str, integration_id: str) -> str:
    """Return the name of the secret with an integration's key pairs."""
    return f"{prefix}integrations/{integration_id}/credentials"


def tokens_secret(prefix: str, integration_id: str) -> str:
    """Return the name of the secret with an integration's access tokens."""
    return f"{prefix}integrations/{integration_id}/tokens"
