"""Makes stored courses conform to the settings (filters, status, tags), without calling LinkedIn.

Saving filters, switching tags on or off, changing the group, activating and deactivating all come down to one thing:
each course gets the status and the labels it should have. What LinkedIn has retired or no longer lists stays archived.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.catalog.filters import matches
from coursebridge.catalog.tags import labels_of
from coursebridge.clock import rfc3339
from coursebridge.storage.table import BATCH_WRITE, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from coursebridge.integrations.models import Filters, Integration
    from coursebridge.storage.course_shapes import Course, Reason, Status
    from coursebridge.storage.courses import CourseStore, Labels, StoredCourse

Change = Literal["archived", "restored", "relabelled", "kept"]
SAMPLES = 10


@dataclass(frozen=True)
class Wish:
    """The state of courses that an integration's settings call for.

    Attributes:
        active: whether the integration is active.
        filters: its filters.
        labels: the labels of each course.
    """

    active: bool
    filters: Filters
    labels: Labels

    @classmethod
    def of(cls, integration: Integration) -> Wish:
        """Return the wish of an integration's settings."""
        return cls(integration.status == "active", integration.filters, labels_of(integration))


@dataclass
class Preview:
    """The effect that a change of filters would have.

    Attributes:
        counts: how many courses would be ``archived``, ``restored`` and ``kept`` (active); others are not counted.
        samples: URN and title of the first ten courses that would be archived, and of the first ten restored.
    """

    counts: Counter[str] = field(default_factory=lambda: Counter({"archived": 0, "restored": 0, "kept": 0}))
    samples: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {"archived": [], "restored": []})


def wished_reason(course: Course, stored: StoredCourse, wish: Wish) -> Reason | None:
    """Return why a course should be archived; ``None`` if it should be active."""
    if stored.archived_reason == "missing":
        return "missing"
    if course["retired"]:
        return "retired"
    if not matches(course, wish.filters):
        return "filtered"
    return None if wish.active else "deactivated"


def conformed(stored: StoredCourse, wish: Wish, now: str) -> StoredCourse:
    """Return a course as the settings want it; the same object if nothing differs."""
    reason = wished_reason(stored.course, stored, wish)
    # An archived course keeps its first reason, except for "deactivated", which ends with the next activation.
    if reason and not stored.is_active and (stored.archived_reason != "deactivated" or not wish.active):
        reason = stored.archived_reason
    status: Status = "archived" if reason else "active"
    if (status, reason, wish.labels) == (stored.status, stored.archived_reason, stored.labels):
        return stored
    action = change_between(stored.status, status)
    return replace(
        stored, status=status, archived_reason=reason, labels=wish.labels, action=action, run_id="", synced_at=now
    )


def change_between(before: Status, after: Status) -> Change:
    """Return the name of a change of status."""
    if before == after:
        return "relabelled"
    return "restored" if after == "active" else "archived"


def conform(courses: CourseStore, wish: Wish, now: Callable[[], datetime]) -> Counter[str]:
    """Write every course that differs from the settings; return how many were archived, restored and relabelled.

    Courses are read and written in pages, so that memory use stays constant. It is safe to repeat.
    """
    counts: Counter[str] = Counter({"archived": 0, "restored": 0, "relabelled": 0})
    # Consistent: if a sync's last check came before this change of settings, all of its writes must be seen here.
    for batch in chunks(_wanted(courses.all(consistent=True), wish, now), BATCH_WRITE):
        left = batch
        while left:
            refused = set(courses.restate(left))
            counts.update(course.action for course in left if course.urn not in refused)
            # A sync has written these since they were read: keep its changes and decide again.
            left = list(_wanted(courses.get_many(refused).values(), wish, now))
    return counts


def _wanted(courses: Iterable[StoredCourse], wish: Wish, now: Callable[[], datetime]) -> Iterator[StoredCourse]:
    """Yield the courses that differ from the settings, in the state they should have."""
    for stored in courses:
        wanted = conformed(stored, wish, rfc3339(now()))
        if wanted is not stored:
            yield wanted


def preview(courses: CourseStore, wish: Wish) -> dict[str, Any]:
    """Return the counts and samples of what :func:`conform` would do, without doing it."""
    seen = Preview()
    for change, stored in _changes(courses, wish):
        seen.counts[change] += 1
        samples = seen.samples.get(change)
        if samples is not None and len(samples) < SAMPLES:
            samples.append({"urn": stored.urn, "title": stored.course["title"]})
    return {**seen.counts, "samples": seen.samples}


def _changes(courses: CourseStore, wish: Wish) -> Iterator[tuple[Change, StoredCourse]]:
    for stored in courses.all():
        wanted = conformed(stored, wish, stored.synced_at)
        if wanted.status != stored.status:
            yield change_between(stored.status, wanted.status), stored
        elif stored.is_active:
            yield "kept", stored
