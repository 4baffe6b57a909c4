"""Calls to the API: which are retried or given up, and how their errors read."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from coursebridge.linkedin.client import ATTEMPTS, http_client
from coursebridge.linkedin.errors import (
    CredentialsRefused,
    DayLimit,
    KeyMissing,
    LinkedInError,
    NoSuchEntity,
    RequestRefused,
    Throttled,
    TokenRejected,
    Unreachable,
    UnusableAnswer,
    safe_message,
)

Error = Callable[..., httpx.Response]
FINE: dict[str, Any] = {"elements": []}


def ok() -> httpx.Response:
    return httpx.Response(200, json=FINE)


def test_a_call_carries_the_token_and_the_query_in_order(linkedin: Any) -> None:
    linkedin.will(ok())

    assert linkedin.client().get("/v2/things", [("b[0].c", "1"), ("a", "urn:li:x")]) == FINE

    [request] = linkedin.asked
    assert request.headers["authorization"] == "Bearer token-1"
    assert list(request.url.params.multi_items()) == [("b[0].c", "1"), ("a", "urn:li:x")]
    assert "x-restli-protocol-version" not in request.headers


@pytest.mark.parametrize(
    "odd",
    [
        httpx.Response(500, json={"message": "Internal Server Error", "status": 500}),
        httpx.Response(502, text="<html>bad gateway</html>"),
        httpx.Response(503, text="upstream connect error"),
        httpx.Response(200, text="<html>sorry</html>"),
        httpx.Response(200, json=["a list"]),
        httpx.Response(200, json={"message": "Internal Server Error", "status": 500}),
        httpx.Response(200, json={"serviceErrorCode": 1, "message": "no"}),
        httpx.Response(429, json={"message": "Resource level throttle limit ... is reached.", "status": 429}),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("closed"),
        httpx.DecodingError("incorrect header check"),
    ],
)
def test_what_may_pass_in_a_moment_is_tried_again(linkedin: Any, odd: httpx.Response | Exception) -> None:
    linkedin.will(odd, ok())

    assert linkedin.client().get("/v2/things") == FINE
    assert len(linkedin.pauses) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(500, text="x"), UnusableAnswer),
        (httpx.Response(429, json={"message": "throttle", "status": 429}), Throttled),
        (httpx.ConnectError("x"), Unreachable),
    ],
)
def test_trying_again_has_an_end(linkedin: Any, answer: httpx.Response | Exception, expected: type[Exception]) -> None:
    linkedin.will(*[answer] * ATTEMPTS)

    with pytest.raises(expected):
        linkedin.client().get("/v2/things")

    assert len(linkedin.asked) == ATTEMPTS


def test_a_token_that_linkedin_repeats_is_masked(linkedin: Any, error: Error) -> None:
    for status in (400, 403, 404, 429):
        linkedin.will(*[error(status, "not for Bearer token-1, DAY limit")])

        with pytest.raises(LinkedInError) as refused:
            linkedin.client().get("/v2/things")

        assert "Bearer ••••" in str(refused.value)
        assert "token-1" not in repr(vars(refused.value))


@pytest.mark.parametrize(
    ("status", "expected"), [(400, RequestRefused), (404, NoSuchEntity), (403, KeyMissing), (413, RequestRefused)]
)
def test_what_cannot_pass_is_not_tried_again(
    linkedin: Any, error: Error, status: int, expected: type[Exception]
) -> None:
    linkedin.will(error(status, "LinkedIn's own words"))

    with pytest.raises(expected, match="LinkedIn's own words"):
        linkedin.client().get("/v2/things")

    assert len(linkedin.asked) == 1


@pytest.mark.parametrize(("scope", "key"), [("content", "Content"), ("report", "Report")])
def test_a_403_names_the_key_that_is_missing_and_the_remedy(linkedin: Any, error: Error, scope: str, key: str) -> None:
    linkedin.will(error(403, "Not enough permissions"))

    with pytest.raises(KeyMissing) as caught:
        linkedin.client(scope).get("/v2/things")

    assert caught.value.reason == f"linkedin_{scope}_key_missing"
    assert f"{key} key" in caught.value.cause
    assert f"{key} key" in caught.value.remedy


def test_the_day_limit_is_not_asked_against(linkedin: Any, error: Error) -> None:
    linkedin.will(error(429, "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."))

    with pytest.raises(DayLimit) as caught:
        linkedin.client().get("/v2/things")

    assert len(linkedin.asked) == 1
    assert "midnight UTC" in caught.value.remedy


def test_the_wait_linkedin_asks_for_is_waited_up_to_a_minute(linkedin: Any) -> None:
    def asks(seconds: str) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": seconds}, json={"message": "slow down", "status": 429})

    linkedin.will(asks("7"), asks("86400"), asks("Wed, 21 Oct 2026 07:28:00 GMT"), ok())

    linkedin.client().get("/v2/things")

    assert linkedin.pauses[:2] == [7, 60]
    assert linkedin.pauses[2] < 15


def test_pauses_have_jitter_and_a_limit(linkedin: Any, error: Error) -> None:
    client = linkedin.client()
    for _ in range(20):
        linkedin.will(*[error(503)] * (ATTEMPTS - 1), ok())
        client.get("/v2/things")

    assert len(set(linkedin.pauses)) > 20
    assert all(0 <= pause <= 15 for pause in linkedin.pauses)


def test_throttling_is_counted(linkedin: Any, error: Error) -> None:
    linkedin.will(error(429), error(429), ok())
    client = linkedin.client()

    client.get("/v2/things")

    assert client.throttled == 2


class TestA401:
    def test_the_token_is_renewed_once_and_the_call_repeated_once(self, linkedin: Any, error: Error) -> None:
        linkedin.will(error(401, "revoked", serviceErrorCode=65601), ok())

        assert linkedin.client().get("/v2/things") == FINE
        assert [request.headers["authorization"] for request in linkedin.asked] == ["Bearer token-1", "Bearer token-2"]
        assert linkedin.pauses == []

    def test_a_second_401_is_the_end(self, linkedin: Any, error: Error) -> None:
        linkedin.will(error(401), error(401))

        with pytest.raises(TokenRejected):
            linkedin.client().get("/v2/things")

        assert linkedin.minted == 2

    def test_a_key_pair_that_is_taken_back_meanwhile_is_said_so(self, linkedin: Any, error: Error) -> None:
        client = linkedin.client()
        linkedin.will(ok())
        client.get("/v2/things")
        linkedin.will(error(401))
        linkedin.token_answers = [httpx.Response(401, json={"error": "invalid_client", "error_description": "no"})]

        with pytest.raises(CredentialsRefused):
            client.get("/v2/things")


def test_a_reader_may_refuse_an_answer_and_have_it_asked_for_again(linkedin: Any) -> None:
    linkedin.will(ok(), httpx.Response(200, json={"elements": [1]}))

    def some(body: dict[str, Any]) -> int:
        if not body["elements"]:
            raise UnusableAnswer("empty")
        return len(body["elements"])

    assert linkedin.client().get("/v2/things", read=some) == 1


def test_half_a_character_is_replaced_and_a_whole_one_is_kept(linkedin: Any) -> None:
    linkedin.will(httpx.Response(200, text='{"half": "a\\uD83Db", "whole": "\\uD83D\\uDE00"}'))

    assert linkedin.client().get("/v2/things") == {"half": "a?b", "whole": "\U0001f600"}


def test_every_call_has_a_time_limit() -> None:
    with http_client("https://linkedin.example") as http:
        limits = http.timeout.as_dict()

    assert all(limit and limit <= 90 for limit in limits.values())


def test_linkedins_words_are_passed_on_short_and_without_secrets() -> None:
    assert safe_message("line one\n  line two") == "line one line two"
    assert safe_message(None) == "no reason given"
    assert safe_message("bad secret s3cret!", "s3cret") == "bad secret ••••!"
    assert safe_message("client_secret=a%2Fb%2B+c", "a/b+ c") == "client_secret=••••"
    assert len(safe_message("x" * 5000)) == 300
