"""Seals and opens list cursors: signed positions of the next page, each valid for one list only.

A cursor is a JSON Web Token with an audience of its own, so that an access token cannot be used as a cursor, nor a
cursor as an access token.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt

from coursebridge.auth import wiring
from coursebridge.auth.tokens import ALGORITHM
from coursebridge.errors import FieldError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coursebridge.auth.signing import SigningKeys

AUDIENCE = "coursebridge-cursor"


@dataclass(frozen=True)
class Cursors:
    """Seals and opens cursors.

    Attributes:
        keys: the signing keys in force.
        field: the request parameter that carries the cursor, for error messages.
    """

    keys: SigningKeys
    field: str = "cursor"

    def seal(self, position: Mapping[str, Any], context: str) -> str:
        """Return a cursor.

        Args:
            position: where the next page starts, such as the table's ``last_key``; anything that JSON can represent.
            context: what the cursor is valid for (integration, path and filters), in any fixed spelling.
        """
        key = self.keys.newest()
        claims = {"aud": AUDIENCE, "ctx": _mark(context), "pos": dict(position)}
        return jwt.encode(claims, key.key, algorithm=ALGORITHM, headers={"kid": key.kid})

    def open(self, cursor: str, context: str) -> dict[str, Any]:
        """Return the position sealed in a cursor.

        Raises:
            InvalidRequest: the cursor was tampered with, signed with a key that is gone, or made for another list.
        """
        try:
            key = self.keys.named(str(jwt.get_unverified_header(cursor).get("kid")))
            if key is None:
                raise self._refusal()
            claims = jwt.decode(
                cursor,
                key.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["aud", "ctx", "pos"]},
            )
        except jwt.InvalidTokenError as error:
            raise self._refusal() from error
        if claims["ctx"] != _mark(context):
            raise self._refusal()
        position: dict[str, Any] = claims["pos"]
        return position

    def _refusal(self) -> InvalidRequest:
        detail = "is not a cursor of this list; start again without it"
        return InvalidRequest(f"{self.field} {detail}", errors=(FieldError(self.field, detail),))


@cache
def cursors(field: str = "cursor") -> Cursors:
    """Return this process's :class:`Cursors` for a request parameter."""
    return Cursors(wiring.tokens().keys, field)


def _mark(context: str) -> str:
    return hashlib.sha256(context.encode()).hexdigest()[:32]
