"""Applications, their keys, and the access tokens minted for them."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from urllib.parse import parse_qsl

from sandbox.clock import now_ms
from sandbox.errors import ApiError, OAuthError
from sandbox.settings import Json

REMEMBERED_TOKENS = 10_000


class Key(StrEnum):
    """The resources that an application may read, as an admin selects them when creating it."""

    CONTENT = "content"
    REPORT = "report"


@dataclass(frozen=True)
class Application:
    """A client of LinkedIn's API.

    Attributes:
        client_id: the public id.
        client_secret: the secret; like LinkedIn's newer secrets, the default ones contain `/`, `=` and `+`, which have
            to be form-encoded.
        keys: the resources it may read.
        two_legged: whether LinkedIn has enabled the client credentials grant for it.
    """

    client_id: str
    client_secret: str
    keys: frozenset[Key]
    two_legged: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.client_id, str) or not isinstance(self.client_secret, str):
            raise ValueError("client_id and client_secret are text.")  # noqa: TRY004


DEFAULT_APPLICATIONS = (
    Application("sandbox-content", "WPL_AP1.content/Zm9v+YmFy==", frozenset({Key.CONTENT})),
    Application("sandbox-report", "WPL_AP1.report/cXV4+YmF6==", frozenset({Key.REPORT})),
    Application("sandbox-both", "WPL_AP1.both/c2Vj+cmV0==", frozenset(Key)),
    Application("sandbox-denied", "WPL_AP1.denied/bm8+cGU==", frozenset(Key), two_legged=False),
)


@dataclass
class Token:
    """An access token that has been issued."""

    application: Application
    minted_at: int
    expires_at: int
    calls: int = 0
    revoked: bool = False


class Tokens:
    """The authorisation server: the applications and the tokens issued to them."""

    def __init__(self) -> None:
        self.applications = {application.client_id: application for application in DEFAULT_APPLICATIONS}
        self._tokens: OrderedDict[str, Token] = OrderedDict()

    def mint(self, form: dict[str, str], seconds: int) -> Json:
        """Return the response to a token request.

        Raises:
            OAuthError: a parameter is missing or invalid, or the client is unknown or may not use this grant.
        """
        application = self._client(form)
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "invalid_request", 'A required parameter "grant_type" is missing or unknown')
        if not application.two_legged:
            raise OAuthError(400, "access_denied", "This application is not allowed to create application tokens")
        # Several hundred characters, like LinkedIn's tokens: clients must not limit them to 255.
        value = "AQ" + secrets.token_urlsafe(330)
        at = now_ms()
        self._tokens[value] = Token(application, at, at + seconds * 1000)
        if len(self._tokens) > REMEMBERED_TOKENS:
            self._tokens.popitem(last=False)
        return {"access_token": value, "expires_in": seconds}

    def introspect(self, form: dict[str, str]) -> Json:
        """Return the response to a token introspection request (LinkedIn's `introspectToken`)."""
        application = self._client(form)
        token = self._tokens.get(form.get("token", ""))
        if token is None or token.application != application:
            return {"active": False}
        active = not token.revoked and token.expires_at > now_ms()
        return {
            "active": active,
            "status": "active" if active else ("revoked" if token.revoked else "expired"),
            "client_id": application.client_id,
            "created_at": token.minted_at // 1000,
            "authorized_at": token.minted_at // 1000,
            "expires_at": token.expires_at // 1000,
            "auth_type": "2L",
        }

    def authorize(self, authorization: str, key: Key, operation: str) -> Token:
        """Check that a call is allowed and return its token.

        Raises:
            ApiError: 401 if there is no token, or it is unknown, revoked or expired; 403 if its application lacks the
                key.
        """
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "bearer" or not value:
            raise ApiError(401, "Empty oauth2_access_token", 65604)
        token = self._tokens.get(value)
        if token is None:
            raise ApiError(401, "Invalid access token", 65600)
        if token.revoked:
            raise ApiError(401, "The token used in the request has been revoked by the user", 65601)
        if token.expires_at <= now_ms():
            raise ApiError(401, "The token used in the request has expired", 65602)
        if key not in token.application.keys:
            raise ApiError(403, f"Not enough permissions to access: {operation}", 100)
        token.calls += 1
        return token

    def _client(self, form: dict[str, str]) -> Application:
        for name in ("client_id", "client_secret"):
            if not form.get(name):
                raise OAuthError(400, "invalid_request", f'A required parameter "{name}" is missing')
        application = self.applications.get(form["client_id"])
        secret = application.client_secret if application else ""
        if application is None or not compare_digest(secret.encode(), form["client_secret"].encode()):
            raise OAuthError(401, "invalid_client", "Client authentication failed")
        return application


def form_body(body: bytes) -> dict[str, str]:
    """Return the fields of a form-encoded body."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
