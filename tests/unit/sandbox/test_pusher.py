"""LinkedIn as the sender: tokens and statements over HTTP."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from sandbox.pusher import Pusher, Target, TokenRefused

Json = dict[str, Any]
STATEMENTS = [{"id": f"s{number}"} for number in range(6)]


class Receiver:
    """Issues tokens and takes statements like a learning record store, and remembers the requests."""

    def __init__(self, answer: Callable[[int], int] = lambda _: 200) -> None:
        self.token_requests: list[httpx.Request] = []
        self.posts: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.token_requests.append(request)
            return httpx.Response(200, json={"access_token": f"t{len(self.token_requests)}", "expires_in": 3600})
        self.posts.append(request)
        return httpx.Response(self._answer(len(self.posts)), json={"message": "an answer"})

    def push(self, statements: list[Json] | None = None, **target: Any) -> Any:
        given: dict[str, Any] = {
            "oauth_url": "https://receiver.example/token",
            "statements_url": "https://receiver.example/xapi/statements",
            "client_id": "us",
            "client_secret": "a/b+c=",
            "senders": 1,
        }
        with httpx.Client(transport=httpx.MockTransport(self)) as client:
            return Pusher(Target(**(given | target)), client).push(STATEMENTS if statements is None else statements)

    def bodies(self) -> list[Any]:
        return [json.loads(post.content) for post in self.posts]


def test_a_token_is_asked_for_as_linkedin_does() -> None:
    receiver = Receiver()
    receiver.push()
    (request,) = receiver.token_requests
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.content == (
        b"grant_type=client_credentials&client_id=us&client_secret=a%2Fb%2Bc%3D&scope=xapi%3Awrite"
    )
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("content_type", "header"),
    [
        ("bare", "x-www-form-urlencoded"),
        ("charset", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("upper", "APPLICATION/X-WWW-FORM-URLENCODED"),
    ],
)
def test_the_form_can_be_announced_oddly(content_type: str, header: str) -> None:
    receiver = Receiver()
    receiver.push(content_type=content_type)
    (request,) = receiver.token_requests
    assert request.headers["content-type"] == header
    assert parse_qs(request.content.decode())["client_secret"] == ["a/b+c="]


def test_the_scope_can_be_left_out() -> None:
    receiver = Receiver()
    receiver.push(scope="")
    assert b"scope" not in receiver.token_requests[0].content


def test_statements_are_posted_as_lone_objects() -> None:
    receiver = Receiver()
    outcome = receiver.push()
    assert receiver.bodies() == STATEMENTS
    assert {post.headers["authorization"] for post in receiver.posts} == {"Bearer t1"}
    assert {post.headers["x-experience-api-version"] for post in receiver.posts} == {"1.0.0"}
    assert {post.headers["content-type"] for post in receiver.posts} == {"application/json"}
    assert outcome.to_json() == {
        "statements": 6,
        "requests": 6,
        "tokens": 1,
        "statuses": {"200": 6},
        "acknowledged": ["s0", "s1", "s2", "s3", "s4", "s5"],
        "refusals": [],
        "seconds": outcome.to_json()["seconds"],
    }


def test_batches_are_arrays() -> None:
    receiver = Receiver()
    receiver.push(batch=4)
    assert receiver.bodies() == [STATEMENTS[:4], STATEMENTS[4:]]


def test_the_version_header_can_be_left_out() -> None:
    receiver = Receiver()
    receiver.push(version_header=False)
    assert not any("x-experience-api-version" in post.headers for post in receiver.posts)


def test_several_senders_send_each_statement_once() -> None:
    receiver = Receiver()
    receiver.push(senders=4, burst=3, pause=0)
    assert sorted(body["id"] for body in receiver.bodies()) == [one["id"] for one in STATEMENTS]


def test_a_refused_statement_is_never_sent_again() -> None:
    receiver = Receiver(lambda number: 503 if number == 2 else 200)
    outcome = receiver.push()
    assert len(receiver.posts) == 6
    assert dict(outcome.statuses) == {"200": 5, "503": 1}
    assert "s1" not in outcome.acknowledged
    assert outcome.refusals == [{"status": "503", "body": '{"message":"an answer"}'}]


def test_a_401_fetches_a_fresh_token_once() -> None:
    receiver = Receiver(lambda number: 401 if number == 1 else 200)
    outcome = receiver.push()
    assert outcome.tokens == 2
    assert [post.headers["authorization"] for post in receiver.posts[:3]] == ["Bearer t1", "Bearer t2", "Bearer t2"]
    assert dict(outcome.statuses) == {"200": 6}


def test_a_second_401_is_final() -> None:
    receiver = Receiver(lambda _: 401)
    assert dict(receiver.push(STATEMENTS[:1]).statuses) == {"401": 1}
    assert len(receiver.posts) == 2


def test_a_token_can_be_asked_for_each_time() -> None:
    receiver = Receiver()
    assert receiver.push(token_per_statement=True).tokens == 7
    assert len({post.headers["authorization"] for post in receiver.posts}) == 6


def test_nothing_to_send_still_tries_the_token() -> None:
    receiver = Receiver()
    assert receiver.push([]).to_json()["requests"] == 0
    assert len(receiver.token_requests) == 1


def test_no_answer_is_counted_as_an_error() -> None:
    def drop(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t"})
        raise httpx.ConnectError("gone")

    with httpx.Client(transport=httpx.MockTransport(drop)) as client:
        target = Target("https://receiver.example/token", "https://receiver.example/xapi", "us", "s")
        outcome = Pusher(target, client).push(STATEMENTS[:1])
    assert dict(outcome.statuses) == {"error": 1}


@pytest.mark.parametrize("answer", [httpx.Response(401, json={"error": "invalid_client"}), httpx.Response(200)])
def test_a_refused_token_stops_the_push(answer: httpx.Response) -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as client:
        target = Target("https://receiver.example/token", "https://receiver.example/xapi", "us", "hush")
        with pytest.raises(TokenRefused) as refused:
            Pusher(target, client).push(STATEMENTS)
    assert "hush" not in str(refused.value)


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(Target("a", "b", "us", "hush"))
