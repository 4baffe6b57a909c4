"""The one place that sorts LinkedIn's answers: what can be used, retried, waited for, or given up.

LinkedIn documents ``{"message", "serviceErrorCode", "status"}`` for errors. It also sends HTML and plain text,
and errors under status 200; and it tells a daily from a short throttle in the message only.
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

LONGEST_WAIT_SECONDS = 60.0


@contextmanager
def failures_sorted() -> Iterator[None]:
    """Raise what httpx finds wrong with a call as one of LinkedIn's errors.

    Raises:
        Unreachable: there was no answer.
        UnusableAnswer: the answer is not encoded as it says (``Content-Encoding``).
    """
    try:
        yield
    except httpx.TransportError as error:
        raise Unreachable(type(error).__name__) from error
    except httpx.DecodingError as error:
        raise UnusableAnswer("LinkedIn sent an answer that cannot be decoded") from error


def read(response: httpx.Response, scope: str, secret: str) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Args:
        response: read to its end.
        scope: ``content`` or ``report``, to name the key that is missing.
        secret: what the request proved itself by, masked should the answer repeat it.

    Raises:
        LinkedInError: it is no usable answer; the class says what to do about it.
    """
    body = _json(response)
    if response.status_code != HTTPStatus.OK:
        raise refusal(response.status_code, body, scope, secret, retry_after(response))
    if not isinstance(body, dict):
        raise UnusableAnswer("LinkedIn answered 200 with a body that is not JSON", retry_after(response))
    if _is_error(body):
        raise refusal(_status_in(body), body, scope, secret, retry_after(response))
    return body


def refusal(status: int, body: Any, scope: str, secret: str, wait: float | None) -> LinkedInError:  # noqa: ANN401  (JSON)
    """Return the error that a status and LinkedIn's message stand for, by the message as it was before any masking."""
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
    """Return the seconds a ``Retry-After`` asks for, within reason; LinkedIn does not document the header."""
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
