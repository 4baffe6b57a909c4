"""/admin/integrations/{integration}/statements and /identities: received statements and their outcomes."""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from admin_common import ABSENT, READ, WRITE, new_router
from coursebridge.admin import wiring
from coursebridge.api import caller
from coursebridge.apply.judge import REASONS
from coursebridge.apply.release import MOST_RELEASED
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.people.fields import checked_identifier
from coursebridge.records.identifiers import Kind
from coursebridge.storage.statement_outcomes import HeldReason, Reason
from coursebridge.storage.statements import Outcome

router = new_router()
TAGS = ["Statements"]
NO_STATEMENT = "There is no such integration or statement."
IN_WORDS = ", ".join(f"`{reason}` ({words})" for reason, words in REASONS.items())
StatementId = Annotated[
    str,
    Path(description="The statement's id.", examples=["6a9fefbb-3517-4b92-9d5e-5710aaba924f"]),
    AfterValidator(unquote),
]


class Actor(Answer):
    """The identifier a statement's actor carries."""

    type: str | None = Field(examples=["email"])
    value: str | None = Field(examples=["learner@example.com"])


class StatementAnswer(Answer):
    """One xAPI statement and what became of it."""

    id: str
    stored_at: Time
    timestamp: Time
    verb: str = Field(examples=["http://adlnet.gov/expapi/verbs/completed"])
    object_id: str | None = Field(examples=["urn:li:lyndaCourse:252"])
    actor: Actor
    outcome: Outcome
    reason: str | None = Field(description=f"Why it is held or ignored: {IN_WORDS}.", examples=["learner_unknown"])
    explanation: str | None = Field(description="The reason in words.")
    learner_id: str | None
    attempt_id: str | None


class WholeStatement(StatementAnswer):
    """One xAPI statement, what became of it, and the statement itself."""

    raw: Any = Field(description="The statement as it was received; null for an erased person.")


class ReplayRequest(Request):
    """Which held statements to replay."""

    reason: HeldReason = Field(examples=["learner_unknown"])


class ReplayAnswer(Answer):
    """How many statements are being replayed."""

    replayed: int
    held: int = Field(description="How many are held for this reason at this moment, up to a thousand.")


class IdentityRequest(Request):
    """This identifier is that learner."""

    type: Kind = Field(examples=["email"])
    value: str = Field(min_length=1, max_length=320, examples=["a.learner@example.com"])
    learner_id: str = Field(min_length=1, max_length=64)
    after_erasure: bool = Field(default=False, description="Take the identifier of a person who was erased.")

    @field_validator("value")
    @classmethod
    def _can_be_held(cls, value: str, info: ValidationInfo) -> str:
        return checked_identifier(info.data["type"], value) if "type" in info.data else value


class IdentityAnswer(Answer):
    """An alias, how many held statements are replayed because of it, and who had it before."""

    type: str
    value: str
    learner_id: str
    replayed: int = Field(
        description=f"How many statements are held for the identifier at this moment, up to {MOST_RELEASED}. They are "
        "replayed within a second or so; if there are more, the rest follow within minutes.",
        examples=[3],
    )
    taken_from: list[str] = Field(
        description="The ids of the learners who had the identifier until now. They have it no longer, but what "
        "was applied to them stays. Empty if nobody had it.",
        examples=[["0196c1e2a1b3c4d5e6f70a"]],
    )


def whole_statement(status: HTTPStatus, description: str) -> dict[int, Any]:
    """Return the OpenAPI responses of a route that returns a statement as text, whose model Powertools cannot infer."""
    answer = {"description": description, "content": {"application/json": {"model": WholeStatement}}}
    return {**responses(status, description, _404=NO_STATEMENT), int(status): answer}


@router.get(
    "/admin/integrations/<integration>/statements",
    middlewares=READ,
    summary="List statements",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of statements.", _404=ABSENT),
)
def list_statements(
    integration: Integration,
    outcome: Annotated[Outcome | None, Query(description="What became of them.")] = None,
    reason: Annotated[Reason | None, Query(description="Why they are held or ignored.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StatementAnswer]:
    """Lists the statements received and their outcomes, newest first.

    With the outcome `received`, they are listed oldest first; with `held`, by reason, then by what they wait for, then
    oldest first. A page can hold fewer than `limit`, even none, and still have a `next`: continue until that is null.
    """
    context = ("statements", integration, outcome, reason)
    position = opened(cursor, *context)
    found, after = wiring.statements(caller(router)).list(integration, outcome, reason, limit, position)
    return Page(items=[StatementAnswer.model_validate(item) for item in found], next=sealed(after, *context))


@router.get(
    "/admin/integrations/<integration>/statements/<sid>",
    middlewares=READ,
    summary="Read a statement",
    tags=TAGS,
    responses=whole_statement(HTTPStatus.OK, "The statement."),
)
def read_statement(integration: Integration, sid: StatementId) -> Response[Any]:
    """Returns one statement as it was received, and its outcome."""
    return Response(HTTPStatus.OK, "application/json", wiring.statements(caller(router)).get(integration, sid))


@router.post(
    "/admin/integrations/<integration>/statements/<sid>/replay",
    middlewares=WRITE,
    summary="Replay a statement",
    tags=TAGS,
    responses=whole_statement(
        HTTPStatus.ACCEPTED, "The statement; while it is being replayed, its outcome is `received`."
    ),
)
def replay_statement(integration: Integration, sid: StatementId) -> Response[Any]:
    """Replays a statement as if it had just arrived. It takes effect within a second or so.

    A statement that is in a learner's record already is left as it is; the response shows its outcome.
    """
    return Response(HTTPStatus.ACCEPTED, "application/json", wiring.statements(caller(router)).replay(integration, sid))


@router.post(
    "/admin/integrations/<integration>/statements/replay",
    middlewares=WRITE,
    summary="Replay everything held for a reason",
    tags=TAGS,
    responses=responses(HTTPStatus.ACCEPTED, "How many are being replayed.", _404=ABSENT),
)
def replay_held(integration: Integration, replay: ReplayRequest) -> Response[ReplayAnswer]:
    """Replays as many held statements as there is time for; of those that wait for the same thing, the oldest first."""
    time_is_up = wiring.time_is_up(router.lambda_context)
    replayed = wiring.statements(caller(router)).replay_held(integration, replay.reason, time_is_up)
    return Response(HTTPStatus.ACCEPTED, "application/json", ReplayAnswer.model_validate(replayed))


@router.post(
    "/admin/integrations/<integration>/identities",
    middlewares=WRITE,
    summary="Say that an identifier is a learner",
    tags=TAGS,
    responses=responses(
        HTTPStatus.CREATED,
        "The alias, and how many held statements are replayed.",
        _404="There is no such integration or learner.",
        _409="It was the identifier of an erased person, or other requests keep changing the learner.",
    ),
)
def assign_identity(integration: Integration, identity: IdentityRequest) -> Response[IdentityAnswer]:
    """Assigns an identifier to a learner from now on. Every statement held for it is replayed within a second or so.

    It is taken away from whoever has it, even from an active learner.
    """
    assigned = wiring.statements(caller(router)).assign(
        integration, identity.type, identity.value, identity.learner_id, after_erasure=identity.after_erasure
    )
    return Response(HTTPStatus.CREATED, "application/json", IdentityAnswer.model_validate(assigned))
