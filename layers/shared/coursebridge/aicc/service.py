"""Answers HACP calls: adds evidence to the learner's record, and stores the course's own data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.aicc import hacp
from coursebridge.aicc.data import CourseDataStore
from coursebridge.aicc.hacp import Answer, Call, LessonData
from coursebridge.aicc.sessions import SessionStore
from coursebridge.clock import rfc3339
from coursebridge.records.evidence import Completion, Evidence, Point
from coursebridge.storage import keys
from coursebridge.storage.learners import LearnerStore, family
from coursebridge.storage.record_store import RecordStore

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.aicc.data import CourseData
    from coursebridge.aicc.sessions import Session
    from coursebridge.storage.learners import Learner
    from coursebridge.storage.records import Record
    from coursebridge.storage.table import Table

TAKEN_AND_LEFT = frozenset({"putcomments", "putinteractions", "putobjectives", "putpath", "putperformance"})
"""Commands that carry no progress: they succeed and change nothing."""


class Receiver:
    """Answers HACP calls.

    Args:
        table: the application's table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sessions = SessionStore(table)
        self._data = CourseDataStore(table)

    def answer(self, call: Call, now: datetime) -> Answer:
        """Carry out a call and return the answer."""
        handler = {"getparam": self._get_param, "putparam": self._put_param, "exitau": self._exit_au}.get(call.command)
        if handler is None and call.command not in TAKEN_AND_LEFT:
            return Answer(hacp.INVALID_COMMAND)
        session = self._sessions.find(call.session_id, now)
        learner = (
            LearnerStore(self._table, session.integration_id).find_surviving(session.learner_id) if session else None
        )
        if session is None or learner is None:
            return Answer(hacp.INVALID_SESSION)
        return handler(session, learner, call, now) if handler else Answer()

    def _get_param(self, session: Session, learner: Learner, _call: Call, _now: datetime) -> Answer:
        data = self._data.get_joined(family(self._table, learner), session.course_urn)
        record = RecordStore(self._table, session.integration_id).get(learner.id, session.course_urn)
        core = {
            "Student_ID": learner.id,
            "Student_Name": learner.name or learner.id,
            "Lesson_Location": data.location,
            "Credit": "credit",
            "Lesson_Status": _status(record, data),
            "Score": str(record.attempts[-1].progress) if record.attempts else "",
            "Time": hacp.spell_time(data.seconds),
            "Lesson_Mode": "normal",
        }
        return Answer(
            sections={
                "Core": core,
                "Core_Lesson": data.core_lesson,
                "Core_Vendor": "",
                "Evaluation": {},
                "Student_Data": {},
            }
        )

    def _put_param(self, session: Session, learner: Learner, call: Call, now: datetime) -> Answer:
        lesson = hacp.lesson_data(call.data)
        duration = self._duration_of(session)
        RecordStore(self._table, session.integration_id).add(
            learner.id,
            session.course_urn,
            session.learner_id,
            evidence_of(lesson, session, now),
            duration,
            rfc3339(now),
        )
        self._data.add(session, learner.id, lesson)
        return Answer()

    def _exit_au(self, session: Session, _learner: Learner, _call: Call, _now: datetime) -> Answer:
        self._sessions.end(session)
        return Answer()

    def _duration_of(self, session: Session) -> int | None:
        course = self._table.get(keys.course(session.integration_id, session.course_urn)) or {}
        duration: int | None = course.get("duration_seconds")
        return duration


def evidence_of(lesson: LessonData, session: Session, now: datetime) -> Evidence:
    """Return the evidence in a PutParam; a completion repeated in the same session is the same completion."""
    at = rfc3339(now)
    if lesson.is_done:
        return Evidence(completions={f"aicc:{session.digest[:32]}": Completion(at, "aicc")})
    return Evidence(points={at: Point(lesson.progress, None, "aicc")})


def _status(record: Record, data: CourseData) -> str:
    if record.attempts and record.attempts[-1].status == "completed":
        return "completed"
    return "incomplete, resume" if data.version else "not attempted, ab-initio"
