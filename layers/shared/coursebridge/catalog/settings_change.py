"""Settings that were saved take effect on the courses at once, for as long as a request may last.

Before the first course is touched it is noted that the courses are not what the settings say; the note goes when they
are and the index holds them. So whatever ends this half way, the next run finds the note and does the rest
(``sync.finishing``).

Two may do this at once, by settings of which one is out of date. Each looks at the settings again when it is done,
unless nobody has changed courses meanwhile, and so the last one to end leaves the courses as the settings are.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.conform import Wish, conform
from coursebridge.catalog.indexing import publish
from coursebridge.storage.courses import CourseStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.courses import StoredCourse

MOST_INDEXED_AT_ONCE = 5_000
"""How many courses a request still builds an index of; larger ones are left to the background."""
NOT_CONFORMED: dict[str, Any] = {"labels": {}}


@dataclass(frozen=True)
class Applied:
    """What became of the courses.

    Attributes:
        counts: how many were archived, restored and relabelled.
        complete: whether all courses were looked at, and the search index is up to date.
    """

    counts: Counter[str]
    complete: bool


class CoursesInTime(CourseStore):
    """The courses of an integration, as many as there is time for.

    Attributes:
        complete: whether all were yielded.
        number: how many were.
    """

    def __init__(self, courses: CourseStore, time_is_up: Callable[[], bool]) -> None:
        super().__init__(courses.table, courses.integration_id)
        self._time_is_up = time_is_up
        self.complete = True
        self.number = 0

    def all(self, *, consistent: bool = False) -> Iterator[StoredCourse]:
        """Yield courses until time is up."""
        for stored in super().all(consistent=consistent):
            if self._time_is_up():
                self.complete = False
                return
            self.number += 1
            yield stored


def apply_settings(
    context: Context, time_is_up: Callable[[], bool] = lambda: False, most_indexed: float = math.inf
) -> Applied:
    """Make the courses what the integration's present settings say, and the search index with them.

    Args:
        context: the integration.
        time_is_up: whether to stop; the index is then left as it was.
        most_indexed: of how many courses an index is built; with more it is left as it was.
    """
    counts: Counter[str] = Counter()
    state = context.runs.outdate_index(**NOT_CONFORMED)
    while True:
        wish = Wish.of(context.integration())
        courses = CoursesInTime(context.courses, time_is_up)
        changed = conform(courses, wish, context.now)
        counts.update(changed)
        if any(changed.values()):
            state = context.runs.outdate_index()
        if not courses.complete or courses.number > most_indexed or time_is_up():
            return Applied(counts, complete=False)
        # Newer settings may have been applied meanwhile, and undone by what was just done.
        is_latest = Wish.of(context.integration()) == wish
        if is_latest and publish(context, state["generation"], labels=asdict(wish.labels)):
            return Applied(counts, complete=True)
        # Courses were changed meanwhile, perhaps as newer settings say.
        state = context.runs.state()


def task(context: Context, _event: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a request had no time for; safe to repeat."""
    return {"counts": dict(apply_settings(context).counts)}
