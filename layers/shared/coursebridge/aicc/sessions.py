"""AICC sessions: opened by a launch, identified by an id that cannot be guessed, and limited in time.

The id is the caller's only credential, so the table keeps only its digest.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.storage import keys

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

LIFETIME = timedelta(days=7)
"""Long enough for a course that stays open over a weekend; each launch opens a new session."""


def digest(session_id: str) -> str:
    """Return the digest by which a session is found."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def launch_url(course_url: str, session_id: str, callback: str) -> str:
    """Return a course's AICC launch URL, unchanged, with the session's id and the callback URL appended."""
    joint = "&" if "?" in course_url else "?"
    return f"{course_url}{joint}AICC_SID={session_id}&AICC_URL={quote(callback, safe='')}"


@dataclass(frozen=True)
class Session:
    """One launch of one course by one learner.

    Attributes:
        learner_id: the learner who launched the course, even if merged into another since.
        ended: whether the course has ended the session.
    """

    digest: str
    integration_id: str
    learner_id: str
    course_urn: str
    expires_at: str
    ended: bool = False

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.launch_session(self.digest)

    def is_open(self, now: datetime) -> bool:
        """Whether the session still takes calls; the table does not delete expired sessions at once."""
        return not self.ended and now < parse_rfc3339(self.expires_at)

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **self.key.item(),
            "entity": "aicc_session",
            "digest": self.digest,
            "integration_id": self.integration_id,
            "learner_id": self.learner_id,
            "course_urn": self.course_urn,
            "until": self.expires_at,
            "expires_at": int(parse_rfc3339(self.expires_at).timestamp()),
            "ended": self.ended,
        }

    @classmethod
    def from_item(cls, item: Item) -> Session:
        """Read the table item."""
        return cls(
            item["digest"],
            item["integration_id"],
            item["learner_id"],
            item["course_urn"],
            item["until"],
            item["ended"],
        )


class SessionStore:
    """Opens, finds and ends sessions."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def open(self, integration_id: str, learner_id: str, course_urn: str, now: datetime) -> str:
        """Open a session and return its id, which cannot be read back."""
        session_id = secrets.token_urlsafe(32)
        until = rfc3339(now + LIFETIME)
        self._table.put(Session(digest(session_id), integration_id, learner_id, course_urn, until).to_item())
        return session_id

    def find(self, session_id: str, now: datetime) -> Session | None:
        """Return the session with an id, or ``None`` if it is unknown, expired or ended."""
        item = self._table.get(keys.launch_session(digest(session_id)))
        session = Session.from_item(item) if item else None
        return session if session and session.is_open(now) else None

    def end(self, session: Session) -> None:
        """End a session, so that it takes no more calls."""
        self._table.update(session.key, "SET ended = :yes", {":yes": True}, condition="attribute_exists(PK)")
