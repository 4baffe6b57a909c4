"""Shared by the routes of the admin and the learning API: parameters, lists, problems."""

# No postponed annotations: Powertools reads the types of parameters and fields at run time.

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from coursebridge.cursors import cursors

T = TypeVar("T")
A = TypeVar("A", bound=BaseModel)
MESSAGE = {"type": "object", "properties": {"message": {"type": "string", "examples": ["Too Many Requests"]}}}
THROTTLED: dict[str, Any] = {
    "description": "There were too many requests. The response comes from API Gateway itself.",
    "content": {"application/json": {"schema": MESSAGE}},
}
MOST_BYTES = 5_000_000
"""The limit for the items of one response; Lambda's own limit is six megabytes."""

Time = Annotated[
    str,
    Field(
        description="RFC 3339, UTC.", json_schema_extra={"format": "date-time"}, examples=["2026-01-31T08:10:00.000Z"]
    ),
]
Integration = Annotated[
    str, Path(description="The integration's id.", examples=["0196c1e2a1b3c4d5e6f708"]), AfterValidator(unquote)
]
Limit = Annotated[int, Query(description="The maximum number of items in a page.", ge=1, le=1000)]
Cursor = Annotated[
    str | None, Query(description="`next` of the previous page: opaque, signed, and valid only for this list.")
]


class Answer(BaseModel):
    """The base of what is answered: exactly the fields that are documented."""

    # Validation errors are logged, and the invalid input may be personal data.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Request(BaseModel):
    """The base of what is sent: an unknown field is an error, so that a mistyped one never passes in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page, or null at the end.", examples=[None])


class WrongField(BaseModel):
    """One field that is wrong."""

    field: str = Field(examples=["filters.levels[0]"])
    detail: str = Field(examples=["Input should be 'BEGINNER', 'INTERMEDIATE' or 'ADVANCED'"])


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:coursebridge:problem:not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    code: str = Field(examples=["not_found"])
    detail: str = Field(examples=["there is no such integration"])
    errors: list[WrongField] | None = Field(default=None, description="Every field that is wrong.")
    cause: str | None = Field(default=None, description="The most likely cause of LinkedIn's response.")
    remedy: str | None = Field(default=None, description="What an admin can do about it.")


PROBLEM: Any = {"application/problem+json": {"model": Problem}}
BAD_REQUEST: OpenAPIResponse = {"description": "A parameter or a field is wrong.", "content": PROBLEM}


def responses(status: HTTPStatus, description: str, **problems: str) -> dict[int, Any]:
    """Return the OpenAPI responses of a route.

    Args:
        status: the status of a successful response.
        description: the description of a successful response.
        problems: descriptions by status (``_404="there is no such run"``), in addition to those of every route.
    """
    every = {
        "_401": "There is no valid token.",
        "_403": "The token lacks the scope, or belongs to another integration.",
        "_503": "The service is busy and may not have finished: try again.",
    }
    return {
        int(status): {"description": description},
        int(HTTPStatus.BAD_REQUEST): BAD_REQUEST,
        int(HTTPStatus.TOO_MANY_REQUESTS): THROTTLED,
        **{
            int(name.removeprefix("_")): {"description": text, "content": PROBLEM}
            for name, text in sorted({**every, **problems}.items())
        },
    }


def fitting(items: Iterable[A]) -> list[A]:
    """Return as many items from the start as fit into a Lambda response, but at least one.

    A response is JSON inside a JSON string, so an item counts with the length of its escaped form.
    """
    fit: list[A] = []
    size = 0
    for item in items:
        size += len(json.dumps(item.model_dump_json()))
        if fit and size > MOST_BYTES:
            break
        fit.append(item)
    return fit


def opened(cursor: str | None, *context: object) -> dict[str, Any] | None:
    """Return the position in a cursor, or ``None`` without a cursor.

    Raises:
        coursebridge.errors.InvalidRequest: the cursor was tampered with, or belongs to another list.
    """
    return cursors().open(cursor, _spelled(context)) if cursor else None


def sealed(position: Mapping[str, Any] | None, *context: object) -> str | None:
    """Return the cursor of a position, or ``None`` at the end of the list."""
    return cursors().seal(position, _spelled(context)) if position else None


def _spelled(context: Sequence[object]) -> str:
    return json.dumps(context, default=str)
