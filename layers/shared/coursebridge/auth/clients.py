"""OAuth clients: who may request tokens, with which secrets and scopes.

A client secret is generated here, shown once and never stored: the table holds its SHA-256 digest, which is enough
because a secret has 256 random bits (``docs/decisions/0003-client-secrets-are-not-kept.md``).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coursebridge.storage import keys

if TYPE_CHECKING:
    from coursebridge.storage.table import Item

MOST_SECRETS = 2


@dataclass(frozen=True)
class ClientSecret:
    """One live secret of a client: its number, the digest of its text, and when it was created and last used."""

    n: int
    digest: str
    created_at: str
    last_used_at: str | None = None


@dataclass(frozen=True)
class Client:
    """A caller of this system.

    Attributes:
        client_id: its public id.
        name: what an admin calls it.
        scopes: everything its tokens may carry.
        integration_id: the one integration it reaches, or ``None`` for all of them.
        secrets: its live secrets, at most two.
        webhook: whether it is the client LinkedIn uses for its integration.
        secrets_made: the number of its newest secret, revoked or not. No number is used twice: otherwise, a token
            minted from a revoked secret would become valid again with the next one.
    """

    client_id: str
    name: str
    scopes: tuple[str, ...]
    integration_id: str | None
    created_at: str
    secrets: tuple[ClientSecret, ...] = field(default=())
    webhook: bool = False
    secrets_made: int = 0

    @property
    def newest(self) -> int:
        """The highest number that any of its secrets has had."""
        return max([self.secrets_made, *(secret.n for secret in self.secrets)])

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **keys.client(self.client_id).item(),
            **keys.clients(f"{self.created_at}#{self.client_id}").item(keys.GSI1),
            "client_id": self.client_id,
            "name": self.name,
            "scopes": list(self.scopes),
            "integration_id": self.integration_id,
            "created_at": self.created_at,
            "secrets": [vars(secret) for secret in self.secrets],
            "webhook": self.webhook,
            "secrets_made": self.secrets_made,
        }

    @classmethod
    def from_item(cls, item: Item) -> Client:
        """Read the table item."""
        return cls(
            client_id=item["client_id"],
            name=item["name"],
            scopes=tuple(item["scopes"]),
            integration_id=item["integration_id"],
            created_at=item["created_at"],
            secrets=tuple(ClientSecret(**secret) for secret in item["secrets"]),
            webhook=item["webhook"],
            secrets_made=int(item.get("secrets_made", 0)),
        )

    def with_new_secret(self, now: str) -> tuple[Client, str]:
        """Return the client with a new secret, and the secret's text; of two live secrets, the older one is dropped."""
        text = secrets.token_urlsafe(32)
        n = self.newest + 1
        kept = self.secrets[-(MOST_SECRETS - 1) :]
        return self._with((*kept, ClientSecret(n, digest(self.client_id, text), now)), n), text

    def without_secret(self, n: int) -> Client:
        """Return the client without its secret number ``n``."""
        return self._with(tuple(secret for secret in self.secrets if secret.n != n), self.newest)

    def _with(self, live: tuple[ClientSecret, ...], made: int) -> Client:
        return Client(**{**vars(self), "secrets": live, "secrets_made": made})


def digest(client_id: str, secret: str) -> str:
    """Return the digest by which a client's secret is recognised."""
    return hashlib.sha256(f"{client_id}:{secret}".encode()).hexdigest()


def matching_secret(client: Client | None, client_id: str, secret: str) -> int | None:
    """Return the number of the client's secret that has this text, or ``None``.

    An unknown client takes the same work as one with two secrets: one digest and two constant-time comparisons.
    """
    given = digest(client_id, secret)
    live = client.secrets if client else ()
    digests = [known.digest for known in live] + ["0" * 64] * (MOST_SECRETS - len(live))
    matches = [hmac.compare_digest(given, known) for known in digests]
    return live[matches.index(True)].n if any(matches) else None
