"""The one place that classifies LinkedIn's answers: to be used, retried, waited for, or given up.

LinkedIn documents ``{"message", "serviceErrorCode", "status"}`` for errors, but also sends HTML, plain text, and errors
with status 200. Only the message tells the daily limit from a short throttle.
"""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from coursebridge import json_text
from coursebridge.linkedin.errors import (
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.linkedin.credentials import Scope

LONGEST_WAIT_SECONDS = 60.0


@contextmanager
def failures_sorted() -> Iterator[None]:
    """Turn the exceptions httpx raises for a call into LinkedIn errors.

    Raises:
        Unreachable: there was no answer.
        UnusableAnswer: the body does not match its ``Content-Encoding``.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise Unreachable(type(error).__name__) from error
    except httpx.DecodingError as error:
        raise UnusableAnswer("LinkedIn sent an answer that cannot be decoded") from error


def read(response: httpx.Response, scope: Scope, secret: str) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Args:
        response: the answer, with its body already read.
        scope: ``content`` or ``report``; names the missing key if LinkedIn forbids the call.
        secret: the token or client secret of the request; masked if the answer repeats it.

    Raises:
        LinkedInError: the answer is not usable; the class says what to do about it.
    """
    body = _json(response)
    if response.status_code != HTTPStatus.OK:
        raise refusal(response.status_code, body, scope, secret, retry_after(response))
    if not isinstance(body, dict):
        raise UnusableAnswer("LinkedIn answered 200 with a body that is not JSON", retry_after(response))
    if _is_error(body):
        raise refusal(_status_in(body), body, scope, secret, retry_after(response))
    return body


def refusal(status: int, body: Any, scope: Scope, secret: str, wait: float | None) -> LinkedInError:  # noqa: ANN401  (JSON)
    """Return the error for a status and LinkedIn's message; the daily limit is recognised in the unmasked message."""
    message = _message(body, secret)
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return DayLimit(message) if _is_of_the_day(body) else Throttled(message, wait)
        case HTTPStatus.UNAUTHORIZED:
            return TokenRejected(message)
        case HTTPStatus.FORBIDDEN:
            return KeyMissing(scope, message)
        case HTTPStatus.NOT_FOUND:
            return NoSuchEntity(message)
        case _ if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return RequestRefused(status, message)
    return UnusableAnswer(f"LinkedIn answered {status}: {message}", wait)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds in ``Retry-After``, at most a minute; LinkedIn does not document the header."""
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_WAIT_SECONDS) if text.isdecimal() else None


def _json(response: httpx.Response) -> Any:  # noqa: ANN401  (any JSON)
    try:
        return json_text.loads(response.content)
    except ValueError:
        return None


def _is_error(body: dict[str, Any]) -> bool:
    return "serviceErrorCode" in body or ("message" in body and "status" in body)


def _status_in(body: dict[str, Any]) -> int:
    status = body.get("status")
    return status if isinstance(status, int) else int(HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_of_the_day(body: Any) -> bool:  # noqa: ANN401  (any JSON)
    return isinstance(body, dict) and "DAY" in str(body.get("message"))


def _message(body: Any, secret: str) -> str:  # noqa: ANN401  (any JSON)
    return safe_message(body.get("message"), secret) if isinstance(body, dict) else "the body is not JSON"
