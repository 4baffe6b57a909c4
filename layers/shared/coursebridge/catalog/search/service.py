"""Searches an integration's courses: the index finds them, and the table adds their manual tags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.presenting import presented
from coursebridge.catalog.search.querying import Answer
from coursebridge.catalog.search.words import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coursebridge.catalog.search.publishing import Replica
    from coursebridge.catalog.search.querying import Question
    from coursebridge.storage.courses import CourseStore, StoredCourse


@dataclass(frozen=True)
class CourseSearch:
    """Searches the courses of one integration.

    Attributes:
        store: the courses in the table.
        replica: their search index.
    """

    store: CourseStore
    replica: Replica

    def ask(self, question: Question) -> Answer:
        """Return a page of the courses that match; none before the first sync.

        Raises:
            coursebridge.errors.Unavailable: the index belongs to another version of this application.
        """
        index = self.replica.index()
        if index is None:
            return Answer([], [], more=False)
        return index.ask(replace(question, tagged=self._tagged(question.tag)))

    def presented(self, courses: Sequence[StoredCourse]) -> Iterator[dict[str, Any]]:
        """Yield courses as the API shows them, with their manual tags."""
        tags = self.store.manual_tags(course.urn for course in courses)
        for course in courses:
            yield presented(course, tags.get(course.urn, ()))

    def _tagged(self, wanted: tuple[str, ...]) -> frozenset[str]:
        """Return the courses with one of these tags set manually; the index holds only synced tags."""
        if not wanted:
            return frozenset()
        names = {folded(tag) for tag in wanted}
        return frozenset(urn for urn, tags in self.store.all_manual_tags() if names & {folded(tag) for tag in tags})
