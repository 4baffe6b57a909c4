"""Libraries: the courses that a group has chosen from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.errors import Conflict, NotFound
from coursebridge.storage import keys
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.table import ConditionFailed, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coursebridge.storage.courses import StoredCourse
    from coursebridge.storage.table import Item, Table


class Libraries:
    """The libraries of one integration.

    Args:
        table: the application's table.
        integration_id: the integration's id.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id
        self._courses = CourseStore(table, integration_id)

    def get(self, group: str, urn: str) -> dict[str, Any]:
        """Return a library entry.

        Raises:
            NotFound: the course is not in the group's library.
        """
        item = self._table.get(self._key(group, urn))
        if item is None:
            raise NotFound("the course is not in this group's library")
        return presented(item, self._courses.get(urn))

    def list_group(self, group: str, *, limit: int, after: Item | None) -> tuple[list[dict[str, Any]], Item | None]:
        """Return a page of a group's library, ordered by URN, and the position of the next page."""
        page: Page = self._table.query(
            keys.library_partition(self._integration_id), prefix=keys.library_prefix(group), limit=limit, after=after
        )
        courses = self._courses.get_many(item["course_urn"] for item in page.items)
        return [presented(item, courses.get(item["course_urn"])) for item in page.items], page.last_key

    def add(self, group: str, urn: str, *, by: str, now: str) -> tuple[dict[str, Any], bool]:
        """Add a course to a library, unless it is there already; return the entry, and whether it is new.

        Raises:
            NotFound: there is no such course.
            Conflict: the course is archived.
        """
        course = self._courses.get_active(urn)
        item = {
            **self._key(group, urn).item(),
            "entity": "library_entry",
            "integration_id": self._integration_id,
            "group": group,
            "course_urn": urn,
            "added_at": now,
            "added_by": by,
        }
        try:
            self._table.put(item, condition="attribute_not_exists(PK)")
        except ConditionFailed as refusal:
            return presented(refusal.item, course), False
        return presented(item, course), True

    def remove(self, group: str, urn: str, used_by: Sequence[str]) -> None:
        """Remove a course from a library.

        Args:
            group: the group.
            urn: the course's URN.
            used_by: the ids of the group's paths that contain the course.

        Raises:
            NotFound: the course is not in the library.
            Conflict: a path of the group contains the course.
        """
        if used_by:
            raise Conflict(f"paths of this group contain the course: {', '.join(used_by)}; change them first")
        try:
            self._table.delete(self._key(group, urn), condition="attribute_exists(PK)")
        except ConditionFailed as refusal:
            raise NotFound("the course is not in this group's library") from refusal

    def missing(self, group: str, urns: Iterable[str]) -> list[str]:
        """Return the URNs of those courses that are not in the group's library."""
        wanted = {urn: self._key(group, urn) for urn in urns}
        found = self._table.get_many(wanted.values())
        return [urn for urn, key in wanted.items() if key not in found]

    def _key(self, group: str, urn: str) -> keys.Key:
        return keys.library_entry(self._integration_id, group, urn)


def presented(item: Item, course: StoredCourse | None) -> dict[str, Any]:
    """Return an entry as answers show it, with the current state of its course."""
    return {
        "group": item["group"],
        "course_urn": item["course_urn"],
        "added_at": item["added_at"],
        "added_by": item["added_by"],
        **course_facts(course),
    }


def course_facts(course: StoredCourse | None) -> dict[str, Any]:
    """Return what owners of libraries and paths need to know about a course."""
    return {
        "title": course.course["title"] if course else None,
        "course_status": course.status if course else None,
        "archived_reason": course.archived_reason if course else None,
    }
