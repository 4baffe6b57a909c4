"""GET /courses: keyword search and lists, answered from the search index."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from functools import cache
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query
from cachetools import LRUCache

from coursebridge import clients
from coursebridge.auth import scopes
from coursebridge.catalog.presenting import presented
from coursebridge.catalog.search.publishing import Replica
from coursebridge.catalog.search.querying import Question
from coursebridge.catalog.search.words import folded
from coursebridge.clock import rfc3339
from coursebridge.contract import Cursor, Integration, Limit, Page, fitting, opened, responses, sealed
from coursebridge.settings import settings
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.wiring import table
from coursebridge.times import Moment, Seconds
from learning_common import NO_INTEGRATION, PREFIX, reach, routes
from learning_courses import Course

router = routes()
MOST_REPLICAS = 16
MOST_BYTES = 3 << 30
"""Of indexes on the disk; the function has four gigabytes (EphemeralStorage)."""
Sort = Literal[
    "relevance",
    "title",
    "-title",
    "updated_at",
    "-updated_at",
    "published_at",
    "-published_at",
    "duration",
    "-duration",
]


class Replicas(LRUCache[str, Replica]):
    """The indexes at hand; the one not asked for longest leaves the disk when another one needs the room."""

    def popitem(self) -> tuple[str, Replica]:
        """Let the index go that was not asked for longest."""
        integration_id, replica = super().popitem()
        replica.close()
        return integration_id, replica

    def make_room(self, number: int) -> None:
        """Let indexes go until so many bytes more fit, but for the one asked for last."""
        while len(self) > 1 and sum(replica.size for replica in self.values()) + number > MOST_BYTES:
            self.popitem()


@cache
def replicas() -> Replicas:
    """Return the indexes of this process."""
    return Replicas(MOST_REPLICAS)


def replica(integration_id: str) -> Replica:
    """Return the index of an integration."""
    at_hand = replicas()
    if integration_id not in at_hand:
        bucket = settings().need("bucket_name")
        at_hand[integration_id] = Replica(clients.s3(), bucket, integration_id, at_hand.make_room)
    return at_hand[integration_id]


@router.get(
    f"{PREFIX}/courses",
    summary="Search and list courses",
    description="Keywords are looked for in titles and descriptions, in any language, the last one as a beginning "
    "unless a space follows. Values of one filter are ORed (repeat it, or separate by commas), filters are ANDed. "
    "Without `status`, archived courses are listed too.",
    tags=["Courses"],
    responses=responses(HTTPStatus.OK, "A page of courses.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_courses(  # noqa: PLR0913, PLR0917  (each is a parameter of the query)
    integration: Integration,
    q: Annotated[str, Query(description="Keywords.", max_length=400, examples=["excel"])] = "",
    language: Annotated[list[str] | None, Query(description="`en` or `en_US`.")] = None,
    level: Annotated[list[str] | None, Query(description="`BEGINNER`, `INTERMEDIATE`, `ADVANCED`.")] = None,
    type_: Annotated[list[str] | None, Query(alias="type", description="`COURSE`, `LEARNING_PATH`, `VIDEO`.")] = None,
    subject: Annotated[list[str] | None, Query(description="Libraries, subjects or topics, by URN or name.")] = None,
    skill: Annotated[list[str] | None, Query(description="By URN or name.")] = None,
    status: Annotated[list[Literal["active", "archived"]] | None, Query(description="`active`, `archived`.")] = None,
    tag: Annotated[list[str] | None, Query(description="Synced or manual.")] = None,
    updated_since: Annotated[Moment | None, Query(description="RFC 3339: changed at LinkedIn since.")] = None,
    min_duration: Annotated[Seconds | None, Query(description="Seconds.")] = None,
    max_duration: Annotated[Seconds | None, Query(description="Seconds.")] = None,
    sort: Annotated[
        Sort | None, Query(description="By `relevance` where there are keywords, else by `title`; `-` turns it round.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Course]:
    """Search and list courses."""
    store = CourseStore(table(), integration)
    asked = Question(
        q=q if q.strip() else "",
        language=tuple(language or ()),
        level=tuple(level or ()),
        type=tuple(type_ or ()),
        subject=tuple(subject or ()),
        skill=tuple(skill or ()),
        status=tuple(status or ()),
        tag=tuple(tag or ()),
        updated_since=rfc3339(updated_since) if updated_since else None,
        min_duration=min_duration,
        max_duration=max_duration,
        sort=sort or "",
        limit=limit,
    )
    return _page(store, asked, cursor)


def _page(store: CourseStore, asked: Question, cursor: str | None) -> Page[Course]:
    context = ("courses", store.integration_id, {**vars(asked), "limit": None, "tagged": None})
    position = opened(cursor, *context)
    index = replica(store.integration_id).index()
    if index is None:
        return Page(items=[], next=None)
    after = (position["key"], position["urn"]) if position else None
    answer = index.ask(Question(**{**vars(asked), "tagged": _tagged(store, asked.tag), "after": after}))
    tags = store.manual_tags(course.urn for course in answer.courses)
    items = fitting(Course.model_validate(presented(course, tags.get(course.urn, ()))) for course in answer.courses)
    after = answer.after(len(items))
    following = {"key": after[0], "urn": after[1]} if after else None
    return Page(items=items, next=sealed(following, *context))


def _tagged(store: CourseStore, wanted: tuple[str, ...]) -> frozenset[str]:
    """Return the courses with one of these tags set by hand: the index knows the synced ones alone."""
    if not wanted:
        return frozenset()
    names = {folded(tag) for tag in wanted}
    return frozenset(urn for urn, tags in store.all_manual_tags() if names & {folded(tag) for tag in tags})
