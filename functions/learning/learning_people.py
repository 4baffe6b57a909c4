"""The learner directory: /learners."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated, Any, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import ConfigDict, Field

from coursebridge import api
from coursebridge.auth import scopes
from coursebridge.contract import (
    Answer,
    Cursor,
    Integration,
    Limit,
    Page,
    Time,
    WrongField,
    fitting,
    opened,
    responses,
    sealed,
)
from coursebridge.errors import InvalidRequest
from coursebridge.people import importing
from coursebridge.people import wiring as people
from coursebridge.people.fields import LearnerFields
from coursebridge.records.identifiers import KINDS, Kind
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner, Status
from learning_common import NO_INTEGRATION, PREFIX, LearnerId, note, reach, routes

router = routes()
TAGS = ["Learners"]
NO_LEARNER = "There is no such learner."
TAKEN = "Another learner has an identifier, or an erased person had it; `errors` says which."


class IdentifierAnswer(Answer):
    """An identifier, and the period in which it was the learner's."""

    type: Kind = Field(examples=["email"])
    value: str = Field(examples=["a.learner@example.com"])
    since: Time
    until: Time | None
    alias: bool = Field(
        description="Whether it was assigned in addition to the learner's own identifier of this type.",
        examples=[False],
    )


class LearnerAnswer(Answer):
    """A person in this system."""

    id: str = Field(examples=["0196c1e2a1b3c4d5e6f709"])
    name: str | None = Field(examples=["A. Learner"])
    email: str | None = Field(examples=["a.learner@example.com"])
    username: str | None
    external_id: str | None = Field(examples=["E-1042"])
    profile_urn: str | None
    status: Status
    identifiers: list[IdentifierAnswer] = Field(description="All identifiers, including former ones.")
    groups: list[str] = Field(examples=[["sales"]])
    enterprise_groups: list[str] = Field(description="LinkedIn's own groups, from activity reports.")
    unique_user_id: str | None = Field(
        description="The id that the customer gave LinkedIn, from activity reports.", examples=["E-1042"]
    )
    source: str = Field(description="Where the learner comes from: `directory`, `open` matching or a `report`.")
    merged: list[str] = Field(description="The learners who were merged into this one.")
    merged_into: str | None = Field(description="The learner this one was merged into.")
    created_at: Time
    updated_at: Time


class LearnerRequest(LearnerFields):
    """A learner, and what to do about identifiers that somebody else has or had."""

    model_config = ConfigDict(extra="forbid")
    shared: bool = Field(
        default=False, description="Allow an identifier that another learner has too: statements with it are then held."
    )
    after_erasure: bool = Field(default=False, description="Take an identifier of a person who was erased.")

    def fields(self) -> LearnerFields:
        """Return only the fields of the learner."""
        return LearnerFields.model_validate(self.model_dump(exclude={"shared", "after_erasure"}, exclude_unset=True))


class RowAnswer(Answer):
    """What became of one row."""

    row: int = Field(description="From 1; the header of CSV does not count.", examples=[1])
    status: importing.Status
    id: str | None = Field(description="The learner's id.")
    errors: list[WrongField]
    warnings: list[WrongField]


class ImportAnswer(Answer):
    """What became of an import."""

    counts: dict[str, int] = Field(examples=[{"created": 1, "updated": 0, "unchanged": 0, "error": 0}])
    rows: list[RowAnswer]


