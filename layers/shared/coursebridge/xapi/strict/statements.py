"""Statements, sub-statements and their parts: xAPI 1.0.3, Data 2.4."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from coursebridge.xapi.statement import VOIDED
from coursebridge.xapi.strict.activities import Activity
from coursebridge.xapi.strict.actors import Actor, Agent, Group, object_type
from coursebridge.xapi.strict.scalars import (
    Duration,
    Extensions,
    Iri,
    Irl,
    LanguageMap,
    LanguageTag,
    MediaType,
    Model,
    Sha2,
    Timestamp,
    Uuid,
    Version,
)

TAGS = frozenset({"Activity", "Agent", "Group", "StatementRef", "SubStatement", "one", "several"})
AUTHORITIES = 2


class Verb(Model):
    """What was done (Data 2.4.3)."""

    id: Iri
    display: LanguageMap | None = None


class StatementRef(Model):
    """A pointer to another statement (Data 2.4.4.3)."""

    object_type: Literal["StatementRef"]
    id: Uuid


class Score(Model):
    """The outcome of a graded activity (Data 2.4.5.1)."""

    scaled: Annotated[float, Field(ge=-1, le=1)] | None = None
    raw: float | None = None
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _is_in_range(self) -> Score:
        low = float("-inf") if self.min is None else self.min
        high = float("inf") if self.max is None else self.max
        if low >= high:
            message = "min is not less than max"
            raise ValueError(message)
        if self.raw is not None and not low <= self.raw <= high:
            message = "raw is not between min and max"
            raise ValueError(message)
        return self


class Result(Model):
    """A measured outcome (Data 2.4.5)."""

    score: Score | None = None
    success: bool | None = None
    completion: bool | None = None
    response: str | None = None
    duration: Duration | None = None
    extensions: Extensions | None = None


def _one_or_several(value: Any) -> str:  # noqa: ANN401  (whatever the statement contains)
    return "several" if isinstance(value, list) else "one"


Activities = Annotated[
    Annotated[Activity, Tag("one")] | Annotated[list[Activity], Tag("several")], Discriminator(_one_or_several)
]


class ContextActivities(Model):
    """Activities the statement is related to (Data 2.4.6.2)."""

    parent: Activities | None = None
    grouping: Activities | None = None
    category: Activities | None = None
    other: Activities | None = None

    @model_validator(mode="after")
    def _has_a_member(self) -> ContextActivities:
        if not self.model_fields_set:
            message = "has none of parent, grouping, category and other"
            raise ValueError(message)
        return self


class Context(Model):
    """What gives a statement more meaning (Data 2.4.6)."""

    registration: Uuid | None = None
    instructor: Actor | None = None
    team: Group | None = None
    context_activities: ContextActivities | None = None
    revision: str | None = None
    platform: str | None = None
    language: LanguageTag | None = None
    statement: StatementRef | None = None
    extensions: Extensions | None = None


class Attachment(Model):
    """The metadata of an attachment (Data 2.4.11).

    ``fileUrl`` is required, because contents sent with a statement are not accepted.
    """

    usage_type: Iri
    display: LanguageMap
    description: LanguageMap | None = None
    content_type: MediaType
    length: Annotated[int, Field(ge=0)]
    sha2: Sha2
    file_url: Irl


class Event(Model):
    """What statements and sub-statements have in common."""

    actor: Actor
    verb: Verb
    result: Result | None = None
    context: Context | None = None
    timestamp: Timestamp | None = None
    attachments: list[Attachment] | None = None


def _check_event(event: Event, target: object) -> None:
    """Check the properties that depend on the type of the object (Data 2.3.2 and 2.4.6)."""
    context = event.context
    if context and (context.revision is not None or context.platform is not None) and not isinstance(target, Activity):
        message = "context.revision and context.platform go with an Activity as object only"
        raise ValueError(message)
    if event.verb.id == VOIDED and not isinstance(target, StatementRef):
        message = "a voiding statement has a StatementRef as object"
        raise ValueError(message)


def _kind(value: Any) -> str:  # noqa: ANN401
    return object_type(value, "Activity")


Plain = (
    Annotated[Activity, Tag("Activity")]
    | Annotated[Agent, Tag("Agent")]
    | Annotated[Group, Tag("Group")]
    | Annotated[StatementRef, Tag("StatementRef")]
)


class SubStatement(Event):
    """A statement within a statement, without ``id``, ``stored``, ``version``, ``authority`` or a sub-statement."""

    object_type: Literal["SubStatement"]
    object: Annotated[
        Plain,
        Discriminator(
            _kind,
            custom_error_type="object_type",
            custom_error_message="has an objectType other than Activity, Agent, Group and StatementRef",
        ),
    ]

    @model_validator(mode="after")
    def _fits_together(self) -> SubStatement:
        _check_event(self, self.object)
        return self


def _authority(authority: Agent | Group) -> Agent | Group:
    if isinstance(authority, Group) and (authority.identifiers() or len(authority.member or ()) != AUTHORITIES):
        message = "an authority that is a group has exactly two agents as members and no identifier of its own"
        raise ValueError(message)
    return authority


class Statement(Event):
    """A statement (Data 2.4)."""

    id: Uuid | None = None
    object: Annotated[
        Plain | Annotated[SubStatement, Tag("SubStatement")],
        Discriminator(
            _kind,
            custom_error_type="object_type",
            custom_error_message="has an objectType other than Activity, Agent, Group, StatementRef and SubStatement",
        ),
    ]
    stored: Timestamp | None = None
    authority: Annotated[Actor, AfterValidator(_authority)] | None = None
    version: Version | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Statement:
        _check_event(self, self.object)
        return self
