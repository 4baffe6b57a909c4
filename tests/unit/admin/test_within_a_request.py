"""Verifying a key pair within the time of a request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from coursebridge.admin import wiring
from coursebridge.linkedin.errors import CredentialsRefused, Unreachable


@pytest.fixture
def linkedin(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """LinkedIn's OAuth server; set ``answer`` to the function that answers its requests."""
    behaviour: dict[str, Any] = {}

    def http(_setting: str, seconds: float) -> httpx.Client:
        behaviour["seconds"] = seconds
        return httpx.Client(transport=httpx.MockTransport(behaviour["answer"]), base_url="https://oauth.example.com")

    monkeypatch.setenv("LINKEDIN_OAUTH_URL", "https://oauth.example.com")
    monkeypatch.setattr(wiring, "_quick_http", http)
    return behaviour


def test_a_key_pair_is_verified_by_minting_a_token(linkedin: dict[str, Any]) -> None:
    linkedin["answer"] = lambda _: httpx.Response(200, json={"access_token": "t", "expires_in": "1800"})

    assert wiring.verify(" id ", "secret\n")


def test_a_key_pair_linkedin_refuses_is_told_so(linkedin: dict[str, Any]) -> None:
    linkedin["answer"] = lambda _: httpx.Response(401, json={"error": "invalid_client"})

    with pytest.raises(CredentialsRefused):
        wiring.verify("id", "wrong")


def test_a_linkedin_that_takes_too_long_leaves_time_for_an_answer(linkedin: dict[str, Any]) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    linkedin["answer"] = late

    with pytest.raises(Unreachable) as raised:
        wiring.verify("id", "secret")

    assert linkedin["seconds"] < 10
    assert raised.value.cause
    assert raised.value.remedy
