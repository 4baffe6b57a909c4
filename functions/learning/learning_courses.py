"""The catalogue as an LMS reads it. Courses are LinkedIn's; only their manual tags can be changed here."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import ConfigDict, Field, StringConstraints

from coursebridge.auth import scopes
from coursebridge.catalog import classification_graph
from coursebridge.catalog.presenting import presented, presented_alone
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.errors import Conflict, NotFound
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.course_shapes import Reason, Status
from coursebridge.storage.courses import CourseStore, StoredCourse
from coursebridge.storage.wiring import table
from learning_common import NO_INTEGRATION, PREFIX, CourseUrn, note, reach, routes

router = routes()
NO_COURSE = "There is no such course."
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Author(Answer):
    """A contributor."""

    urn: str | None
    name: str = Field(examples=["A. Author"])


class CourseClassification(Answer):
    """A classification of a course, with every path up to its library."""

    urn: str = Field(examples=["urn:li:lyndaCategory:118"])
    type: str = Field(examples=["TOPIC"], description="LIBRARY, SUBJECT, TOPIC, SKILL, CONTINUING_EDUCATION_UNIT ...")
    name: str | None
    paths: list[list[str]] = Field(description="URNs, nearest parent first.")


class LaunchUrls(Answer):
    """LinkedIn's launch URLs, verbatim."""

    web: str | None
    sso: str | None
    aicc: str | None


class Tags(Answer):
    """Tags from LinkedIn's classifications, and tags set by hand."""

    synced: list[str]
    manual: list[str]


class Course(Answer):
    """A course as it is kept here."""

    urn: str = Field(examples=["urn:li:lyndaCourse:1222"])
    type: str = Field(examples=["COURSE"])
    status: Status
    archived_reason: Reason | None
    title: str = Field(examples=["Example course"])
    description: str | None
    short_description: str | None
    thumbnail_url: str | None
    authors: list[Author]
    classifications: list[CourseClassification]
    duration_seconds: int | None = Field(examples=[5400])
    level: str | None = Field(examples=["BEGINNER"])
    locale: str | None = Field(examples=["en_US"])
    available_locales: list[str]
    published_at: Time | None
    updated_at: Time | None
    retired_at: Time | None
    launch_urls: LaunchUrls
    tags: Tags
    group: str | None
    author_email: str | None
    synced_at: Time


class WholeCourse(Course):
    """A single course, with fields that lists omit."""

    model_config = ConfigDict(extra="ignore")
    description_html: str | None
    short_description_html: str | None
    contents: list[dict[str, Any]] = Field(
        description="The tree of chapters and videos: `urn`, `type`, `title`, `duration_seconds`, `contents`."
    )


class TagsRequest(Request):
    """All manual tags of a course."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": ["onboarding"]}]})
    tags: list[Tag] = Field(
        max_length=100, description="They replace the previous tags; an empty list removes them all."
    )


class Owner(Answer):
    """Who made a classification."""

    urn: str | None
    name: str | None


class Classification(Answer):
    """A node of the classification graph; it may have several parents."""

    urn: str = Field(examples=["urn:li:lyndaCategory:118"])
    type: str = Field(examples=["SUBJECT"])
    name: str | None
    names: dict[str, str] = Field(description="By locale.")
    parents: list[str]
    owner: Owner


@router.get(
    f"{PREFIX}/courses/<urn>",
    summary="Get a course",
    description="Returns one course, even if archived, with its table of contents.",
    tags=["Courses"],
    responses=responses(HTTPStatus.OK, "The course.", _404=NO_COURSE),
    middlewares=reach(scopes.LEARNING_READ),
)
def get_course(integration: Integration, urn: CourseUrn) -> WholeCourse:
    """Return a course."""
    store = CourseStore(table(), integration)
    stored = _stored(store, urn)
    shown = presented_alone(stored, store.element(stored), store.manual_tags([urn]).get(urn, ()))
    return WholeCourse.model_validate(shown)


@router.put(
    f"{PREFIX}/courses/<urn>/tags",
    summary="Set a course's manual tags",
    description="Manual tags are kept separately from synced ones, and no sync changes them.",
    tags=["Courses"],
    responses=responses(HTTPStatus.OK, "The course.", _404=NO_COURSE),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def put_tags(integration: Integration, urn: CourseUrn, body: TagsRequest) -> Course:
    """Replace a course's manual tags."""
    store = CourseStore(table(), integration)
    stored = _stored(store, urn)
    before, after = store.manual_tags([urn]).get(urn, []), list(dict.fromkeys(body.tags))
    store.set_manual_tags(urn, after)
    if before != after:
        note(router, integration, "course.tagged", urn, {"tags": before}, {"tags": after})
    return Course.model_validate(presented(stored, after))


@router.route(
    f"{PREFIX}/courses/<urn>",
    method=["PUT", "PATCH", "DELETE"],
    summary="Refuse to change or delete a course",
    description="Courses come from LinkedIn, so the next sync would undo any change. Set manual tags, or exclude "
    "the course with a filter.",
    tags=["Courses"],
    responses=responses(
        HTTPStatus.CONFLICT, "Always: says what to do instead.", _404=NO_COURSE, _409="Always: says what to do instead."
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def refuse_to_change(integration: Integration, urn: CourseUrn) -> None:
    """Refuse to change or delete a course."""
    _stored(CourseStore(table(), integration), urn)
    if router.current_event.http_method == "DELETE":
        raise Conflict(
            "a synced course cannot be deleted, because the next sync would bring it back; to archive it, add it "
            "to the integration's filters (exclude_urns)"
        )
    raise Conflict(
        "the fields of a synced course come from LinkedIn and cannot be changed, because the next sync would "
        "undo it; set manual tags with PUT .../tags"
    )


@router.get(
    f"{PREFIX}/classifications",
    summary="List classifications",
    description="The graph LIBRARY > SUBJECT > TOPIC, skills and continuing education units.",
    tags=["Courses"],
    responses=responses(HTTPStatus.OK, "A page of classifications, by name.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_classifications(
    integration: Integration,
    type_: Annotated[str | None, Query(alias="type", description="Only of this type.", examples=["SUBJECT"])] = None,
    parent: Annotated[str | None, Query(description="Only direct children of this URN.")] = None,
    locale: Annotated[str, Query(description="The locale to name them in.", examples=["de_DE"])] = "en_US",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Classification]:
    """List classifications by type or parent."""
    context = ("classifications", integration, type_, parent, locale)
    found, position = classification_graph.page(
        ClassificationStore(table(), integration),
        type_=type_,
        parent=parent,
        locale=locale,
        limit=limit,
        after=opened(cursor, *context),
    )
    return Page(items=[Classification.model_validate(item) for item in found], next=sealed(position, *context))


def _stored(store: CourseStore, urn: str) -> StoredCourse:
    stored = store.get(urn)
    if stored is None:
        raise NotFound("there is no such course")
    return stored
