"""Presents courses as the learning API and exports show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.catalog import mapper
from coursebridge.catalog.tags import synced_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coursebridge.storage.course_shapes import Element
    from coursebridge.storage.courses import StoredCourse

INTERNAL = frozenset({"retired", "curated", "other_contributors"})


def presented(stored: StoredCourse, manual_tags: Sequence[str] = ()) -> dict[str, Any]:
    """Return a course as lists show it."""
    course = stored.course
    return {
        **{name: value for name, value in course.items() if name not in INTERNAL},
        "status": stored.status,
        "archived_reason": stored.archived_reason,
        "tags": {"synced": synced_tags(course, stored.labels), "manual": list(manual_tags)},
        "group": stored.labels.group,
        "author_email": stored.labels.author_email,
        "synced_at": stored.synced_at,
    }


def presented_alone(stored: StoredCourse, element: Element | None, manual_tags: Sequence[str] = ()) -> dict[str, Any]:
    """Return a course with what lists leave out: the contents tree and the descriptions as safe HTML."""
    element = element or {}
    return {
        **presented(stored, manual_tags),
        "description_html": mapper.html_of(element, "description"),
        "short_description_html": mapper.html_of(element, "shortDescription"),
        "contents": mapper.contents_of(element),
    }
