"""The fields of a learner that a caller may set, and their validation."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from coursebridge.errors import EMAIL, field_errors
from coursebridge.records.identifiers import KINDS, MOST_BYTES, Kind, usable
from coursebridge.storage.learners import Status  # noqa: TC001  (pydantic reads it at run time)

MOST_GROUPS = 100
MAILTO = "mailto:"


def _identifier(value: str) -> str:
    if not value.isprintable() or not usable(value):
        message = f"is empty, not printable or longer than {MOST_BYTES} bytes"
        raise ValueError(message)
    return value


def _without_scheme(value: object) -> object:
    """Return an e-mail address without xAPI's ``mailto:``, with which it is copied from a statement."""
    stripped = value.strip() if isinstance(value, str) else value
    return stripped[len(MAILTO) :] if isinstance(stripped, str) and stripped.lower().startswith(MAILTO) else stripped


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_identifier)]
Email = Annotated[Text, StringConstraints(pattern=EMAIL, max_length=320), BeforeValidator(_without_scheme)]
Group = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_TEXT: TypeAdapter[str] = TypeAdapter(Text)


def checked_identifier(kind: Kind, value: str) -> str:
    """Return an identifier as it is stored.

    Raises:
        ValueError: no learner can have it; the message says why.
    """
    try:
        return (_EMAIL if kind == "email" else _TEXT).validate_python(value)
    except ValidationError as error:
        raise ValueError(field_errors(error.errors())[0].detail) from error


class LearnerFields(BaseModel):
    """A learner as a caller writes one; an absent field changes nothing, ``null`` removes the value."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {"email": "a.learner@example.com", "external_id": "E-1042", "name": "A. Learner", "groups": ["sales"]}
            ]
        },
    )

    email: Email | None = Field(default=None, description="compared without regard to case")
    username: Text | None = None
    external_id: Text | None = Field(default=None, description="the id your own systems use")
    profile_urn: Text | None = Field(default=None, description="LinkedIn's profile URN")
    name: Name | None = None
    status: Status = "active"
    groups: list[Group] | None = Field(default=None, max_length=MOST_GROUPS)

    def identifiers(self) -> dict[Kind, str | None]:
        """Return the identifiers that were given, with ``None`` for one to take away."""
        return {kind: getattr(self, kind) for kind in KINDS if kind in self.model_fields_set}
