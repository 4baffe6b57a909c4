"""Applies saved settings to the courses at once, as far as the time of a request allows.

Before the first course is changed, a note is stored that courses do not conform to the settings. It is removed when
they do and the index is up to date. So if this is interrupted, the next run finds the note and completes the work
(``sync.finishing``).

Two calls may overlap, one of them with outdated settings. Each checks afterwards whether the settings or the courses
have changed meanwhile, and starts over if so. So the last one to end leaves the courses as the settings say.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.conform import Wish, conform
from coursebridge.catalog.indexing import publish
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.runs import STALE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.courses import StoredCourse
    from coursebridge.storage.run_shapes import Remembered

MOST_INDEXED_AT_ONCE = 5_000
"""The most courses for which a request rebuilds the index; for more, that is done in the background."""
NOT_CONFORMED: Remembered = {"labels": {}}
UNFINISHED: Remembered = {"index_form": STALE, **NOT_CONFORMED}
"""What is remembered of a run that did not end: it may have written courses by settings that were changed meanwhile."""


@dataclass(frozen=True)
class Applied:
    """The effect on the courses.

    Attributes:
        counts: how many were archived, restored and relabelled.
        complete: whether all courses were checked and the search index is up to date.
    """

    counts: Counter[str]
    complete: bool


class CoursesInTime(CourseStore):
    """The courses of an integration, as far as time allows.

    Attributes:
        complete: whether all courses were yielded.
        number: how many were yielded.
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
    """Make the courses conform to the integration's current settings, and rebuild the search index.

    Args:
        context: the integration.
        time_is_up: returns whether to stop; the index is then left as it was.
        most_indexed: the most courses for which the index is rebuilt; with more, it is left as it was.
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
        # Newer settings may have been applied meanwhile and then overwritten here.
        is_latest = Wish.of(context.integration()) == wish
        if is_latest and publish(context, state["generation"], labels=asdict(wish.labels)):
            return Applied(counts, complete=True)
        # Settings or courses have changed meanwhile: start over.
        state = context.runs.state()


def task(context: Context, _event: Mapping[str, Any]) -> dict[str, Any]:
    """Do the work that a request had no time for; safe to repeat."""
    return {"counts": dict(apply_settings(context).counts)}
