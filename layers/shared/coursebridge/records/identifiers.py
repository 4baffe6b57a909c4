"""Identifiers of people: their kinds and their normalised form."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Literal, NamedTuple, TypeGuard

Kind = Literal["email", "username", "external_id", "profile_urn"]
KINDS: tuple[Kind, ...] = ("email", "username", "external_id", "profile_urn")
Identification = Literal["email", "username", "external_id"]
"""The kind of identifier by which an integration's statements name learners."""
MOST_BYTES = 512
"""Longer identifiers identify nobody: an e-mail address has at most 320 bytes, and the table's keys are limited."""


class Identifier(NamedTuple):
    """An identifier in its normalised form, as used in comparisons and keys."""

    kind: Kind
    value: str

    @property
    def awaited(self) -> str:
        """Return the text by which a held statement names this identifier as awaited."""
        return f"{self.kind}:{self.value}"

    @classmethod
    def awaiting(cls, awaited: str) -> Identifier:
        """Return the identifier that such a text names."""
        kind, _, value = awaited.partition(":")
        return cls(kind, value)  # type: ignore[arg-type]  # written from one


def normalised(kind: Kind, value: str) -> Identifier:
    """Return an identifier in its normalised form.

    Surrounding white space is removed and Unicode is composed. E-mail addresses are also case-folded, because LinkedIn
    does not normalise their case; user names and ids keep theirs.
    """
    text = unicodedata.normalize("NFC", value.strip())
    if kind == "email":
        # Case folding decomposes some letters (Greek ones with two accents) but not their capitals, so compose again.
        text = unicodedata.normalize("NFC", text.casefold())
    return Identifier(kind, text)


def usable(value: str | None) -> TypeGuard[str]:
    """Whether a value can identify anybody: it is not blank and not absurdly long."""
    return value is not None and bool(value.strip()) and len(value.encode()) <= MOST_BYTES


def digest(identifier: Identifier, key: str) -> str:
    """Return the keyed digest that recognises an erased identifier without revealing it."""
    return hmac.new(key.encode(), f"{identifier.kind}:{identifier.value}".encode(), hashlib.sha256).hexdigest()
