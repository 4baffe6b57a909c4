"""The shapes of the stored data of an asset.

A course is stored, compared and served as JSON, so its shape is a typed dictionary and not a class to convert to and
from.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["active", "archived"]
Reason = Literal["retired", "filtered", "missing", "deactivated"]
"""Why a course is archived: LinkedIn retired it, filters exclude it, it is gone, or the integration is deactivated."""
Element = dict[str, Any]
"""LinkedIn's element as received."""


class Author(TypedDict):
    """A contributor; ``urn`` is ``None`` if unknown. Only among other contributors can ``name`` be empty."""

    urn: str | None
    name: str


class CourseClassification(TypedDict):
    """A classification of a course.

    Attributes:
        paths: every path up to its library, nearest parent first.
        credits: how many credits a certification gives (``CONTINUING_EDUCATION_UNIT`` only).
        disciplines: the fields in which it gives credits.
    """

    urn: str
    type: str
    name: str
    paths: list[list[str]]
    credits: NotRequired[float]
    disciplines: NotRequired[list[str]]


class LaunchUrls(TypedDict):
    """LinkedIn's launch URLs, verbatim; ``None`` where LinkedIn gives none."""

    web: str | None
    sso: str | None
    aicc: str | None


class Course(TypedDict):
    """The upstream fields of a course, which only a sync changes.

    Attributes:
        locale: ``en_US``, or ``en`` where LinkedIn names no country; Indonesian is ``in``, as at LinkedIn.
        duration_seconds: converted from whatever unit LinkedIn used.
        published_at: RFC 3339, like every time here.
        retired: whether LinkedIn has retired it, even if ``retired_at`` is unknown.
        curated: whether an admin has curated it for the LMS (videos); ``None`` if unknown.
        other_contributors: publishers, and contributors without a name, for the graph; absent if there are none.
    """

    urn: str
    type: str
    title: str
    description: str | None
    short_description: str | None
    thumbnail_url: str | None
    authors: list[Author]
    classifications: list[CourseClassification]
    duration_seconds: int | None
    level: str | None
    locale: str | None
    available_locales: list[str]
    published_at: str | None
    updated_at: str | None
    retired_at: str | None
    launch_urls: LaunchUrls
    retired: bool
    curated: bool | None
    other_contributors: NotRequired[list[Author]]


class Contents(TypedDict):
    """One node of a contents tree: a chapter, a video, or a course of a learning path."""

    urn: str | None
    type: str | None
    title: str
    duration_seconds: int | None
    contents: list[Contents]
