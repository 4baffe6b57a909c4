"""Paths: owners build them from library courses, learners follow them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from coursebridge.errors import Conflict, FieldError, InvalidRequest, NotFound
from coursebridge.ids import new_id
from coursebridge.paths.libraries import Libraries, course_facts
from coursebridge.paths.progress import LearnerHistory, Path, Way, latest, way
from coursebridge.paths.store import MOST_STEPS_IN_A_PAGE, PathStore, from_item
from coursebridge.storage import keys
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.learners import LearnerStore, family
from coursebridge.storage.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from coursebridge.storage.learners import Learner
    from coursebridge.storage.table import Table

MOST_STEPS = 100
MOST_QUERIES = 20
"""Index queries in one request: a learner may be in any number of groups, of which few have paths."""


@dataclass(frozen=True)
class Draft:
    """A path as its owner submits it."""

    name: str
    group: str
    linear: bool
    steps: tuple[str, ...]
    description: str = ""


class Paths:
    """The paths of one integration.

    Args:
        table: the application's table.
        integration_id: the integration's id.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id
        self._libraries = Libraries(table, integration_id)
        self._courses = CourseStore(table, integration_id)
        self._learners = LearnerStore(table, integration_id)
        self.store = PathStore(table, integration_id)

    def get(self, path_id: str) -> Path:
        """Return a path.

        Raises:
            NotFound: there is no such path.
        """
        path = self.store.get(path_id)
        if path is None:
            raise NotFound("there is no such path")
        return path

    def create(self, draft: Draft, now: str) -> Path:
        """Create a path.

        Raises:
            InvalidRequest: a step is not in the group's library, or appears twice.
            Conflict: the course of a step is archived.
        """
        self._check(draft, already=())
        path = Path(new_id(), **vars(draft), created_at=now, updated_at=now)
        self.store.write(path, 0)
        return path

    def replace(self, path_id: str, draft: Draft, now: str) -> tuple[Path, Path]:
        """Change a path and return it before and after; existing steps may stay even if their course is archived now.

        Raises:
            NotFound: there is no such path.
            InvalidRequest: a new step is not in the group's library, or a step appears twice.
            Conflict: the course of a new step is archived, or somebody else changed the path at the same time.
        """
        before = self.get(path_id)
        self._check(draft, already=before.steps if before.group == draft.group else ())
        path = replace(before, **vars(draft), updated_at=now, version=before.version + 1)
        if not self.store.write(path, before.version):
            raise Conflict("somebody else changed the path at the same time; read it and send the change again")
        return before, path

    def delete(self, path_id: str) -> Path:
        """Delete a path and return it; learners' records stay.

        Raises:
            NotFound: there is no such path.
        """
        path = self.get(path_id)
        self.store.delete(path_id)
        return path

    def leading_through(self, group: str, urn: str) -> list[str]:
        """Return the ids of a group's paths that contain a course."""
        return [path.id for path in self.store.of_group(group) if urn in path.steps]

    def presented(self, paths: Sequence[Path]) -> list[dict[str, Any]]:
        """Return paths as owners see them, with the current state of their courses."""
        courses = self._courses.get_many({urn for path in paths for urn in path.steps})
        return [
            {
                "id": path.id,
                "name": path.name,
                "description": path.description,
                "group": path.group,
                "linear": path.linear,
                "steps": list(path.steps),
                "courses": [{"course_urn": urn, **course_facts(courses.get(urn))} for urn in path.steps],
                "created_at": path.created_at,
                "updated_at": path.updated_at,
            }
            for path in paths
        ]

    def way_of(self, learner_id: str, path_id: str) -> dict[str, Any]:
        """Return a learner's progress through a path.

        Raises:
            NotFound: there is no such learner or path.
        """
        learner = self._learners.get_surviving(learner_id)
        return self._ways(learner, [self.get(path_id)])[0]

    def ways_page(
        self, learner_id: str, *, limit: int, after: dict[str, Any] | None
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """Return a page of a learner's progress through the paths of their groups, and the position of the next page.

        Groups are ordered by name, their paths oldest first. A page may have fewer than ``limit`` paths if they have
        many steps, or if many groups have no paths.

        Raises:
            NotFound: there is no such learner.
        """
        learner = self._learners.get_surviving(learner_id)
        groups, paths = sorted(set(learner.groups)), list[Path]()
        at = after or {"group": "", "key": None}
        for _ in range(MOST_QUERIES):
            group = _first(groups, at)
            steps = sum(len(path.steps) for path in paths)
            if group is None or len(paths) >= limit or steps >= MOST_STEPS_IN_A_PAGE:
                break
            key = at["key"] if group == at["group"] else None
            page = self.store.list_page(group=group, limit=limit - len(paths), after=key)
            paths += map(from_item, page.items)
            at = {"group": group if page.last_key else f"{group}\0", "key": page.last_key}
        return self._ways(learner, paths), at if _first(groups, at) is not None else None

    def skip(self, learner_id: str, path_id: str, urn: str, entry: dict[str, Any] | None) -> dict[str, Any] | None:
        """Let a learner skip a step, or no longer if ``entry`` is ``None``; return the previous override.

        An override is stored under the learner id it was given for, so that it follows that learner if a merge is
        undone.

        Raises:
            NotFound: there is no such learner or path, or the path has no such step.
        """
        learner = self._learners.get_surviving(learner_id)
        if urn not in self.get(path_id).steps:
            raise NotFound("the path has no such step")
        places = self._overrides(family(self._table, learner), path_id)
        found = self._table.get_many(places)
        for holder in [learner_id] if entry else [places[key] for key in found]:
            self.store.override(holder, path_id, urn, entry)
        return latest(item["steps"] for item in found.values()).get(urn)

    def _overrides(self, people: Sequence[Learner], path_id: str) -> dict[keys.Key, str]:
        """Return the keys of possible overrides, each with its learner's id: one for every member of a family."""
        return {keys.path_override(self._integration_id, learner.id, path_id): learner.id for learner in people}

    def _ways(self, learner: Learner, paths: Sequence[Path]) -> list[dict[str, Any]]:
        urns = {urn for path in paths for urn in path.steps}
        records = {urn: keys.record(self._integration_id, learner.id, urn) for urn in urns}
        people = family(self._table, learner)
        overrides = {path.id: self._overrides(people, path.id) for path in paths}
        found = self._table.get_many(chain(records.values(), *overrides.values()))
        attempts = {urn: Record.from_item(found[key]).attempts for urn, key in records.items() if key in found}
        courses = self._courses.get_many(urns)
        return [
            _presented(
                way(
                    path,
                    LearnerHistory(attempts, latest(found[key]["steps"] for key in overrides[path.id] if key in found)),
                ),
                {urn: course_facts(courses.get(urn)) for urn in path.steps},
            )
            for path in paths
        ]

    def _check(self, draft: Draft, already: Iterable[str]) -> None:
        """Refuse a draft that cannot become a path."""
        where = {urn: f"steps[{number}]" for number, urn in enumerate(draft.steps)}
        if len(where) < len(draft.steps):
            raise InvalidRequest(
                "a course appears twice", errors=(FieldError("steps", "a course may appear only once"),)
            )
        new = [urn for urn in draft.steps if urn not in set(already)]
        if missing := self._libraries.missing(draft.group, new):
            raise InvalidRequest(
                "only courses of the group's library can go into its paths",
                errors=tuple(FieldError(where[urn], "is not in the group's library") for urn in missing),
            )
        courses = self._courses.get_many(new)
        if archived := [urn for urn in new if urn not in courses or not courses[urn].is_active]:
            raise Conflict(
                "an archived course cannot be added to a path",
                errors=tuple(FieldError(where[urn], "the course is archived") for urn in archived),
            )


def _first(groups: Iterable[str], at: Mapping[str, Any]) -> str | None:
    """Return the first group at or after a position."""
    return next((group for group in groups if group >= at["group"]), None)


def _presented(walked: Way, facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": walked.path.id,
        "name": walked.path.name,
        "group": walked.path.group,
        "linear": walked.path.linear,
        "status": walked.status,
        "completed_at": walked.completed_at,
        "steps": [{**vars(step), **facts[step.course_urn]} for step in walked.steps],
    }