@router.get(
    f"{PREFIX}/learners",
    summary="List learners",
    description="Lists all learners in the order in which they were added, or those that match. With a filter, a "
    "page can hold fewer than `limit` items and still not be the last.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of learners.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_learners(  # noqa: PLR0913, PLR0917  (every filter is a parameter)
    integration: Integration,
    email: Annotated[str | None, Query(description="Who has this address, whatever its case.")] = None,
    username: Annotated[str | None, Query(description="Who has this user name.")] = None,
    external_id: Annotated[str | None, Query(description="Who has this id of your own systems.")] = None,
    profile_urn: Annotated[str | None, Query(description="Who has this LinkedIn profile.")] = None,
    group: Annotated[str | None, Query(description="Who is in this group.")] = None,
    status: Annotated[Status | None, Query(description="Active or inactive learners.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LearnerAnswer]:
    """Return a page of learners."""
    given = zip(KINDS, (email, username, external_id, profile_urn), strict=True)
    identifiers = {kind: value for kind, value in given if value is not None}
    directory = people.directory(integration)
    context: tuple[object, ...] = ("learners", integration, group, status)
    if identifiers:
        context = (*context, identifiers)
        position = opened(cursor, *context) or {"id": ""}
        found = [
            learner
            for learner in directory.find(identifiers, group=group, status=status)
            if learner.id > position["id"]
        ]
        items = fitting(map(shown, found[:limit]))
        return Page(items=items, next=sealed({"id": items[-1].id} if len(items) < len(found) else None, *context))
    page = directory.page(group=group, status=status, limit=limit, after=opened(cursor, *context))
    items = fitting(shown(Learner.from_item(item)) for item in page.items)
    return Page(items=items, next=sealed(page.cut(len(items), keys.GSI1).last_key, *context))


@router.post(
    f"{PREFIX}/learners",
    summary="Add a learner",
    description="Needs at least one identifier. Statements held for it are applied automatically.",
    tags=TAGS,
    responses=responses(HTTPStatus.CREATED, "The learner.", _404=NO_INTEGRATION, _409=TAKEN),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def create_learner(integration: Integration, body: LearnerRequest) -> Response[LearnerAnswer]:
    """Add a learner."""
    learner = people.directory(integration).create(body.fields(), shared=body.shared, after_erasure=body.after_erasure)
    note(router, integration, "learner.created", learner.id, None, _audited(learner))
    return Response(HTTPStatus.CREATED, "application/json", shown(learner))


@router.post(
    f"{PREFIX}/learners/import",
    summary="Import learners",
    description="JSON (an array of learners) or CSV (`text/csv`, UTF-8, a header with the same names in any letter "
    f"case, groups separated by semicolons), at most {importing.MOST_ROWS} rows. A row is matched by external id, user "
    "name, address or profile, in this order; empty cells change nothing. Sending the same rows again changes nothing.",
    tags=TAGS,
    responses=responses(
        HTTPStatus.OK,
        "The result of each row; an invalid row does not stop the others.",
        _404=NO_INTEGRATION,
        _413="There are too many rows.",
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
    openapi_extensions={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": LearnerFields.model_json_schema()},
                    "example": [{"email": "a.learner@example.com", "external_id": "E-1042", "groups": ["sales"]}],
                },
                "text/csv": {
                    "schema": {"type": "string"},
                    "example": "external_id,email,groups\nE-1042,a.learner@example.com,sales;onboarding\n",
                },
            },
        }
    },
)
def import_learners(integration: Integration) -> ImportAnswer:
    """Create and update many learners."""
    event = router.current_event
    body = api.body_bytes(cast("APIGatewayHttpResolver", router))
    is_csv = "csv" in (event.headers.get("content-type") or "").lower()
    rows = importing.rows_of_csv(body) if is_csv else importing.rows_of_json(body)
    report = people.importer(integration, router.lambda_context).run(rows)
    note(router, integration, "learners.imported", integration, None, report.counts())
    rows = [RowAnswer.model_validate(result, from_attributes=True) for result in report.results]
    return ImportAnswer(counts=report.counts(), rows=rows)


@router.get(
    f"{PREFIX}/learners/<id>",
    summary="Get a learner",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The learner.", _404=NO_LEARNER),
    middlewares=reach(scopes.LEARNING_READ),
)
def get_learner(integration: Integration, id: LearnerId) -> LearnerAnswer:  # noqa: A002  (the contract's name)
    """Return a learner."""
    return shown(people.directory(integration).get(id))


@router.patch(
    f"{PREFIX}/learners/<id>",
    summary="Change a learner",
    description="A merge patch: absent fields stay unchanged, `null` removes a value, but not the last "
    "identifier. A replaced identifier stays on record with its period. Setting an inactive learner active "
    "applies the statements held for them.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The learner.", _404=NO_LEARNER, _409=TAKEN),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def change_learner(integration: Integration, id: LearnerId, body: LearnerRequest) -> LearnerAnswer:  # noqa: A002
    """Change a learner."""
    if not body.model_fields_set:
        raise InvalidRequest("there is nothing to change")
    before, after = people.directory(integration).change(
        id, body.fields(), shared=body.shared, after_erasure=body.after_erasure
    )
    if before != after:
        note(router, integration, "learner.changed", id, _audited(before), _audited(after))
    return shown(after)


def shown(learner: Learner) -> LearnerAnswer:
    """Return a learner as answers show them."""
    return LearnerAnswer.model_validate(learner.public())


def _audited(learner: Learner) -> dict[str, Any]:
    """Return what an audit entry may contain: no name or identifier, only the kinds of the current identifiers."""
    kinds = [dated.type for dated in learner.identifiers if dated.until is None]
    return {"status": learner.status, "groups": list(learner.groups), "identifiers": sorted(kinds)}
