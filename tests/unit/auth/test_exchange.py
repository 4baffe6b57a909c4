"""Token requests, and how long and for what tokens are valid (RFC 6749, RFC 6750)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import token_handler
from coursebridge.auth import wiring
from coursebridge.auth.clients import Client
from coursebridge.auth.exchange import TokenRequest
from coursebridge.auth.signing import SigningKey, SigningKeys
from coursebridge.auth.tokens import Grant, Tokens
from coursebridge.clock import utc_now
from coursebridge.errors import Forbidden, InsufficientScope, Unauthorized
from coursebridge.storage import keys
from unit.conftest import Context
from xapi_builders import request

if TYPE_CHECKING:
    from unit.auth.conftest import Door

KEY = {"kid": "k1", "key": "s" * 64}


def ask(body: str, authorization: str | None = None, **event: Any) -> tuple[int, dict[str, str], Any]:
    headers = {"Authorization": authorization} if authorization else {}
    sent = request("POST", "/oauth2/token", body, headers=headers, **event)
    answer = token_handler.lambda_handler(sent, Context())
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


def form(door: Door, **changes: str | None) -> dict[str, str]:
    whole: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": door.client.client_id,
        "client_secret": door.secret,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_a_good_request_gets_a_token_that_says_whose_it_is(door: Door) -> None:
    status, headers, body = ask(urlencode(form(door, scope="learning:read")))

    claims = jwt.decode(body["access_token"], KEY["key"], algorithms=["HS256"], audience="coursebridge")
    assert (status, body["token_type"], body["expires_in"], body["scope"]) == (200, "Bearer", 3600, "learning:read")
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("application/json;charset=UTF-8", "no-store")
    assert {"iss", "aud", "sub", "integration", "scope", "iat", "exp", "jti"} <= claims.keys()
    assert claims["sub"] == "client-1"


def test_a_base64_body_is_the_same(door: Door) -> None:
    encoded = base64.b64encode(urlencode(form(door)).encode()).decode()

    assert ask(encoded, isBase64Encoded=True)[0] == 200


@pytest.mark.parametrize("spelling", ["{}&", "&{}", "{}&&", "{}&scope", "{}&scope=", "{}&client_id", " {}\r\n"])
def test_what_says_nothing_in_a_form_changes_nothing(door: Door, spelling: str) -> None:
    status, _, body = ask(spelling.format(urlencode(form(door))))

    assert (status, body.get("scope")) == (200, " ".join(sorted(door.client.scopes)))


def test_a_secret_without_a_value_beside_the_header_is_not_given_twice(door: Door) -> None:
    assert ask("grant_type=client_credentials&client_secret=", basic("client-1", door.secret))[0] == 200


def test_credentials_in_the_header_are_as_good(door: Door) -> None:
    bare = urlencode(form(door, client_id=None, client_secret=None))

    assert ask(bare, basic("client-1", door.secret))[0] == 200
    status, headers, _ = ask(bare, basic("client-1", "wrong"))
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="coursebridge"')


def test_credentials_in_the_header_are_form_encoded(door: Door) -> None:
    """RFC 6749, section 2.3.1."""
    encoded = "".join(f"%{byte:02X}" for byte in door.secret.encode())
    bare = urlencode(form(door, client_id=None, client_secret=None))

    assert ask(bare, basic("client%2D1", encoded))[0] == 200


@pytest.mark.parametrize(
    ("changes", "authorization", "error"),
    [
        ({"grant_type": None}, None, "invalid_request"),
        ({"grant_type": "password"}, None, "unsupported_grant_type"),
        ({"client_id": None, "client_secret": None}, None, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, None, "invalid_client"),
        ({"client_id": None}, None, "invalid_request"),
        ({"client_secret": None}, None, "invalid_request"),
        ({"client_secret": ""}, None, "invalid_request"),
        ({"client_secret": "wrong"}, None, "invalid_client"),
        ({"scope": "moon"}, None, "invalid_scope"),
        ({"scope": "admin:write"}, None, "invalid_scope"),
        ({"scope": "learning:read admin:write"}, None, "invalid_scope"),
        ({}, basic("client-1", "any"), "invalid_request"),
        ({"client_secret": None}, basic("another", "any"), "invalid_request"),
        ({"client_secret": None}, "Bearer abc", "invalid_client"),
        ({"client_secret": None}, "Basic ???", "invalid_client"),
        ({"client_secret": None}, "Basic café", "invalid_client"),
        ({"client_secret": None}, "Basic " + base64.b64encode(b"nocolon").decode(), "invalid_client"),
        ({"client_secret": None}, "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "invalid_client"),
    ],
)
def test_a_bad_request_gets_the_error_of_the_rfc(
    door: Door, changes: dict[str, str | None], authorization: str | None, error: str
) -> None:
    status, headers, body = ask(urlencode(form(door, **changes)), authorization)

    assert (status, body["error"]) == (401 if error == "invalid_client" else 400, error)
    assert body["error_description"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "a=1&a",
        '{"grant_type": "client_credentials"}',
        "grant_type=%ff",
        "grant_type=",
        "x=" + "y" * 20_000,
        "&".join(["grant_type=a"] * 2),
    ],
)
def test_a_body_that_is_no_form_is_an_invalid_request(door: Door, body: str) -> None:
    status, _, answered = ask(body)

    assert (status, answered["error"]) == (400, "invalid_request")


@given(body=st.text(max_size=300), authorization=st.none() | st.text(st.characters(codec="latin-1"), max_size=100))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_sent_is_refused_in_the_rfcs_form(door: Door, body: str, authorization: str | None) -> None:
    status, _, answered = ask(body, authorization)

    assert status in (400, 401, 429)
    assert answered["error"] in ("invalid_request", "invalid_client", "unsupported_grant_type")


def test_a_client_of_an_integration_that_is_gone_gets_no_token(door: Door) -> None:
    bound, secret = Client("client-2", "LMS", ("learning:read",), "gone", "2026").with_new_secret("2026")
    door.table.put(bound.to_item())

    status, _, body = ask(urlencode(form(door, client_id="client-2", client_secret=secret)))

    assert (status, body["error"]) == (400, "unauthorized_client")


def test_a_client_of_an_integration_that_is_there_gets_one(door: Door) -> None:
    bound, secret = Client("client-2", "LMS", ("learning:read",), "here", "2026").with_new_secret("2026")
    door.table.put(bound.to_item())
    door.table.put({**keys.integration("here").item(), "id": "here"})

    assert ask(urlencode(form(door, client_id="client-2", client_secret=secret)))[0] == 200


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SigningKeys(lambda **_options: KEY), "coursebridge")


GRANT = Grant("client-1", 1, None, frozenset({"learning:read"}))


def forged(tokens: Tokens, key: str = KEY["key"], kid: str = "k1", **changes: Any) -> str:
    claims = jwt.decode(tokens.mint(GRANT), options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm="HS256", headers={"kid": kid})


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "x" * 64}, {"kid": "other"}, {"iss": "elsewhere"}, {"aud": "coursebridge-cursor"}, {"exp": 1},
        {"sub": None}, {"jti": None}, {"exp": None}, {"scope": None},
    ],
)  # fmt: skip
def test_a_token_that_is_forged_expired_or_meant_for_somebody_else_is_refused(
    tokens: Tokens, changes: dict[str, Any]
) -> None:
    with pytest.raises(Unauthorized):
        tokens.verify(forged(tokens, **changes))


def test_a_token_is_good_for_its_hour_and_no_longer_than_clocks_differ(tokens: Tokens) -> None:
    now = int(utc_now().timestamp())

    assert tokens.verify(forged(tokens, integration="acme", exp=now - 1)).client_id == "client-1"
    with pytest.raises(Unauthorized, match="expired"):
        tokens.verify(forged(tokens, integration="acme", exp=now - 30))


@pytest.mark.parametrize("token", ["", "x", "x.y.z", "e30.e30.e30"])
def test_what_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(Unauthorized):
        tokens.verify(token)


def test_a_token_without_a_signature_is_refused(tokens: Tokens) -> None:
    claims = jwt.decode(tokens.mint(GRANT), options={"verify_signature": False})

    with pytest.raises(Unauthorized):
        tokens.verify(jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"}))


def test_neither_a_clients_secret_nor_a_signing_key_can_be_printed() -> None:
    asked = TokenRequest.read(b"grant_type=client_credentials&client_id=lms&client_secret=hush", None)

    assert (asked.client_secret, "hush" in repr(asked)) == ("hush", False)
    assert "hush" not in repr(SigningKey("k1", "hush"))


def test_a_token_says_afterwards_what_it_was_minted_with(tokens: Tokens) -> None:
    assert tokens.verify(tokens.mint(GRANT)) == GRANT
    old = Tokens(tokens.keys, "coursebridge", now=lambda: utc_now() - timedelta(hours=2))
    with pytest.raises(Unauthorized, match="expired"):
        tokens.verify(old.mint(GRANT))


def test_forged_key_names_do_not_turn_into_calls_to_secrets_manager() -> None:
    reads: list[bool] = []

    def read(*, fresh: bool = False) -> dict[str, Any]:
        reads.append(fresh)
        return KEY

    keys_in_force = SigningKeys(read)
    for n in range(50):
        assert keys_in_force.named(f"forged{n}") is None

    assert reads.count(True) == 1


def test_a_call_is_checked_for_token_client_secret_scope_and_reach(door: Door) -> None:
    access = wiring.access()

    def bearer(**changes: Any) -> str:
        grant = {"client_id": "client-1", "secret_n": 1, "integration_id": None, "scopes": frozenset({"xapi:all"})}
        return "bearer " + wiring.tokens().mint(Grant(**{**grant, **changes}))

    assert access.grant(bearer(), "xapi:read").client_id == "client-1"
    for header in (None, "", "Bearer", "Basic abc", bearer(client_id="nobody"), bearer(secret_n=7)):
        with pytest.raises(Unauthorized):
            access.grant(header, "xapi:read")
    with pytest.raises(InsufficientScope):
        access.grant(bearer(), "admin:read")
    with pytest.raises(Forbidden):
        access.within(Grant("client-1", 1, "mine", frozenset()), "another")
    access.within(Grant("client-1", 1, None, frozenset()), "any")
