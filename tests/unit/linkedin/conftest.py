"""LinkedIn as a list of answers, without a server or a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from coursebridge.linkedin.client import LinkedInClient
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.linkedin.tokens import TokenSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = httpx.Response | Exception


@dataclass
class Shared:
    """The place where invocations share tokens, in memory."""

    tokens: dict[str, Any] = field(default_factory=dict)
    reads: int = 0

    def read(self) -> dict[str, Any]:
        self.reads += 1
        return dict(self.tokens)

    def write(self, tokens: dict[str, Any]) -> None:
        self.tokens = tokens


@dataclass
class LinkedIn:
    """Gives one answer after the other, and remembers the requests.

    The token endpoint mints ``token-1``, ``token-2``, ... unless it has answers of its own.
    """

    answers: list[Answer] = field(default_factory=list)
    token_answers: list[Answer] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    minted: int = 0
    expires_in: int = 1800
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    pauses: list[float] = field(default_factory=list)
    shared: Shared = field(default_factory=Shared)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            transport=httpx.MockTransport(self._answer), base_url="https://linkedin.example", trust_env=False
        )

    def will(self, *answers: Answer) -> None:
        """Add to the answers that the API gives next."""
        self.answers += answers

    def goes_on(self, seconds: float) -> None:
        """Let this much time pass."""
        self.now += timedelta(seconds=seconds)

    def source(self, secret: str = "s/e=c+ret") -> TokenSource:
        return TokenSource(self.http, KeyPair.of("client", secret), self.shared, lambda: self.now)

    def client(self, scope: Any = "content") -> LinkedInClient:
        return LinkedInClient(self.http, self.source(), scope, self.pauses.append)

    @property
    def asked(self) -> list[httpx.Request]:
        """Return the requests to the API."""
        return [request for request in self.requests if not request.url.path.startswith("/oauth")]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        is_token = request.url.path == "/oauth/v2/accessToken"
        if is_token and not self.token_answers:
            self.minted += 1
            return httpx.Response(200, json={"access_token": f"token-{self.minted}", "expires_in": self.expires_in})
        answer = (self.token_answers if is_token else self.answers).pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def linkedin() -> Iterator[LinkedIn]:
    made = LinkedIn()
    yield made
    made.http.close()


@pytest.fixture
def error() -> Callable[..., httpx.Response]:
    """A function that makes answers in LinkedIn's error shape."""

    def make(status: int, message: str = "no", **more: Any) -> httpx.Response:
        return httpx.Response(status, json={"message": message, "status": status, **more})

    return make
