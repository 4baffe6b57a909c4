"""Routes about one person: merge and unmerge, remove an alias, export, erase, and explain a record."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, Field

from coursebridge.auth import scopes, wiring
from coursebridge.clock import utc_now
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.people import aliases
from coursebridge.people import wiring as people
from coursebridge.people.explaining import explain
from coursebridge.people.portability import held_about
from coursebridge.records.identifiers import Kind
from coursebridge.secret_values import pseudonym_key
from coursebridge.storage.statements import Outcome
from coursebridge.storage.wiring import table
from learning_common import PREFIX, LearnerId, note, reach, routes
from learning_launches import Attempt
from learning_people import NO_LEARNER, LearnerAnswer, shown

router = routes()
TAGS = ["Learners"]
GOES_ON = "It is not finished yet; send the same request again to continue."
IdentifierValue = Annotated[
    str,
    Path(description="The identifier, percent-encoded.", examples=["a.learner@example.com"]),
    AfterValidator(unquote),
]


class MergeRequest(Request):
    """The learner to merge."""

    learner_id: str = Field(min_length=1, max_length=64, examples=["0196c1e2a1b3c4d5e6f70a"])


class HeldItem(Answer):
    """Something that is held about a person."""

    kind: str = Field(examples=["record"])
    data: dict[str, Any]


class StepAnswer(Answer):
    """One step from receipt to record."""

    step: Literal["identifier", "learner", "course", "statements", "outcome", "attempt"]
    ok: bool
    detail: str
    help: str | None = Field(description="What would help.")


class ActorAnswer(Answer):
    """The identifier a statement's actor carries."""

    type: str | None
    value: str | None


class ExplainedStatement(Answer):
    """A statement and what became of it."""

    id: str
    stored_at: Time
    timestamp: Time
    verb: str
    object_id: str | None
    actor: ActorAnswer
    outcome: Outcome
    reason: str | None
    learner_id: str | None
    attempt_id: str | None
    explanation: str
    help: str | None


class ExplainAnswer(Answer):
    """Why a record is there or not."""

    learner: LearnerAnswer | None
    course_urn: str
    course: dict[str, Any] | None = Field(description="`title`, `status` and `duration_seconds`.")
    steps: list[StepAnswer]
    statements: list[ExplainedStatement]
    evidence: dict[str, Any] = Field(description="`launches`, `activity`, `completions` and `report`.")
    attempts: list[Attempt]


