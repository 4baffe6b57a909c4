"""Libraries of groups: the courses that may go into a group's paths."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from coursebridge import api
from coursebridge.api import caller
from coursebridge.auth import scopes
from coursebridge.clock import rfc3339, utc_now
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Time, opened, responses, sealed
from coursebridge.errors import InvalidRequest
from coursebridge.paths.libraries import Libraries
from coursebridge.paths.service import Paths
from coursebridge.storage.wiring import table
from learning_common import NO_INTEGRATION, PREFIX, CourseUrn, Group, note, reach, routes

router = routes()
LONGEST_GROUP = 200
NOT_THERE = "The course is not in this group's library."


class LibraryEntry(Answer):
    """A course in a group's library."""

    group: str = Field(examples=["sales"])
    course_urn: str = Field(examples=["urn:li:lyndaCourse:1222"])
    added_at: Time
    added_by: str = Field(description="The client that added it.", examples=["coursebridge-admin"])
    title: str | None = Field(examples=["Example course"])
    course_status: str | None = Field(description="`archived` courses can no longer be launched.", examples=["active"])
    archived_reason: str | None = Field(examples=[None])


@router.get(
    f"{PREFIX}/groups/<group>/library",
    summary="List a group's library",
    description="In the order of URNs; courses archived since stay in the list, marked as archived.",
    tags=["Libraries"],
    responses=responses(HTTPStatus.OK, "A page of the library.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_library(
    integration: Integration, group: Group, limit: Limit = 50, cursor: Cursor = None
) -> Page[LibraryEntry]:
    """List a group's library."""
    context = ("library", integration, group)
    items, last = _libraries(integration).list_group(group, limit=limit, after=opened(cursor, *context))
    return Page(items=[LibraryEntry.model_validate(item) for item in items], next=sealed(last, *context))


@router.get(
    f"{PREFIX}/groups/<group>/library/<urn>",
    summary="Look a course up in a group's library",
    tags=["Libraries"],
    responses=responses(HTTPStatus.OK, "The entry.", _404=NOT_THERE),
    middlewares=reach(scopes.LEARNING_READ),
)
def get_entry(integration: Integration, group: Group, urn: CourseUrn) -> LibraryEntry:
    """Return an entry of a library."""
    return LibraryEntry.model_validate(_libraries(integration).get(group, urn))


@router.put(
    f"{PREFIX}/groups/<group>/library/<urn>",
    summary="Take a course into a group's library",
    description="A course already in the library stays as it is.",
    tags=["Libraries"],
    responses=responses(
        HTTPStatus.OK, "The entry.", _404="There is no such course.", _409="The course is archived; says why."
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def put_entry(integration: Integration, group: Group, urn: CourseUrn) -> LibraryEntry:
    """Take a course into a library."""
    if not group.strip() or len(group) > LONGEST_GROUP:
        raise InvalidRequest(f"the name of a group has one to {LONGEST_GROUP} characters")
    entry, is_new = _libraries(integration).add(group, urn, by=caller(router), now=rfc3339(utc_now()))
    if is_new:
        note(router, integration, "library.course_added", f"{group} {urn}", None, {"group": group, "course_urn": urn})
    return LibraryEntry.model_validate(entry)


@router.delete(
    f"{PREFIX}/groups/<group>/library/<urn>",
    summary="Take a course out of a group's library",
    tags=["Libraries"],
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(
        HTTPStatus.NO_CONTENT, "It is out.", _404=NOT_THERE, _409="Paths of the group contain it; `detail` says which."
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def delete_entry(integration: Integration, group: Group, urn: CourseUrn) -> Response[Any]:
    """Take a course out of a library."""
    used_by = Paths(table(), integration).leading_through(group, urn)
    _libraries(integration).remove(group, urn, used_by)
    note(router, integration, "library.course_removed", f"{group} {urn}", {"group": group, "course_urn": urn}, None)
    return api.answer(HTTPStatus.NO_CONTENT)


def _libraries(integration: str) -> Libraries:
    return Libraries(table(), integration)
