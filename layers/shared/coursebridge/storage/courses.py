"""Courses in the table: the small item, and the overlay with what people add.

Lists, diffs, statements and stream readers read the small item. It has the attributes that they need; the whole course
is in its ``body``, compressed JSON, mostly less than a kilobyte. LinkedIn's element is beside it (``course_elements``).
A course counts as written when its small item is, so the element is written first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from coursebridge import json_text
from coursebridge.errors import Conflict, NotFound, TooLarge, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.course_elements import BUNDLE_BYTES, bundles_of, element_in, element_item
from coursebridge.storage.packing import pack, unpack
from coursebridge.storage.table import BATCH_WRITE, Page, TransactionRefused, chunks, one_ahead, pauses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coursebridge.storage.course_shapes import Course, Reason, Status
    from coursebridge.storage.table import Item, Table

LARGEST_ITEM_BYTES = 390_000
"""DynamoDB allows 400 KB, including keys and attribute names."""
WHY_ARCHIVED = {
    "retired": "LinkedIn has retired it",
    "filtered": "the integration's filters exclude it",
    "missing": "LinkedIn no longer lists it",
    "deactivated": "the integration is deactivated",
}
AS_READ = "#hash = :hash AND run_id = :run AND synced_at = :at"
Json = dict[str, Any]


@dataclass(frozen=True)
class Labels:
    """What the integration's settings add to each course: whether it has tags, its group and its author."""

    tags_enabled: bool = False
    group: str | None = None
    author_email: str | None = None


@dataclass(frozen=True)
class StoredCourse:
    """A course's small item.

    Attributes:
        integration_id: the integration it belongs to.
        urn: its URN.
        status: whether it is in the catalogue.
        archived_reason: why it is not in the catalogue; ``None`` while it is.
        hash: the digest of LinkedIn's element as it was last read.
        labels: what the settings added.
        run_id: the run that last wrote it; empty if it was not written by a run.
        action: the last change: ``created``, ``updated``, ``archived`` or ``restored``.
        synced_at: when it was written.
        body: the upstream fields as compressed JSON.
        bundle: the id of the bundle with LinkedIn's element; ``None`` if the element has an item of its own.
        as_read: digest, run and time of the item it was read from; ``None`` if the course is not in the table yet.
    """

    integration_id: str
    urn: str
    status: Status
    archived_reason: Reason | None
    hash: str
    labels: Labels
    run_id: str
    action: str
    synced_at: str
    body: bytes
    bundle: str | None = None
    as_read: tuple[str, str, str] | None = field(default=None, compare=False, repr=False)

    @property
    def course(self) -> Course:
        """Return the upstream fields; they are decompressed at every call."""
        return cast("Course", json_text.loads(unpack(self.body)))

    @property
    def is_active(self) -> bool:
        """Whether it is in the catalogue."""
        return self.status == "active"

    def with_status(self, status: Status, reason: Reason | None, action: str, run_id: str, now: str) -> StoredCourse:
        """Return the course as archived or restored."""
        return replace(self, status=status, archived_reason=reason, action=action, run_id=run_id, synced_at=now)

    def item(self, course: Course | None = None) -> Item:
        """Return the table item, without attributes that would be null.

        Pass the ``course``, if known, to save decompressing it.
        """
        course = course or self.course
        attributes = {
            **keys.course(self.integration_id, self.urn).item(),
            "entity": "course",
            "integration_id": self.integration_id,
            "urn": self.urn,
            "type": course["type"],
            "title": course["title"],
            "locale": course["locale"],
            "duration_seconds": course["duration_seconds"],
            "status": self.status,
            "archived_reason": self.archived_reason,
            "hash": self.hash,
            "tags_enabled": self.labels.tags_enabled,
            "group": self.labels.group,
            "author_email": self.labels.author_email,
            "run_id": self.run_id,
            "action": self.action,
            "synced_at": self.synced_at,
            "body": self.body,
            "bundle": self.bundle,
        }
        return {name: value for name, value in attributes.items() if value is not None}

    @classmethod
    def from_item(cls, item: Item) -> StoredCourse:
        """Read the table item."""
        return cls(
            integration_id=item["integration_id"],
            urn=item["urn"],
            status=item["status"],
            archived_reason=item.get("archived_reason"),
            hash=item["hash"],
            labels=Labels(item["tags_enabled"], item.get("group"), item.get("author_email")),
            run_id=item["run_id"],
            action=item["action"],
            synced_at=item["synced_at"],
            body=item["body"],
            bundle=item.get("bundle"),
            as_read=(item["hash"], item["run_id"], item["synced_at"]),
        )


