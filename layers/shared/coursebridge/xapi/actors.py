"""Reads who a statement is about: the inverse functional identifiers of xAPI 1.0.3, Data 2.4.2.3."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from coursebridge.xapi.values import is_text

MAILTO = "mailto:"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of an actor.

    Attributes:
        type: ``email``, ``account``, ``mbox_sha1sum`` or ``openid``.
        value: the address without ``mailto:``, the account's name, the digest or the OpenID, as sent.
    """

    type: str
    value: str

    def digest(self) -> str:
        """Return the digest by which statements of this identifier are found.

        It ignores letter case and an account's home page, so that one look-up finds every statement that may be
        meant. Callers that need the exact identifier compare the statements found.
        """
        return hashlib.sha256(f"{self.type}:{self.value.casefold()}".encode()).hexdigest()


def email(actor: Any) -> str | None:  # noqa: ANN401  (whatever the statement contains)
    """Return the address of an actor's ``mbox``, without ``mailto:``."""
    mbox = _text(actor, "mbox")
    if mbox is None:
        return None
    address = mbox[len(MAILTO) :] if mbox[: len(MAILTO)].lower() == MAILTO else mbox
    return address.strip() or None


def account_name(actor: Any) -> str | None:  # noqa: ANN401
    """Return the name of an actor's ``account``."""
    return _text(actor.get("account"), "name") if isinstance(actor, dict) else None


def identifier(actor: Any, *, account_first: bool = False) -> Identifier | None:  # noqa: ANN401
    """Return an actor's identifier; of several preferably the address, or with ``account_first`` the account."""
    candidates = {
        **({"account": account_name(actor)} if account_first else {}),
        "email": email(actor),
        "account": account_name(actor),
        "mbox_sha1sum": _text(actor, "mbox_sha1sum"),
        "openid": _text(actor, "openid"),
    }
    return next((Identifier(type_, value) for type_, value in candidates.items() if value), None)


def _text(holder: Any, name: str) -> str | None:  # noqa: ANN401
    value = holder.get(name) if isinstance(holder, dict) else None
    return (value.strip() or None) if isinstance(value, str) and is_text(value) else None
