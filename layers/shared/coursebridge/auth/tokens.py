"""Access tokens: JSON Web Tokens signed with HS256 (RFC 7519, RFC 6750)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt

from coursebridge.clock import utc_now
from coursebridge.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.auth.signing import SigningKeys

ALGORITHM = "HS256"
AUDIENCE = "coursebridge"
REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "scope"]
LEEWAY_SECONDS = 5


@dataclass(frozen=True)
class Grant:
    """What a token says: its client, the secret it was minted with, and what it may reach."""

    client_id: str
    secret_n: int
    integration_id: str | None
    scopes: frozenset[str]


@dataclass(frozen=True)
class Tokens:
    """Mints and verifies tokens.

    Attributes:
        keys: the signing keys in force.
        issuer: the ``iss`` of every token: the stack's name.
        lifetime_seconds: how long a token is valid.
        now: the clock.
    """

    keys: SigningKeys
    issuer: str
    lifetime_seconds: int = 3600
    now: Callable[[], datetime] = utc_now

    def mint(self, grant: Grant) -> str:
        """Return a signed token for a grant."""
        key, issued = self.keys.newest(), int(self.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": grant.client_id,
            "secret_n": grant.secret_n,
            "integration": grant.integration_id,
            "scope": " ".join(sorted(grant.scopes)),
            "iat": issued,
            "exp": issued + self.lifetime_seconds,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, key.key, algorithm=ALGORITHM, headers={"kid": key.kid})

    def verify(self, token: str) -> Grant:
        """Return what a token grants.

        Raises:
            Unauthorized: the token is malformed, forged, expired, or of another issuer or audience.
        """
        try:
            key = self.keys.named(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise Unauthorized("the token was signed with a key that is no longer valid; get a new token")
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("the token has expired; get a new token") from error
        except jwt.InvalidTokenError as error:
            raise Unauthorized("the token is not valid") from error
        return Grant(claims["sub"], claims["secret_n"], claims["integration"], frozenset(claims["scope"].split()))
