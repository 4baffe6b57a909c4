"""Paths: ordered courses of a group's library, and where each learner is on them."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, ConfigDict, Field

from coursebridge import api
from coursebridge.api import caller
from coursebridge.auth import scopes
from coursebridge.clock import rfc3339, utc_now
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.paths import progress
from coursebridge.paths.progress import PathStatus, State
from coursebridge.paths.service import MOST_STEPS, Draft, Paths
from coursebridge.paths.store import from_item
from coursebridge.records.evidence import Source
from coursebridge.storage.course_shapes import Status
from coursebridge.storage.wiring import table
from learning_common import NO_INTEGRATION, PREFIX, CourseUrn, LearnerId, note, reach, routes

router = routes()
PathId = Annotated[
    str, Path(description="The path's id.", examples=["0196c1e2a1b3c4d5e6f70a"]), AfterValidator(unquote)
]
FIRST, SECOND = "urn:li:lyndaCourse:1222", "urn:li:lyndaCourse:1333"
NO_PATH, NO_WAY = "There is no such path.", "There is no such learner, or no such path."
GUARDS = {
    "_400": "A course is not in the group's library or comes twice, or a field is wrong.",
    "_409": "The course of a new step is archived, or somebody else is changing the path at the same time.",
}


class PathDraft(Request):
    """A path as its owner writes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "New in sales", "group": "sales", "linear": True, "steps": [FIRST, SECOND]}]
        }
    )
    name: str = Field(min_length=1, max_length=200)
    group: str = Field(min_length=1, max_length=200, description="Whose library the courses come from.")
    linear: bool = Field(default=False, description="Whether each step waits for the one before.")
    steps: list[str] = Field(min_length=1, max_length=MOST_STEPS, description="URNs of courses, in order, none twice.")
    description: str = Field(default="", max_length=2000)

    def draft(self) -> Draft:
        """Return the draft for the service."""
        return Draft(self.name, self.group, self.linear, tuple(self.steps), self.description)


class CourseFacts(Answer):
    """What has become of a step's course."""

    course_urn: str = Field(examples=[FIRST])
    title: str | None = Field(examples=["Example course"])
    course_status: Status | None = Field(description="An `archived` course can no longer be launched.")
    archived_reason: str | None = Field(examples=[None])


class LearningPath(Answer):
    """A path as its owner sees it."""

    id: str = Field(examples=["0196c1e2a1b3c4d5e6f70a"])
    name: str = Field(examples=["New in sales"])
    description: str = Field(examples=[""])
    group: str = Field(examples=["sales"])
    linear: bool
    steps: list[str] = Field(examples=[[FIRST, SECOND]])
    courses: list[CourseFacts] = Field(description="The same steps, with what has become of their courses.")
    created_at: Time
    updated_at: Time


class Evidence(Answer):
    """What the state of a step is based on."""

    statement_id: str | None = Field(examples=["6a9fefbb-3517-4b92-9d5e-5710aaba924f"])
    time: Time
    source: Literal[Source, "override"]


class Override(Answer):
    """Who let the learner skip the step."""

    at: Time
    by: str = Field(examples=["coursebridge-admin"])
    reason: str = Field(examples=["LinkedIn has retired the course"])


class Step(CourseFacts):
    """One step of a path, for one learner."""

    state: State
    evidence: Evidence | None
    progress: int | None = Field(ge=0, le=100, description="Null if nothing was started, or the step is locked.")
    override: Override | None


class Way(Answer):
    """A learner's progress on a path."""

    id: str = Field(examples=["0196c1e2a1b3c4d5e6f70a"])
    name: str = Field(examples=["New in sales"])
    group: str = Field(examples=["sales"])
    linear: bool
    status: PathStatus
    completed_at: Time | None
    steps: list[Step]


