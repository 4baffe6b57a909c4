"""Verifying a key pair within the time of a request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from coursebridge.admin import wiring
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.linkedin.errors import CredentialsRefused, Unreachable
from coursebridge.settings import settings


@pytest.fixture
def linkedin(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """LinkedIn's OAuth server; set ``answer`` to the function that answers its requests."""
    behaviour: dict[str, Any] = {}

    def http(_setting: str, seconds: float = wiring.QUICK_SECONDS) -> httpx.Client:
        behaviour["seconds"] = seconds
        return httpx.Client(transport=httpx.MockTransport(behaviour["answer"]), base_url="https://oauth.example.com")

    for name in ("LINKEDIN_OAUTH_URL", "LINKEDIN_API_URL"):
        monkeypatch.setenv(name, "https://linkedin.example.com")
    settings.cache_clear()
    monkeypatch.setattr(wiring, "_quick_http", http)
    return behaviour


def test_a_key_pair_is_verified_by_minting_a_token(linkedin: dict[str, Any]) -> None:
    linkedin["answer"] = lambda _: httpx.Response(200, json={"access_token": "t", "expires_in": "1800"})

    assert wiring.verify(" id ", "secret\n")


def test_a_key_pair_linkedin_refuses_is_told_so(linkedin: dict[str, Any]) -> None:
    linkedin["answer"] = lambda _: httpx.Response(401, json={"error": "invalid_client"})

    with pytest.raises(CredentialsRefused):
        wiring.verify("id", "wrong")


def test_a_key_pair_is_tried_with_the_token_that_verified_it(linkedin: dict[str, Any]) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"access_token": "t", "expires_in": 1800})

    linkedin["answer"] = answer
    client = wiring.trial(KeyPair("id", "secret"), wiring.verify("id", "secret"))

    client("content").get("/v2/learningAssets")
    client("report").get("/v2/learningActivityReports")

    assert asked == ["/oauth/v2/accessToken", "/v2/learningAssets", "/v2/learningActivityReports"]


def test_a_linkedin_that_takes_too_long_leaves_time_for_an_answer(linkedin: dict[str, Any]) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    linkedin["answer"] = late

    with pytest.raises(Unreachable) as raised:
        wiring.verify("id", "secret")

    assert linkedin["seconds"] < 10
    assert raised.value.cause
    assert raised.value.remedy