READ = (
    "integration_id", "urn", "status", "archived_reason", "hash", "tags_enabled", "group", "author_email", "run_id",
    "action", "synced_at", "body", "bundle",
)  # fmt: skip
"""The attributes that :meth:`StoredCourse.from_item` reads; the others repeat parts of the body."""


class Head(NamedTuple):
    """The few attributes of a small item that are needed to tell whether a course is gone."""

    urn: str
    type: str
    status: Status
    run_id: str
    locale: str | None = None

    @classmethod
    def from_item(cls, item: Item) -> Head:
        """Read a table item, whole or in part."""
        return cls(**{name: item[name] for name in cls._fields if name in item})

    @property
    def is_active(self) -> bool:
        """Whether it is in the catalogue."""
        return self.status == "active"


@dataclass(frozen=True)
class Write:
    """A course to write.

    Attributes:
        stored: its small item.
        course: the upstream fields in the small item.
        element: LinkedIn's element as canonical JSON; ``None`` if it has not changed.
        is_new: whether the course is not in the table yet, so that its element may go into a bundle.
    """

    stored: StoredCourse
    course: Course
    element: bytes | None
    is_new: bool = False

    @property
    def is_bundled(self) -> bool:
        """Whether its element goes into a bundle."""
        return self.is_new and self.element is not None and len(self.element) < BUNDLE_BYTES

    @property
    def is_too_large(self) -> bool:
        """Whether one of its items would be too large, which only compressing the element can tell for certain."""
        element = self.element or b""
        oversized = len(element) > LARGEST_ITEM_BYTES and len(pack(element)) > LARGEST_ITEM_BYTES
        return oversized or len(self.stored.body) > LARGEST_ITEM_BYTES


