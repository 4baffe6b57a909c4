"""Access tokens for LinkedIn: minted with client credentials, shared by all invocations, renewed early.

Two official pages disagree about how long a token lives (30 minutes, 90 days), so only ``expires_in`` counts, from just
before the request. It is not known whether a new token invalidates an older one, so invocations share one token per
key pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from coursebridge.clock import parse_rfc3339, rfc3339, utc_now
from coursebridge.linkedin import answers
from coursebridge.linkedin.errors import CredentialsRefused, UnusableAnswer, safe_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.linkedin.credentials import KeyPair

TOKEN_PATH = "/oauth/v2/accessToken"  # noqa: S105  (a path)
EARLY_AT_MOST = timedelta(minutes=5)
EARLY_SHARE = 10
REFUSALS = (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


@dataclass(frozen=True)
class AccessToken:
    """A token and the time from which it is to be renewed."""

    value: str = field(repr=False)
    renew_at: datetime

    def usable(self, now: datetime) -> bool:
        """Whether it is not yet due for renewal."""
        return now < self.renew_at


class SharedTokens(Protocol):
    """The store of an integration's tokens that all invocations share: one JSON object, keyed by client id."""

    def read(self) -> dict[str, Any]:
        """Return the stored object, empty if there is none."""
        ...

    def write(self, tokens: dict[str, Any]) -> None:
        """Replace the stored object."""
        ...


def mint(http: httpx.Client, pair: KeyPair, now: Callable[[], datetime] = utc_now) -> AccessToken:
    """Ask LinkedIn for a token, in one call.

    Args:
        http: a client with LinkedIn's OAuth server as its base URL.
        pair: the key pair; httpx form-encodes ``/``, ``=`` and ``+`` in secrets.
        now: the clock.

    Raises:
        CredentialsRefused: LinkedIn gives no token for this pair.
        LinkedInError: the call failed in another way.
    """
    asked_at = now()
    form = {
        "grant_type": "client_credentials",
        "client_id": pair.client_id,
        "client_secret": pair.client_secret,
    }
    with answers.failures_sorted():
        response = http.post(TOKEN_PATH, data=form)
    return _token(_read(response, pair), asked_at)


class TokenSource:
    """The token of one key pair: from this process, else from the shared store, else a new one.

    Args:
        http: a client with LinkedIn's OAuth server as its base URL.
        pair: the key pair.
        shared: the tokens that all invocations share.
        now: the clock.
    """

    def __init__(
        self, http: httpx.Client, pair: KeyPair, shared: SharedTokens, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._http = http
        self._pair = pair
        self._shared = shared
        self._now = now
        self._held: AccessToken | None = None

    def token(self) -> str:
        """Return a token that is not yet due for renewal.

        Raises:
            LinkedInError: LinkedIn gives no token.
        """
        if self._held is None or not self._held.usable(self._now()):
            others = self._of_others()
            self._held = others if others and others.usable(self._now()) else self._renewed()
        return self._held.value

    def replace(self, rejected: str) -> str:
        """Return a token other than the rejected one: one that another invocation has minted since, else a new one."""
        other = self._of_others()
        fits = other is not None and other.value != rejected and other.usable(self._now())
        self._held = other if other and fits else self._renewed()
        return self._held.value

    def _of_others(self) -> AccessToken | None:
        entry = self._shared.read().get(self._pair.client_id)
        return AccessToken(entry["access_token"], parse_rfc3339(entry["renew_at"])) if entry else None

    def _renewed(self) -> AccessToken:
        token = mint(self._http, self._pair, self._now)
        now = rfc3339(self._now())
        # Tokens of replaced key pairs would pile up, and a secret holds at most 64 KB.
        others = {client_id: entry for client_id, entry in self._shared.read().items() if entry["renew_at"] > now}
        entry = {"access_token": token.value, "renew_at": rfc3339(token.renew_at)}
        self._shared.write({**others, self._pair.client_id: entry})
        return token


def _read(response: httpx.Response, pair: KeyPair) -> dict[str, Any]:
    if response.status_code in REFUSALS:
        body = _object(response)
        error, secret = str(body.get("error") or "refused").strip(), pair.client_secret
        raise CredentialsRefused(error, safe_message(body.get("error_description"), secret), secret)
    return answers.read(response, "content", pair.client_secret)


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _token(body: dict[str, Any], asked_at: datetime) -> AccessToken:
    try:
        value, lifetime = str(body["access_token"]), timedelta(seconds=int(body["expires_in"]))
        return AccessToken(value, asked_at + lifetime - min(EARLY_AT_MOST, lifetime / EARLY_SHARE))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnusableAnswer("LinkedIn's token answer lacks a usable access_token or expires_in") from error
