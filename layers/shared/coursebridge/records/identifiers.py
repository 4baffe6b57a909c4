"""Identifiers of people: their kinds, and the form in which they are compared."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Literal, NamedTuple, TypeGuard

Kind = Literal["email", "username", "external_id", "profile_urn"]
KINDS: tuple[Kind, ...] = ("email", "username", "external_id", "profile_urn")
Identification = Literal["email", "username", "external_id"]
"""By what an integration's statements name learners."""
MOST_BYTES = 512
"""Longer ones are nobody's: an e-mail address has at most 320, and keys of the table have bounds of their own."""


class Identifier(NamedTuple):
    """An identifier in the form in which it is compared and kept as a key."""

    kind: Kind
    value: str

    @property
    def awaited(self) -> str:
        """Return how a held statement names what it waits for."""
        return f"{self.kind}:{self.value}"

    @classmethod
    def awaiting(cls, awaited: str) -> Identifier:
        """Return the identifier that is named so."""
        kind, _, value = awaited.partition(":")
        return cls(kind, value)  # type: ignore[arg-type]  # written from one


def normalised(kind: Kind, value: str) -> Identifier:
    """Return an identifier in its comparable form.

    White space around it goes and Unicode is composed. E-mail addresses are compared without regard to case, as
    LinkedIn does not normalise it; user names and ids are compared as they are.
    """
    text = unicodedata.normalize("NFC", value.strip())
    if kind == "email":
        # Folding takes some letters apart (Greek ones with two accents), which their capitals are not.
        text = unicodedata.normalize("NFC", text.casefold())
    return Identifier(kind, text)


def usable(value: str | None) -> TypeGuard[str]:
    """Whether a value can identify anybody: there is one, and it is not absurdly long."""
    return value is not None and bool(value.strip()) and len(value.encode()) <= MOST_BYTES


def digest(identifier: Identifier, key: str) -> str:
    """Return the keyed digest by which an erased identifier is recognised and from which it cannot be read."""
    return hmac.new(key.encode(), f"{identifier.kind}:{identifier.value}".encode(), hashlib.sha256).hexdigest()
