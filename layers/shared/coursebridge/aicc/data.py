"""What a course stores for a learner over AICC: their location in it, its own data, and the time they spent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from coursebridge.errors import Unavailable
from coursebridge.storage import keys
from coursebridge.storage.learners import LearnerStore
from coursebridge.storage.table import pauses, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.aicc.hacp import LessonData
    from coursebridge.aicc.sessions import Session
    from coursebridge.storage.learners import Learner
    from coursebridge.storage.table import Item, Table

LONGEST_LOCATION, LONGEST_LESSON = 1_000, 32_000
"""CMI001 allows 255 characters for the location and 4,096 for the course's data; courses often exceed both."""
MOST_SESSIONS = 200


@dataclass(frozen=True)
class CourseData:
    """The data stored for one learner and course; times are kept by session, so that one sent twice counts once."""

    location: str = ""
    core_lesson: str = ""
    times: Mapping[str, int] = field(default_factory=dict)
    version: int = 0

    @property
    def seconds(self) -> int:
        """Return the total time of all sessions."""
        return sum(self.times.values())

    def after(self, session_digest: str, lesson: LessonData) -> CourseData:
        """Return the data after a PutParam."""
        session = session_digest[:16]
        times = dict(self.times)
        if lesson.seconds and (session in times or len(times) < MOST_SESSIONS):
            times[session] = max(times.get(session, 0), lesson.seconds)
        return replace(
            self,
            location=self.location if lesson.location is None else lesson.location[:LONGEST_LOCATION],
            core_lesson=self.core_lesson if lesson.core_lesson is None else lesson.core_lesson[:LONGEST_LESSON],
            times=times,
            version=self.version + 1,
        )

    def or_else(self, other: CourseData) -> CourseData:
        """Return the data, with what it lacks taken from another one, and the times of both."""
        return CourseData(
            self.location or other.location,
            self.core_lesson or other.core_lesson,
            {**other.times, **self.times},
            max(self.version, other.version),
        )


class CourseDataStore:
    """Reads and writes what courses store."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, integration_id: str, learner_id: str, course_urn: str) -> CourseData:
        """Return what is stored for a learner and course, empty if there is nothing yet."""
        item = self._table.get(keys.aicc_data(integration_id, learner_id, course_urn))
        return (
            CourseData(item["location"], item["core_lesson"], item["times"], item["version"]) if item else CourseData()
        )

    def get_joined(self, learners: Iterable[Learner], course_urn: str) -> CourseData:
        """Return what is stored for one person's learners: the first one's data, completed from the others'."""
        return reduce(
            CourseData.or_else, (self.get(learner.integration_id, learner.id, course_urn) for learner in learners)
        )

    def add(self, session: Session, learner_id: str, lesson: LessonData) -> None:
        """Store the data of a PutParam; of two simultaneous calls, both are stored.

        Raises:
            coursebridge.errors.NotFound: the learner no longer exists.
            coursebridge.errors.Unavailable: others kept writing, or the table is busy.
        """
        learners = LearnerStore(self._table, session.integration_id)
        for pause in pauses():
            before = self.get(session.integration_id, learner_id, session.course_urn)
            item = _item(session, learner_id, before.after(session.digest, lesson))
            if learners.write_for(learner_id, self._table.put_action(item, **unchanged(before.version))):
                return
            time.sleep(pause)
        raise Unavailable("other writers kept changing the same course data, try again")


def _item(session: Session, learner_id: str, data: CourseData) -> Item:
    return {
        **keys.aicc_data(session.integration_id, learner_id, session.course_urn).item(),
        "entity": "aicc_data",
        "integration_id": session.integration_id,
        "learner_id": learner_id,
        "course_urn": session.course_urn,
        **vars(data),
    }
