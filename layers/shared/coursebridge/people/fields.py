"""The fields of a learner that a caller may set, and their validation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from coursebridge.records.identifiers import KINDS, MOST_BYTES, Kind, usable

MOST_GROUPS = 100


def _identifier(value: str) -> str:
    if not value.isprintable() or not usable(value):
        message = f"is empty, not printable or longer than {MOST_BYTES} bytes"
        raise ValueError(message)
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_identifier)]
Email = Annotated[Text, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
Group = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


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
    status: Literal["active", "inactive"] = "active"
    groups: list[Group] | None = Field(default=None, max_length=MOST_GROUPS)

    def identifiers(self) -> dict[Kind, str | None]:
        """Return the identifiers that were given, with ``None`` for one to take away."""
        return {kind: getattr(self, kind) for kind in KINDS if kind in self.model_fields_set}