@router.post(
    f"{PREFIX}/learners/<id>/merge",
    summary="Merge another learner into this one",
    description="For two learners who are one person. The other's identifiers and records become this learner's; "
    "nothing is lost, and `unmerge` undoes it. Groups stay as they are.",
    tags=TAGS,
    responses=responses(
        HTTPStatus.OK, "The learner.", _404=NO_LEARNER, _409="One of them was merged before.", _503=GOES_ON
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def merge_learner(integration: Integration, id: LearnerId, body: MergeRequest) -> LearnerAnswer:  # noqa: A002
    """Merge another learner into this one."""
    learner = people.merging(integration, router.lambda_context).merge(id, body.learner_id)
    note(router, integration, "learner.merged", id, None, {"merged": body.learner_id})
    return shown(learner)


@router.post(
    f"{PREFIX}/learners/<id>/unmerge",
    summary="Take a merge back",
    description="The learner is separate again, with everything that was theirs and everything that has arrived for "
    "them since.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The learner.", _404=NO_LEARNER, _409="They were not merged.", _503=GOES_ON),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def unmerge_learner(integration: Integration, id: LearnerId) -> LearnerAnswer:  # noqa: A002
    """Take a merge back."""
    learner = people.merging(integration, router.lambda_context).part(id)
    note(router, integration, "learner.unmerged", id, None, {})
    return shown(learner)


@router.delete(
    f"{PREFIX}/learners/<id>/identifiers/<type>/<value>",
    summary="Take an alias away",
    description="What was applied through it stays; statements that arrive with it from now on are held. The "
    "learner's current identifiers are changed with `PATCH`; former ones, which still mean the learner, can be "
    "removed here.",
    tags=TAGS,
    responses=responses(
        HTTPStatus.NO_CONTENT,
        "It no longer means the learner.",
        _404="There is no such learner, or the identifier does not mean them.",
        _409="It is the learner's own identifier.",
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def remove_alias(
    integration: Integration,
    id: LearnerId,  # noqa: A002  (the contract's name)
    type: Annotated[Kind, Path(description="Its type.")],  # noqa: A002
    value: IdentifierValue,
) -> Response[None]:
    """Take an alias away from a learner."""
    aliases.remove(table(), integration, type, value, id, utc_now())
    note(router, integration, "identity.removed", id, None, {"type": type})
    return Response(HTTPStatus.NO_CONTENT)


@router.get(
    f"{PREFIX}/learners/<id>/export",
    summary="Export everything about a person",
    description="The learner and whoever was merged into them, records with their evidence, and statements as they "
    "were received, page by page.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of what is held.", _404=NO_LEARNER),
    middlewares=reach(scopes.LEARNING_READ),
)
def export_learner(
    integration: Integration,
    id: LearnerId,  # noqa: A002  (the contract's name)
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[HeldItem]:
    """Return a page of everything that is held about a person."""
    learner = people.directory(integration).get(id)
    context = ("export", integration, id)
    held = held_about(table(), learner, opened(cursor, *context), limit)
    return Page(items=[HeldItem.model_validate(item) for item in held.items], next=sealed(held.position, *context))


@router.delete(
    f"{PREFIX}/learners/<id>",
    summary="Erase a person",
    description="Erases records, identifiers, and everything in statements that identifies the person. "
    "Statements sent about them later are emptied too. An identifier that also belongs to another learner stays "
    "with that learner.",
    tags=TAGS,
    responses={
        **responses(
            HTTPStatus.NO_CONTENT,
            "The person is erased.",
            _404=NO_LEARNER,
            _409="The learner was merged, or a merge is being undone; see `detail`.",
        ),
        int(HTTPStatus.ACCEPTED): {"description": "Most data is erased, but not yet all: send the request again."},
    },
    middlewares=reach(scopes.LEARNING_WRITE),
)
def erase_learner(integration: Integration, id: LearnerId) -> Response[None]:  # noqa: A002
    """Erase a person."""
    done = people.erasure(integration, router.lambda_context).erase(id)
    note(router, integration, "learner.erased" if done else "learner.erasing", id, None, {})
    return Response(HTTPStatus.NO_CONTENT if done else HTTPStatus.ACCEPTED)


@router.get(
    f"{PREFIX}/explain",
    summary="Explain a record",
    description="Explains step by step why a learner has a record of a course or not, and what would help.",
    tags=["Records"],
    responses=responses(HTTPStatus.OK, "The explanation.", _404=NO_LEARNER),
    middlewares=reach(scopes.LEARNING_READ),
)
def explain_record(
    integration: Integration,
    learner: Annotated[
        str,
        Query(
            description="A learner's id, an e-mail address, or `email:`, `username:`, `external_id:`, `profile_urn:` "
            "with a value."
        ),
    ],
    course: Annotated[str, Query(description="The course's URN.", min_length=1, max_length=512)],
) -> ExplainAnswer:
    """Explain a record."""
    item = wiring.registry().integration(integration) or {}
    explanation = explain(table(), item, learner, course, pseudonym_key)
    facts = (
        {name: explanation.course.get(name) for name in ("title", "status", "duration_seconds")}
        if explanation.course
        else None
    )
    return ExplainAnswer(
        learner=shown(explanation.learner) if explanation.learner else None,
        course_urn=course,
        course=facts,
        steps=[StepAnswer.model_validate(step._asdict()) for step in explanation.steps],
        statements=[ExplainedStatement.model_validate(each) for each in explanation.statements],
        evidence=explanation.evidence,
        attempts=[Attempt.model_validate(each.to_item()) for each in explanation.attempts],
    )
