"""Calls to LinkedIn's REST API, with authorisation, time-outs and bounded retries.

No ``X-Restli-Protocol-Version`` is sent, because the documented bracket parameters are Rest.li 1.0 syntax.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from coursebridge.linkedin import answers
from coursebridge.linkedin.errors import Retryable, Throttled, TokenRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coursebridge.linkedin.credentials import Scope
    from coursebridge.linkedin.tokens import TokenSource

T = TypeVar("T")
HttpClient = httpx.Client
ATTEMPTS = 5
Primitive = str | int | float | bool | None
Parameters = list[tuple[str, Primitive]]
# A page of a hundred courses can be several megabytes, and LinkedIn is slow to produce it.
TIMEOUT = httpx.Timeout(connect=5, read=90, write=15, pool=5)
_backoff = wait_random_exponential(multiplier=0.5, max=15)


def _as_it_is(body: dict[str, Any]) -> Any:  # noqa: ANN401  (the body itself)
    return body


def http_client(base_url: str) -> HttpClient:
    """Return an HTTP client for one of LinkedIn's two base URLs; it keeps connections open."""
    return httpx.Client(base_url=base_url, timeout=TIMEOUT, headers={"Accept": "application/json"})


class LinkedInClient:
    """LinkedIn's REST API under one key pair.

    Args:
        http: a client with the API as its base URL.
        tokens: the source of its access tokens.
        scope: the scope its calls need, ``content`` or ``report``.
        sleep: waits between attempts.
        attempts: the maximum number of attempts; a repeat with a new token, after a rejected one, does not count.

    Attributes:
        throttled: how often LinkedIn has asked to slow down so far.
    """

    def __init__(
        self,
        http: httpx.Client,
        tokens: TokenSource,
        scope: Scope,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._scope = scope
        self._retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=_pause,
            retry=retry_if_exception_type(Retryable),
            sleep=sleep,
            reraise=True,
        )
        self.throttled = 0

    def get(
        self,
        path: str,
        parameters: Sequence[tuple[str, Primitive]] = (),
        read: Callable[[dict[str, Any]], T] = _as_it_is,
    ) -> T:
        """Return the resource at a path, in up to ``attempts`` attempts.

        Args:
            path: the path below the base URL, percent-encoded.
            parameters: the query, in order.
            read: converts the JSON object of the answer; if it raises a :class:`Retryable`, the call is repeated.

        Raises:
            LinkedInError: LinkedIn did not give the resource; the class says why.
        """
        answer: T = self._retrying(lambda: read(self._attempt(path, list(parameters))))
        return answer

    def _attempt(self, path: str, parameters: Parameters) -> dict[str, Any]:
        try:
            token = self._tokens.token()
            try:
                return self._ask(path, parameters, token)
            except TokenRejected:
                return self._ask(path, parameters, self._tokens.replace(token))
        except Throttled:
            self.throttled += 1
            raise

    def _ask(self, path: str, parameters: Parameters, token: str) -> dict[str, Any]:
        with answers.failures_sorted():
            response = self._http.get(
                path, params=httpx.QueryParams(parameters), headers={"Authorization": f"Bearer {token}"}
            )
        return answers.read(response, self._scope, token)


def _pause(state: RetryCallState) -> float:
    """Return the seconds to wait: as long as LinkedIn asks for, else a growing pause with full jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Retryable) else None
    return asked if asked is not None else _backoff(state)
