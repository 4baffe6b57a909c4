"""The signing keys, oldest first: the last one signs and all of them verify, so that rotation needs no pause."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


SECONDS_BETWEEN_FRESH_READS = 1


@dataclass(frozen=True)
class SigningKey:
    """A key for HS256: 64 random characters and the ``kid`` that names them in a token's header."""

    kid: str
    key: str = field(repr=False)
    created_at: str = ""


def keys_from_secret(value: dict[str, Any]) -> tuple[SigningKey, ...]:
    """Read the secret's JSON: ``{"keys": [...]}``, or the single key that CloudFormation generated."""
    entries = value.get("keys", [value])
    return tuple(SigningKey(entry["kid"], entry["key"], entry.get("created_at", "")) for entry in entries)


class SigningKeys:
    """The keys in force.

    Args:
        read: returns the secret's value; ``fresh=True`` bypasses every cache.
    """

    def __init__(self, read: Callable[..., dict[str, Any]]) -> None:
        self._read = read
        self._looked_past_cache = float("-inf")

    def newest(self) -> SigningKey:
        """Return the key that signs."""
        return keys_from_secret(self._read())[-1]

    def named(self, kid: str) -> SigningKey | None:
        """Return the key that a token names, or ``None``.

        An unknown key may have been created a moment ago, so the secret is read again past the cache, but at most
        once a second, so that forged tokens do not turn into calls to Secrets Manager.
        """
        return self._find(kid, fresh=False) or (self._find(kid, fresh=True) if self._may_look() else None)

    def _find(self, kid: str, *, fresh: bool) -> SigningKey | None:
        return next((key for key in keys_from_secret(self._read(fresh=fresh)) if key.kid == kid), None)

    def _may_look(self) -> bool:
        now = time.monotonic()
        if now - self._looked_past_cache < SECONDS_BETWEEN_FRESH_READS:
            return False
        self._looked_past_cache = now
        return True
