"""GET /courses: keyword search and lists, answered from the search index."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler.openapi.params import Query

from coursebridge.auth import scopes
from coursebridge.catalog.filters import spelled_constant, spelled_language
from coursebridge.catalog.search.querying import Question, Sort
from coursebridge.catalog.search.service import CourseSearch
from coursebridge.catalog.search.wiring import course_search
from coursebridge.clock import rfc3339
from coursebridge.contract import Cursor, Integration, Limit, Page, fitting, opened, responses, sealed
from coursebridge.storage.course_shapes import Status
from coursebridge.times import Moment, Seconds
from learning_common import NO_INTEGRATION, PREFIX, reach, routes
from learning_courses import Course

router = routes()


@router.get(
    f"{PREFIX}/courses",
    summary="Search and list courses",
    description="Keywords are looked for in titles and descriptions, in any language; the last one also matches as a "
    "prefix (a single letter in titles only) unless a space follows. Filters are combined with AND; several "
    "values of one filter (repeat it, or separate them by commas) with OR. Names of subjects, skills and "
    "tags may contain commas: given once, such a filter is also looked for as a whole; repeated, each value "
    "is taken as it is. Languages, levels and types are accepted in any case, and with `-` for `_`. Without "
    "`status`, archived courses are listed too.",
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
    status: Annotated[list[Status] | None, Query(description="`active`, `archived`.")] = None,
    tag: Annotated[list[str] | None, Query(description="Synced or manual.")] = None,
    updated_since: Annotated[
        Moment | None, Query(description="RFC 3339: only courses that LinkedIn has changed since then.")
    ] = None,
    synced_since: Annotated[
        Moment | None,
        Query(description="RFC 3339: only courses changed here since then, by a sync or by filters; see `synced_at`."),
    ] = None,
    min_duration: Annotated[Seconds | None, Query(description="Seconds.")] = None,
    max_duration: Annotated[Seconds | None, Query(description="Seconds.")] = None,
    sort: Annotated[
        Sort | None,
        Query(
            description="By default `relevance` if there are keywords, otherwise `title`; `-` in front for "
            "descending order.",
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Course]:
    """Search and list courses."""
    question = Question(
        q=q if q.strip() else "",
        language=tuple(map(spelled_language, language or ())),
        level=tuple(map(spelled_constant, level or ())),
        type=tuple(map(spelled_constant, type_ or ())),
        subject=_names("subject", subject or ()),
        skill=_names("skill", skill or ()),
        status=tuple(status or ()),
        tag=_names("tag", tag or ()),
        updated_since=rfc3339(updated_since) if updated_since else None,
        synced_since=rfc3339(synced_since) if synced_since else None,
        min_duration=min_duration,
        max_duration=max_duration,
        sort=sort or "",
        limit=limit,
    )
    return _page(course_search(integration), question, cursor)


def _names(parameter: str, separated: Sequence[str]) -> tuple[str, ...]:
    """Return the values of a filter by name, from the query string as it was sent: names may contain commas.

    API Gateway joins repeated values with commas, and Powertools then separates all of them.

    Args:
        parameter: the name of the filter.
        separated: its values, separated at every comma.
    """
    sent = parse_qsl(router.current_event.raw_query_string, keep_blank_values=True)
    whole = [value for name, value in sent if name == parameter]
    return tuple(whole if len(whole) > 1 else dict.fromkeys((*whole, *separated)))


def _page(search: CourseSearch, question: Question, cursor: str | None) -> Page[Course]:
    # What the pages of one search share: the question, except for the size of a page.
    context = ("courses", search.store.integration_id, {**vars(question), "limit": None, "tagged": None})
    position = opened(cursor, *context)
    answer = search.ask(replace(question, after=(position["key"], position["urn"]) if position else None))
    items = fitting(map(Course.model_validate, search.presented(answer.courses)))
    after = answer.after(len(items))
    return Page(items=items, next=sealed({"key": after[0], "urn": after[1]} if after else None, *context))
