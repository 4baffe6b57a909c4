"""Errors raised by the connector.

CoursebridgeError
|-- InvalidRequest          400  the caller must change the request
|-- Unauthorized            401  no valid credential
|-- Forbidden               403  the credential does not reach this
|   `-- InsufficientScope   403  RFC 6750, section 3.1
|-- NotFound                404  there is no such thing
|-- Conflict                409  the present state forbids it
|-- PreconditionFailed      412  If-Match names an older version
|-- TooLarge                413  more than one request may carry
|-- Unavailable             503  try again, nothing was done
`-- UpstreamError           502  LinkedIn refused or misbehaved; says cause and remedy

Each class knows its HTTP status and a stable code; its text is meant for the caller and never holds a
secret or a person.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field that is wrong: ``field`` is its path (``filters.levels[0]``), ``detail`` says why."""

    field: str
    detail: str


class CoursebridgeError(Exception):
    """The root: an expected condition whose text may be shown to the caller."""

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
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [asdict(error) for error in self.errors]
        return body


class InvalidRequest(CoursebridgeError):
    """The request itself is wrong; the same request can never succeed."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_request"


class Unauthorized(CoursebridgeError):
    """There is no credential, or it is not valid (RFC 6750: ``invalid_token``)."""

    status = HTTPStatus.UNAUTHORIZED
    code = "invalid_token"


class Forbidden(CoursebridgeError):
    """The credential is valid and does not reach what was asked for."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class InsufficientScope(Forbidden):
    """The token lacks the scope of this call (RFC 6750, section 3.1)."""

    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this call needs a token with the scope {scope}")
        self.scope = scope


class NotFound(CoursebridgeError):
    """There is no such thing, or not within the caller's reach."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class Conflict(CoursebridgeError):
    """The present state of things forbids what was asked for."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class PreconditionFailed(CoursebridgeError):
    """``If-Match`` names a version that is no longer the present one (RFC 9110, section 13.1.1)."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition_failed"


class TooLarge(CoursebridgeError):
    """The request carries more than one request may."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class Unavailable(CoursebridgeError):
    """Something underneath is busy; nothing was done and the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"


class UpstreamError(CoursebridgeError):
    """LinkedIn refused or misbehaved.

    Attributes:
        cause: what most likely lies behind LinkedIn's answer.
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
        """Return the RFC 9457 members, with cause and remedy beside them."""
        return {**super().problem(), "code": self.reason, "cause": self.cause, "remedy": self.remedy}


def field_path(location: Sequence[str | int]) -> str:
    """Spell where a field is, as pydantic says it (``("filters", "levels", 0)``), as ``filters.levels[0]``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".")
