"""The token endpoint, and what a token is good for."""

from urllib.parse import urlencode

import httpx
import pytest

from sandbox.rest.tokens import DEFAULT_APPLICATIONS
from sandbox.world import World

SECRETS = {application.client_id: application.client_secret for application in DEFAULT_APPLICATIONS}
CONTENT = "/v2/learningClassifications?q=keyword&keyword=business"
REPORTS = "/v2/learningActivityReports?q=criteria&startedAt=0&timeOffset.unit=DAY&timeOffset.duration=1"


def form(client_id: str = "sandbox-both", **changes: str) -> dict[str, str]:
    complete = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": SECRETS.get(client_id, "x"),
    }
    return complete | changes


def mint(http: httpx.Client, client_id: str) -> dict[str, str]:
    token = http.post("/oauth/v2/accessToken", data=form(client_id)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_long_and_lives_as_long_as_the_documentation_says(http: httpx.Client) -> None:
    answer = http.post("/oauth/v2/accessToken", data=form()).json()
    assert answer.keys() == {"access_token", "expires_in"}
    assert len(answer["access_token"]) > 400
    assert answer["expires_in"] == 7_775_999


def test_every_secret_needs_form_encoding() -> None:
    assert all(set("/+=") <= set(secret) for secret in SECRETS.values())


def test_an_unencoded_plus_in_the_secret_is_a_wrong_secret(http: httpx.Client) -> None:
    raw = "&".join(f"{name}={value}" for name, value in form().items())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert http.post("/oauth/v2/accessToken", content=raw, headers=headers).status_code == 401
    assert http.post("/oauth/v2/accessToken", content=urlencode(form()), headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "error", "description"),
    [
        (form(client_secret="wrong"), 401, "invalid_client", "Client authentication failed"),
        (form("nobody"), 401, "invalid_client", "Client authentication failed"),
        (
            form("sandbox-denied"),
            400,
            "access_denied",
            "This application is not allowed to create application tokens",
        ),
        (form(client_id=""), 400, "invalid_request", 'A required parameter "client_id" is missing'),
        (form(client_secret=""), 400, "invalid_request", 'A required parameter "client_secret" is missing'),
        (
            form(grant_type="password"),
            400,
            "invalid_request",
            'A required parameter "grant_type" is missing or unknown',
        ),
    ],
)
def test_a_refusal_is_told_in_linkedins_words(
    http: httpx.Client, body: dict[str, str], status: int, error: str, description: str
) -> None:
    response = http.post("/oauth/v2/accessToken", data=body)
    assert response.status_code == status
    assert response.json() == {"error": error, "error_description": description}


@pytest.mark.parametrize(
    ("client_id", "content", "reports"),
    [("sandbox-content", 200, 403), ("sandbox-report", 403, 200), ("sandbox-both", 200, 200)],
)
def test_a_token_opens_what_its_keys_open(http: httpx.Client, client_id: str, content: int, reports: int) -> None:
    headers = mint(http, client_id)
    assert http.get(CONTENT, headers=headers).status_code == content
    assert http.get(REPORTS, headers=headers).status_code == reports


@pytest.mark.parametrize(
    ("authorization", "code"), [("", 65604), ("Basic abc", 65604), ("Bearer ", 65604), ("Bearer nonsense", 65600)]
)
def test_a_call_without_a_known_token_is_401(http: httpx.Client, authorization: str, code: int) -> None:
    response = http.get(CONTENT, headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.json()["serviceErrorCode"] == code


def test_an_expired_token_is_401(http: httpx.Client, world: World) -> None:
    world.quirks.switch_on("short_expiry", {"seconds": 0})
    response = http.get(CONTENT, headers=mint(http, "sandbox-both"))
    assert response.status_code == 401
    assert response.json()["serviceErrorCode"] == 65602


def test_older_tokens_stay_valid(http: httpx.Client) -> None:
    older = mint(http, "sandbox-both")
    mint(http, "sandbox-both")
    assert http.get(CONTENT, headers=older).status_code == 200


def test_introspection_says_what_a_token_is_good_for(http: httpx.Client, world: World) -> None:
    token = mint(http, "sandbox-both")["Authorization"].removeprefix("Bearer ")

    def introspect(value: str) -> dict[str, object]:
        answer: dict[str, object] = http.post("/oauth/v2/introspectToken", data=form(token=value)).json()
        return answer

    assert introspect(token)["status"] == "active"
    assert introspect(token)["auth_type"] == "2L"
    assert introspect("another") == {"active": False}
    world.quirks.switch_on("early_revocation", {"calls": 1})
    http.get(CONTENT, headers={"Authorization": f"Bearer {token}"})
    assert introspect(token)["status"] == "revoked"


def test_introspection_needs_the_clients_own_secret(http: httpx.Client) -> None:
    assert http.post("/oauth/v2/introspectToken", data=form(client_secret="wrong")).status_code == 401


def test_applications_can_be_added(http: httpx.Client) -> None:
    mine = {"client_id": "mine", "client_secret": "s3cret", "keys": ["report"]}
    assert http.post("/_sandbox/applications", json=mine).json() == mine | {"two_legged": True}
    listed = http.get("/_sandbox/applications").json()["items"]
    assert mine | {"two_legged": True} in listed
    assert http.post("/oauth/v2/accessToken", data=form("mine", client_secret="s3cret")).status_code == 200
    assert http.post("/_sandbox/applications", json={"client_id": "x"}).status_code == 400