class CourseStore:
    """The courses of one integration.

    Args:
        table: the table.
        integration_id: the integration.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self.table = table
        self.integration_id = integration_id
        self._partitions = keys.course_partitions(integration_id)

    def get(self, urn: str) -> StoredCourse | None:
        """Return a course, archived ones included."""
        item = self.table.get(keys.course(self.integration_id, urn))
        return StoredCourse.from_item(item) if item else None

    def get_active(self, urn: str) -> StoredCourse:
        """Return a course that is in the catalogue.

        Raises:
            NotFound: there is no such course.
            Conflict: the course is archived; the message says why.
        """
        stored = self.get(urn)
        if stored is None:
            raise NotFound("there is no such course")
        if not stored.is_active:
            why = WHY_ARCHIVED.get(stored.archived_reason or "", "it left the catalogue")
            raise Conflict(f"the course is archived: {why}")
        return stored

    def get_many(self, urns: Iterable[str]) -> dict[str, StoredCourse]:
        """Return those of these courses that exist, a hundred per call."""
        found = self.table.get_many(keys.course(self.integration_id, urn) for urn in urns)
        return {item["urn"]: StoredCourse.from_item(item) for item in found.values()}

    def all(self, *, consistent: bool = False) -> Iterator[StoredCourse]:
        """Yield every course, archived ones included, always in the same order.

        Reads two partitions at once, each a page of a megabyte ahead.

        Args:
            consistent: whether courses written just before must be included, at twice the cost.
        """

        def pages(partitions: Iterable[str]) -> Iterator[Page]:
            for pk in partitions:
                yield from self.table.pages(pk, consistent=consistent, attributes=READ)

        halves = (one_ahead(pages(half)) for half in (self._partitions[::2], self._partitions[1::2]))
        for page in chain.from_iterable(zip_longest(*halves)):
            if page is not None:
                yield from map(StoredCourse.from_item, page.items)

    def page(self, limit: int, after: Item | None = None) -> Page:
        """Return a page of course items; it may be empty without being the last.

        Args:
            limit: the maximum number of items.
            after: the ``last_key`` of the previous page; ``None`` for the first page.
        """
        pk = after[keys.PK] if after else self._partitions[0]
        page = self.table.query(pk, limit=limit, after=after if after and keys.SK in after else None)
        return page if page.last_key else Page(page.items, self._start_of_next(pk))

    def _start_of_next(self, pk: str) -> Item | None:
        following = self._partitions[self._partitions.index(pk) + 1 :]
        return {keys.PK: following[0]} if following else None

    def heads(self) -> Iterator[Head]:
        """Yield the :class:`Head` of every course, which is much less data than :meth:`all`."""
        for pk in self._partitions:
            for item in self.table.query_all(pk, attributes=Head._fields):
                yield Head.from_item(item)

    def heads_of(self, urns: Iterable[str]) -> Iterator[Head]:
        """Yield the :class:`Head` of those of these courses that exist, a hundred per call."""
        found = self.table.get_many(keys.course(self.integration_id, urn) for urn in urns)
        yield from map(Head.from_item, found.values())

    def is_empty(self) -> bool:
        """Whether there has never been a course."""
        return not any(
            self.table.query(pk, limit=1, consistent=True, attributes=("urn",)).items for pk in self._partitions
        )

    def element(self, stored: StoredCourse) -> Json | None:
        """Return LinkedIn's element of a course as received."""
        bundled = stored.bundle and keys.course_bundle(self.integration_id, stored.bundle)
        item = self.table.get(bundled or keys.course_detail(self.integration_id, stored.urn))
        return element_in(item, stored.urn) if item else None

    def write(self, writes: Sequence[Write]) -> None:
        """Write courses: first the elements, then the small items, which make them count; URNs must be distinct."""
        changed = [(write, write.element) for write in writes if write.element is not None]
        bundles = list(bundles_of((write.stored.urn, element) for write, element in changed if write.is_bundled))
        alone = (
            element_item(self.integration_id, write.stored.urn, element)
            for write, element in changed
            if not write.is_bundled
        )
        self.table.put_many([*(bundle.item(self.integration_id) for bundle in bundles), *alone])
        bundle_of = {urn: bundle.id for bundle in bundles for urn in bundle.elements}
        self.table.put_many(
            replace(write.stored, bundle=bundle_of.get(write.stored.urn, write.stored.bundle)).item(write.course)
            for write in writes
        )

    def restate(self, courses: Iterable[StoredCourse]) -> list[str]:
        """Write small items whose upstream fields have not changed, each only if it is still as it was read.

        Uses a transaction for every 25 items. An unconditional batch would take half the write units, but would undo
        what others have written in the meantime.

        Returns:
            The URNs of courses that others have written in the meantime, to be read and decided on again.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; some courses may have been written.
        """
        return [urn for chunk in chunks(courses, BATCH_WRITE) for urn in self._restated(chunk)]

    def _restated(self, courses: list[StoredCourse]) -> list[str]:
        refused: list[str] = []
        for pause in pauses():
            try:
                changed = self._restated_together(courses)
            except TooLarge:
                if len(courses) == 1:
                    raise
                return refused + [urn for course in courses for urn in self._restated([course])]
            if changed is None:
                return refused
            refused += changed
            courses = [course for course in courses if course.urn not in changed]
            if not courses:
                return refused
            if not changed:
                time.sleep(pause)
        raise Unavailable("the table is busy, try again")

    def _restated_together(self, courses: list[StoredCourse]) -> list[str] | None:
        """Write all of these or none; return what others have changed (nothing if all is busy), or ``None`` if done."""
        try:
            self.table.transact([self._restating(course) for course in courses])
        except TransactionRefused as refusal:
            return [course.urn for course, failed in zip(courses, refusal.failed, strict=True) if failed]
        except Unavailable:
            return []
        return None

    def _restating(self, course: StoredCourse) -> dict[str, Any]:
        if course.as_read is None:
            return self.table.put_action(course.item(), condition="attribute_not_exists(PK)")
        values = dict(zip((":hash", ":run", ":at"), course.as_read, strict=True))
        return self.table.put_action(course.item(), condition=AS_READ, values=values, names={"#hash": "hash"})

    def manual_tags(self, urns: Iterable[str]) -> dict[str, list[str]]:
        """Return the manual tags of those of these courses that have any."""
        found = self.table.get_many(keys.course_overlay(self.integration_id, urn) for urn in urns)
        return {item["urn"]: item["tags"] for item in found.values()}

    def all_manual_tags(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the URN and the manual tags of every course that has any."""
        for item in self.table.query_all(keys.course_overlay_partition(self.integration_id)):
            yield item["urn"], item["tags"]

    def set_manual_tags(self, urn: str, tags: Sequence[str]) -> None:
        """Replace a course's manual tags; an empty sequence removes the overlay."""
        key = keys.course_overlay(self.integration_id, urn)
        if tags:
            self.table.put({**key.item(), "entity": "course_overlay", "urn": urn, "tags": list(dict.fromkeys(tags))})
        else:
            self.table.delete(key)
