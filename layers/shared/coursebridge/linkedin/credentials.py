"""The LinkedIn key pairs of an integration, and which one serves which scope.

Secrets Manager holds ``{"client_id", "client_secret", "verified_at", "scopes"}`` in one secret per scope, so that two
admins who save both pairs at the same time do not overwrite each other; the object is empty once a pair is removed.
Either pair alone serves both scopes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.linkedin.errors import CredentialsRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Scope = Literal["content", "report"]
SCOPES: tuple[Scope, ...] = ("content", "report")
OTHER: dict[Scope, Scope] = {"content": "report", "report": "content"}


@dataclass(frozen=True)
class KeyPair:
    """A Client ID and Client Secret, without the white space that copying can add."""

    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def of(cls, client_id: str, client_secret: str) -> KeyPair:
        """Return a pair with both values trimmed."""
        return cls(client_id.strip(), client_secret.strip())


def pair_for(scope: Scope, read: Callable[[Scope], Mapping[str, Any]]) -> KeyPair:
    """Return the pair that serves a scope: its own, else that of the other scope.

    Args:
        scope: the scope.
        read: returns the content of a scope's secret; empty if there is no pair.

    Raises:
        CredentialsRefused: the integration has no pair at all.
    """
    entry = read(scope) or read(OTHER[scope])
    if not entry:
        raise CredentialsRefused("credentials_missing", "")
    return KeyPair.of(entry["client_id"], entry["client_secret"])


def credentials_secret(prefix: str, integration_id: str, scope: Scope) -> str:
    """Return the name of the secret with an integration's key pair for a scope."""
    return f"{prefix}integrations/{integration_id}/credentials/{scope}"


def tokens_secret(prefix: str, integration_id: str) -> str:
    """Return the name of the secret with an integration's access tokens."""
    return f"{prefix}integrations/{integration_id}/tokens"
