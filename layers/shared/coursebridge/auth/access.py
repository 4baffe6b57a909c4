"""Authorisation of calls: bearer tokens, checked against the current clients (RFC 6750)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.auth import scopes
from coursebridge.errors import Forbidden, InsufficientScope, Unauthorized

if TYPE_CHECKING:
    from coursebridge.auth.registry import Registry
    from coursebridge.auth.tokens import Grant, Tokens


@dataclass(frozen=True)
class Access:
    """Authorises calls by their bearer tokens."""

    registry: Registry
    tokens: Tokens

    def grant(self, authorization: str | None, scope: str) -> Grant:
        """Return what the caller's token grants.

        Raises:
            Unauthorized: the token is missing or not valid, or its client or secret has been revoked.
            InsufficientScope: the token is valid but lacks the scope.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("send the access token as 'Authorization: Bearer ...'")
        grant = self.tokens.verify(token.strip())
        client = self.registry.client(grant.client_id, grant.secret_n)
        if client is None or grant.secret_n not in {secret.n for secret in client.secrets}:
            raise Unauthorized("the client of this token, or the secret it was issued for, was revoked")
        if not scopes.grants(grant.scopes, scope):
            raise InsufficientScope(scope)
        return grant

    def within(self, grant: Grant, integration_id: str) -> None:
        """Check that a grant reaches an integration.

        Raises:
            Forbidden: the client belongs to another integration. The error does not reveal whether this one exists.
        """
        if grant.integration_id not in (None, integration_id):
            raise Forbidden("the client of this token belongs to another integration")

    def everywhere(self, grant: Grant) -> None:
        """Check that a grant is not bound to one integration.

        Raises:
            Forbidden: it is bound to one.
        """
        if grant.integration_id is not None:
            raise Forbidden("the client of this token is bound to one integration, but this call concerns all of them")