class Skip(Request):
    """Why a learner may skip a step."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "LinkedIn has retired the course"}]})
    reason: str = Field(min_length=1, max_length=500, description="Kept in the audit; do not name anybody.")


@router.get(
    f"{PREFIX}/paths",
    summary="List paths",
    tags=["Paths"],
    responses=responses(HTTPStatus.OK, "A page of paths, oldest first.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_paths(
    integration: Integration,
    group: Annotated[str | None, Query(description="Only the paths of this group.", examples=["sales"])] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LearningPath]:
    """List paths."""
    paths, context = _paths(integration), ("paths", integration, group)
    page = paths.store.list_page(group=group, limit=limit, after=opened(cursor, *context))
    shown = paths.presented([from_item(item) for item in page.items])
    return Page(items=[LearningPath.model_validate(path) for path in shown], next=sealed(page.last_key, *context))


@router.post(
    f"{PREFIX}/paths",
    summary="Make a path",
    description="Only courses of the group's library can go into its paths.",
    tags=["Paths"],
    status_code=HTTPStatus.CREATED,
    responses=responses(HTTPStatus.CREATED, "The path.", **GUARDS, _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def create_path(integration: Integration, body: PathDraft) -> LearningPath:
    """Make a path."""
    paths = _paths(integration)
    path = paths.create(body.draft(), rfc3339(utc_now()))
    note(router, integration, "path.created", path.id, None, _audited(path))
    return _shown(paths, path)


@router.get(
    f"{PREFIX}/paths/<path_id>",
    summary="Get a path",
    description="Also shows which courses were archived since the path was made.",
    tags=["Paths"],
    responses=responses(HTTPStatus.OK, "The path.", _404=NO_PATH),
    middlewares=reach(scopes.LEARNING_READ),
)
def get_path(integration: Integration, path_id: PathId) -> LearningPath:
    """Return a path."""
    paths = _paths(integration)
    return _shown(paths, paths.get(path_id))


@router.put(
    f"{PREFIX}/paths/<path_id>",
    summary="Change a path",
    description="Replaces the path. An existing step can stay even if its course was archived or has left the library.",
    tags=["Paths"],
    responses=responses(HTTPStatus.OK, "The path.", _404=NO_PATH, **GUARDS),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def put_path(integration: Integration, path_id: PathId, body: PathDraft) -> LearningPath:
    """Change a path."""
    paths = _paths(integration)
    before, after = paths.replace(path_id, body.draft(), rfc3339(utc_now()))
    note(router, integration, "path.changed", path_id, _audited(before), _audited(after))
    return _shown(paths, after)


@router.delete(
    f"{PREFIX}/paths/<path_id>",
    summary="Delete a path",
    description="Learners' records stay: a path has none of its own.",
    tags=["Paths"],
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(HTTPStatus.NO_CONTENT, "It is gone.", _404=NO_PATH),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def delete_path(integration: Integration, path_id: PathId) -> Response[Any]:
    """Delete a path."""
    path = _paths(integration).delete(path_id)
    note(router, integration, "path.deleted", path_id, _audited(path), None)
    return api.answer(HTTPStatus.NO_CONTENT)


@router.get(
    f"{PREFIX}/learners/<learner_id>/paths",
    summary="List a learner's paths",
    description="The paths of the groups the learner is in, each with the state of every step: by group, oldest first. "
    "A page can hold fewer than `limit` items and still have a `next`.",
    tags=["Paths"],
    responses=responses(HTTPStatus.OK, "A page of the learner's progress on paths.", _404="There is no such learner."),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_ways(integration: Integration, learner_id: LearnerId, limit: Limit = 50, cursor: Cursor = None) -> Page[Way]:
    """List a learner's ways through the paths of their groups."""
    context = ("ways", integration, learner_id)
    ways, position = _paths(integration).ways_page(learner_id, limit=limit, after=opened(cursor, *context))
    return Page(items=[Way.model_validate(way) for way in ways], next=sealed(position, *context))


@router.get(
    f"{PREFIX}/learners/<learner_id>/paths/<path_id>",
    summary="Where a learner is on a path",
    description="Returns the state of each step with its evidence, computed from the learner's current records. "
    "This tells you whether the learner may go on to the next step.",
    tags=["Paths"],
    responses=responses(HTTPStatus.OK, "The learner's progress on the path.", _404=NO_WAY),
    middlewares=reach(scopes.LEARNING_READ),
)
def get_way(integration: Integration, learner_id: LearnerId, path_id: PathId) -> Way:
    """Return a learner's way through a path."""
    return Way.model_validate(_paths(integration).way_of(learner_id, path_id))


@router.put(
    f"{PREFIX}/learners/<learner_id>/paths/<path_id>/overrides/<urn>",
    summary="Let a learner skip a step",
    description="For admins, if the course can no longer be completed. It is audited; the step counts as "
    "completed, with the evidence `override`.",
    tags=["Paths"],
    responses=responses(
        HTTPStatus.OK, "The learner's progress on the path.", _404=f"{NO_WAY} Or the path has no such step."
    ),
    middlewares=reach(scopes.ADMIN_WRITE),
)
def skip_step(integration: Integration, learner_id: LearnerId, path_id: PathId, urn: CourseUrn, body: Skip) -> Way:
    """Let a learner skip a step."""
    entry = {"at": rfc3339(utc_now()), "by": caller(router), "reason": body.reason}
    return _override(integration, learner_id, path_id, urn, entry)


@router.delete(
    f"{PREFIX}/learners/<learner_id>/paths/<path_id>/overrides/<urn>",
    summary="No longer let a learner skip a step",
    tags=["Paths"],
    responses=responses(
        HTTPStatus.OK, "The learner's progress on the path.", _404=f"{NO_WAY} Or the path has no such step."
    ),
    middlewares=reach(scopes.ADMIN_WRITE),
)
def unskip_step(integration: Integration, learner_id: LearnerId, path_id: PathId, urn: CourseUrn) -> Way:
    """No longer let a learner skip a step."""
    return _override(integration, learner_id, path_id, urn, None)


def _override(integration: str, learner_id: str, path_id: str, urn: str, entry: dict[str, Any] | None) -> Way:
    paths = _paths(integration)
    before = paths.skip(learner_id, path_id, urn, entry)
    action = "path_step.skipped" if entry else "path_step.unskipped"
    note(router, integration, action, f"{path_id} {learner_id} {urn}", before, entry)
    return Way.model_validate(paths.way_of(learner_id, path_id))


def _shown(paths: Paths, path: progress.Path) -> LearningPath:
    return LearningPath.model_validate(paths.presented([path])[0])


def _audited(path: progress.Path) -> dict[str, Any]:
    """Return the fields of a path that its owner writes."""
    return {**{name: getattr(path, name) for name in PathDraft.model_fields}, "steps": list(path.steps)}


def _paths(integration: str) -> Paths:
    return Paths(table(), integration)
