"""Errors raised by the connector.

CoursebridgeError
|-- InvalidRequest          400  the caller must change the request
|-- Unauthorized            401  no valid credential
|-- Forbidden               403  the credential gives no access to this
|   `-- InsufficientScope   403  RFC 6750, section 3.1
|-- NotFound                404  it does not exist
|-- Conflict                409  the current state does not allow it
|-- PreconditionFailed      412  If-Match names an older version
|-- TooLarge                413  more than a request may contain
|-- Unavailable             503  send the same request again
`-- UpstreamError           502  LinkedIn refused or misbehaved; names cause and remedy

Each class has an HTTP status and a stable code. Its text is meant for the caller and never contains secrets or personal
data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, ClassVar

MOST_ERRORS, LONGEST_FIELD, LONGEST_DETAIL, LONGEST_TEXT = 1000, 200, 500, 5000
"""How much a response says about wrong fields: it may have 6 MB, and a request can have more wrong fields than that."""

EMAIL, LANGUAGE, URN = r"^[^@\s]+@[^@\s]+$", r"^[a-z]{2,3}(_[A-Z]{2})?$", r"^urn:li:[^\s]+$"
FORMS = {
    EMAIL: "is not an e-mail address",
    LANGUAGE: "is not a language, such as en or en_US",
    URN: "is not a URN of LinkedIn, such as urn:li:lyndaCourse:252",
}
"""The patterns of the fields that have one, with what an error says of a value that does not match."""
NO_TIME = "is not a time in RFC 3339, such as 2026-01-31T08:10:00Z"
WORDS = {
    "extra_forbidden": "there is no such field",
    "datetime_from_date_parsing": f"{NO_TIME}; in a URL, + is written as %2B",
    "timezone_aware": f"{NO_TIME}: it has no time zone",
}
"""Types of pydantic's errors, with the words for those whose own words do not say what to do."""


@dataclass(frozen=True)
class FieldError:
    """One invalid field: ``field`` is its path (``filters.levels[0]``), ``detail`` says what is wrong."""

    field: str
    detail: str


class CoursebridgeError(Exception):
    """The base class: an expected condition whose text may be shown to the caller."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors

    def problem(self) -> dict[str, Any]:
        """Return the RFC 9457 members of this error."""
        body: dict[str, Any] = {
            "type": f"urn:coursebridge:problem:{self.code}",
            "title": self.status.phrase,
            "status": int(self.status),
            "code": self.code,
            "detail": shortened(self.detail, LONGEST_TEXT),
        }
        if self.errors:
            body["errors"] = [asdict(error) for error in told(self.errors)]
        return body


class InvalidRequest(CoursebridgeError):
    """The request itself is wrong; sending it again unchanged can never succeed."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_request"


class Unauthorized(CoursebridgeError):
    """The credential is missing or not valid (RFC 6750: ``invalid_token``)."""

    status = HTTPStatus.UNAUTHORIZED
    code = "invalid_token"


class Forbidden(CoursebridgeError):
    """The credential is valid but gives no access to what was asked for."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class InsufficientScope(Forbidden):
    """The token lacks the scope of this call (RFC 6750, section 3.1)."""

    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this call needs a token with the scope {scope}")
        self.scope = scope


class NotFound(CoursebridgeError):
    """What was asked for does not exist, or the caller has no access to it."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class Conflict(CoursebridgeError):
    """The current state does not allow what was asked for."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class PreconditionFailed(CoursebridgeError):
    """``If-Match`` names a version that is no longer the current one (RFC 9110, section 13.1.1)."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition_failed"


class TooLarge(CoursebridgeError):
    """The request contains more than is allowed."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class Unavailable(CoursebridgeError):
    """Something is busy or not finished; the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"


class UpstreamError(CoursebridgeError):
    """LinkedIn refused a request or misbehaved.

    Attributes:
        cause: the most likely cause of LinkedIn's response.
        remedy: what an admin can do about it.
    """

    status = HTTPStatus.BAD_GATEWAY
    code = "linkedin_error"

    def __init__(self, detail: str, *, cause: str = "", remedy: str = "", code: str | None = None) -> None:
        super().__init__(detail)
        self.cause = cause
        self.remedy = remedy
        self.reason = code or self.code

    def problem(self) -> dict[str, Any]:
        """Return the RFC 9457 members, extended by cause and remedy."""
        return {**super().problem(), "code": self.reason, "cause": self.cause, "remedy": self.remedy}


def field_errors(details: Iterable[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """Return pydantic's errors (``ValidationError.errors()``) as this API presents them."""
    return tuple(FieldError(field_path(detail["loc"]), _in_words(detail)) for detail in details)


def _in_words(detail: Mapping[str, Any]) -> str:
    """Return what an error of pydantic means to somebody who knows neither pydantic nor regular expressions."""
    text: str = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "string_pattern_mismatch":
        return FORMS.get(detail["ctx"]["pattern"], text)
    return WORDS.get(detail["type"], text)


def told(errors: Sequence[FieldError], most: int = MOST_ERRORS) -> tuple[FieldError, ...]:
    """Return what a response says about wrong fields: the first ones, shortened, and how many more there are."""
    first = tuple(
        FieldError(shortened(error.field, LONGEST_FIELD), shortened(error.detail, LONGEST_DETAIL))
        for error in errors[:most]
    )
    left = len(errors) - most
    return (*first, FieldError("", f"{left} more fields are wrong")) if left > 0 else first


def shortened(text: str, most: int) -> str:
    """Return a text with at most this many characters; an ellipsis shows that it was longer."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def field_path(location: Sequence[str | int]) -> str:
    """Format the location of a field, as pydantic gives it (``("filters", "levels", 0)``), as ``filters.levels[0]``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".")
