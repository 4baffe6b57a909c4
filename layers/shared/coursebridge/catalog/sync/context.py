"""The context that the tasks of a run share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from coursebridge.catalog.search.publishing import Changes
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.storage.classifications import ClassificationStore
    from coursebridge.storage.courses import CourseStore
    from coursebridge.storage.runs import RunStore


@dataclass(frozen=True)
class Context:
    """One integration, as its tasks use it.

    Attributes:
        integration_id: the integration's id.
        integration: reads the integration with its current settings.
        linkedin: makes a client with its content credentials.
        runs: its catalogue runs.
        courses: its courses.
        classifications: its classification graph.
        reindex: publishes the search index of a generation of courses; returns how many are in it. If it is given what
            has changed, it may amend the published one in place of building it anew.
        published: returns the generation of the published index; ``None`` if there is none of the current form.
        now: the clock.
        awaited: returns the URNs of the courses that held statements and reported activities wait for, the most
            urgent first.
        known_entries: digests of the classification entries that this process has stored and need not look up again.
    """

    integration_id: str
    integration: Callable[[], Integration]
    linkedin: Callable[[], LinkedInClient]
    runs: RunStore
    courses: CourseStore
    classifications: ClassificationStore
    reindex: Callable[[int, Changes | None], int]
    published: Callable[[], int | None]
    now: Callable[[], datetime]
    awaited: Callable[[], Collection[str]]
    known_entries: set[bytes] = field(default_factory=set)
