"""The token endpoint: client credentials in, access token out (RFC 6749, sections 2.3.1, 4.4 and 5)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from coursebridge.auth import scopes
from coursebridge.auth.clients import matching_secret
from coursebridge.auth.tokens import Grant

if TYPE_CHECKING:
    from coursebridge.auth.clients import Client
    from coursebridge.auth.registry import Registry
    from coursebridge.auth.throttle import Throttle
    from coursebridge.auth.tokens import Tokens
    from coursebridge.auth.usage import Usage

GRANT_TYPE = "client_credentials"
MOST_BODY_BYTES = 16_384
MOST_FIELDS = 32
LONGEST_CLIENT_ID = 200
NOBODY = "nobody"
PARAMETERS = frozenset({"grant_type", "client_id", "client_secret", "scope"})


class TokenError(Exception):
    """An error response (RFC 6749, section 5.2).

    Attributes:
        code: ``invalid_request``, ``invalid_client``, ``invalid_scope``, ``unauthorized_client`` or
            ``unsupported_grant_type``.
        basic: whether the client used HTTP Basic, which the response must then name.
        retry_after: seconds until the client may try again; 0 for at once.
    """

    def __init__(self, code: str, description: str, *, basic: bool = False, retry_after: int = 0) -> None:
        super().__init__(description)
        self.code = code
        self.basic = basic
        self.retry_after = retry_after

    @property
    def status(self) -> HTTPStatus:
        """Return 429 if the client must wait, 401 for ``invalid_client``, and 400 for everything else."""
        if self.retry_after:
            return HTTPStatus.TOO_MANY_REQUESTS
        return HTTPStatus.UNAUTHORIZED if self.code == "invalid_client" else HTTPStatus.BAD_REQUEST

    def body(self) -> dict[str, str]:
        """Return the error object."""
        return {"error": self.code, "error_description": str(self)}


@dataclass(frozen=True)
class TokenRequest:
    """A well-formed token request."""

    client_id: str
    client_secret: str = field(repr=False)
    scope: tuple[str, ...]
    basic: bool = False

    @classmethod
    def read(cls, body: bytes, authorization: str | None) -> TokenRequest:
        """Parse a request, whatever its content type.

        Raises:
            TokenError: the request is malformed, authenticates no client, or asks for another grant type.
        """
        form = _form(body)
        if "grant_type" not in form:
            raise TokenError("invalid_request", "the form lacks grant_type: send grant_type=...&client_id=...")
        if form["grant_type"] != GRANT_TYPE:
            raise TokenError("unsupported_grant_type", f"the only grant type supported is {GRANT_TYPE}")
        scope = tuple(form.get("scope", "").split())
        if authorization is None:
            return cls(*_in_the_form(form), scope)
        client_id, client_secret = _basic(authorization)
        if "client_secret" in form or form.get("client_id", client_id) != client_id:
            raise TokenError("invalid_request", "give the credentials in the form or in the header, not in both")
        return cls(client_id, client_secret, scope, basic=True)


def _form(body: bytes) -> dict[str, str]:
    if len(body) > MOST_BODY_BYTES:
        raise TokenError("invalid_request", "the form is too large for a token request")
    try:
        # A parameter without a value counts as omitted (RFC 6749, section 3.2).
        pairs = parse_qsl(body.decode().strip(), max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise TokenError("invalid_request", "the body is not a form in UTF-8") from error
    form = dict(pairs)
    if sum(name in PARAMETERS for name, _ in pairs) > sum(name in PARAMETERS for name in form):
        raise TokenError("invalid_request", "a parameter is given more than once")
    return form


def _in_the_form(form: dict[str, str]) -> tuple[str, str]:
    if not form.keys() & {"client_id", "client_secret"}:
        raise TokenError("invalid_client", "no client authentication is included: send client_id and client_secret")
    try:
        return form["client_id"].strip(), form["client_secret"].strip()
    except KeyError as missing:
        raise TokenError("invalid_request", f"the form lacks {missing.args[0]}") from missing


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise TokenError("invalid_client", "the Authorization header is not HTTP Basic", basic=True)
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError as error:
        raise TokenError("invalid_client", "the Basic credentials cannot be read", basic=True) from error
    if not colon:
        raise TokenError("invalid_client", "the Basic credentials cannot be read", basic=True)
    return unquote_plus(client_id), unquote_plus(secret)


@dataclass(frozen=True)
class Exchange:
    """Exchanges client credentials for access tokens.

    Attributes:
        registry: the clients.
        tokens: mints tokens.
        throttle: counts refusals.
        usage: notes when secrets are used.
    """

    registry: Registry
    tokens: Tokens
    throttle: Throttle
    usage: Usage

    def token(self, request: TokenRequest, source: str) -> dict[str, Any]:
        """Return the successful response (RFC 6749, section 5.1).

        Args:
            request: the request.
            source: the address it comes from.

        Raises:
            TokenError: the client id or secret is wrong, the caller must wait, or the client may not have what it
                requests.
        """
        client, secret_n = self._authenticated(request, source)
        granted = frozenset(request.scope or client.scopes)
        if not granted <= frozenset(scopes.ALL):
            raise TokenError("invalid_scope", f"the scopes are {' '.join(scopes.ALL)}")
        if not all(scopes.grants(frozenset(client.scopes), scope) for scope in granted):
            raise TokenError("invalid_scope", "the client is not allowed every scope that it requests")
        if client.integration_id and self.registry.integration(client.integration_id) is None:
            raise TokenError("unauthorized_client", "the integration of this client no longer exists")
        self.usage.note(client, secret_n)
        return {
            "access_token": self.tokens.mint(Grant(client.client_id, secret_n, client.integration_id, granted)),
            "token_type": "Bearer",
            "expires_in": self.tokens.lifetime_seconds,
            "scope": " ".join(sorted(granted)),
        }

    def _authenticated(self, request: TokenRequest, source: str) -> tuple[Client, int]:
        """Return the client and the number of the secret that it sent.

        An unknown client takes the same calls and the same work as a wrong secret.
        """
        client_id = request.client_id if len(request.client_id) <= LONGEST_CLIENT_ID else NOBODY
        refusals = self.throttle.key(source, client_id)
        client, refused = self.registry.client_and_refusals(client_id, refusals)
        secret_n = matching_secret(client, client_id, request.client_secret)
        if wait := self.throttle.wait(refused):
            raise TokenError(
                "invalid_client", "refused too often; wait before trying again", basic=request.basic, retry_after=wait
            )
        if client is None or secret_n is None:
            self.throttle.count(refusals)
            raise TokenError("invalid_client", "the client id or the client secret is wrong", basic=request.basic)
        return client, secret_n
