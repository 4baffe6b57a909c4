"""Records: the attempts of a learner, and of a course."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from coursebridge.auth import scopes
from coursebridge.contract import Cursor, Integration, Limit, Page, opened, responses, sealed
from coursebridge.errors import NotFound
from coursebridge.people import attempts
from coursebridge.records.fold import Status
from coursebridge.storage import keys
from coursebridge.storage.learners import LearnerStore
from coursebridge.storage.wiring import table
from learning_common import PREFIX, CourseUrn, LearnerId, reach, routes
from learning_launches import Attempt

router = routes()
TAGS = ["Records"]
OfStatus = Annotated[Status | None, Query(description="Only attempts of this status.")]


@router.get(
    f"{PREFIX}/learners/<id>/attempts",
    summary="List a learner's attempts",
    description="The attempts of a learner who was merged into another are listed with that other learner. With "
    "`status`, a page can hold fewer than `limit` items and still not be the last.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of attempts, by course.", _404="There is no such learner."),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_attempts_of_learner(
    integration: Integration,
    id: LearnerId,  # noqa: A002  (the contract's name)
    status: OfStatus = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Attempt]:
    """Return a page of a learner's attempts."""
    learner = LearnerStore(table(), integration).get_surviving(id)
    context = ("attempts", integration, learner.id, status)
    found = attempts.of_learner(table(), integration, learner.id, status, limit, opened(cursor, *context))
    return _page(found, context)


@router.get(
    f"{PREFIX}/courses/<urn>/attempts",
    summary="List a course's attempts",
    description="With `status`, a page can hold fewer than `limit` items and still not be the last.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of attempts, by learner.", _404="There is no such course."),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_attempts_of_course(
    integration: Integration, urn: CourseUrn, status: OfStatus = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Attempt]:
    """Return a page of a course's attempts."""
    if table().get(keys.course(integration, urn), consistent=False) is None:
        raise NotFound("there is no such course")
    context = ("attempts of course", integration, urn, status)
    found = attempts.of_course(table(), integration, urn, status, limit, opened(cursor, *context))
    return _page(found, context)


def _page(found: attempts.Attempts, context: tuple[str | None, ...]) -> Page[Attempt]:
    items = [Attempt.model_validate(attempt.to_item()) for attempt in found.items]
    return Page(items=items, next=sealed(found.position, *context))
