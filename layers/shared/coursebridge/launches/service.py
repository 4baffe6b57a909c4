"""Launches: decides which URL to send a learner to, and opens the attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.aicc.sessions import SessionStore, launch_url
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, FieldError
from coursebridge.records.evidence import Evidence
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.learners import LearnerStore
from coursebridge.storage.record_store import RecordStore

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.storage.course_shapes import LaunchUrls
    from coursebridge.storage.table import Table

Via = Literal["auto", "sso", "web", "aicc"]


@dataclass(frozen=True)
class Launch:
    """The URL to send the learner to, and the attempt now in progress."""

    url: str
    attempt: dict[str, Any]


class Launcher:
    """Launches courses of one integration.

    Args:
        table: the application's table.
        integration_id: the integration's id.
        aicc_callback: the absolute URL of this deployment's ``/aicc``.
    """

    def __init__(self, table: Table, integration_id: str, aicc_callback: str) -> None:
        self._table = table
        self._integration_id = integration_id
        self._aicc_callback = aicc_callback

    def launch(self, learner_id: str, course_urn: str, via: Via, now: datetime) -> Launch:
        """Open an attempt, or continue the open one, and return where to send the learner.

        A launch is never a completion.

        Raises:
            NotFound: there is no such learner or course.
            Conflict: the learner is inactive, the course is archived, or LinkedIn provides no such URL.
        """
        learner = LearnerStore(self._table, self._integration_id).get_surviving(learner_id)
        if learner.status != "active":
            raise Conflict("the learner is inactive; activate them first")
        course = CourseStore(self._table, self._integration_id).get_active(course_urn).course
        url = _url_of(course["launch_urls"], via)
        record = RecordStore(self._table, self._integration_id).add(
            learner.id,
            course_urn,
            learner_id,
            Evidence(launches=frozenset({rfc3339(now)})),
            course["duration_seconds"],
            rfc3339(now),
        )
        if via == "aicc":
            session_id = SessionStore(self._table).open(self._integration_id, learner_id, course_urn, now)
            url = launch_url(url, session_id, self._aicc_callback)
        return Launch(url, record.attempts[-1].to_item())


def _url_of(urls: LaunchUrls, via: Via) -> str:
    """Return LinkedIn's URL unchanged, because single sign-on depends on its exact encoding."""
    url = urls["sso"] or urls["web"] if via == "auto" else urls[via]
    if not url:
        detail = f"LinkedIn has no {'' if via == 'auto' else via + ' '}launch URL for this course"
        raise Conflict(detail, errors=(FieldError("via", detail),))
    return url
