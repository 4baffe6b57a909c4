"""HACP calls, as LinkedIn's side makes them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

import aicc_handler
from coursebridge.aicc import hacp
from coursebridge.aicc.data import CourseDataStore
from coursebridge.aicc.service import Receiver
from coursebridge.aicc.sessions import LIFETIME, SessionStore, launch_url
from coursebridge.clock import utc_now
from coursebridge.errors import NotFound, Unavailable
from coursebridge.people.erasure import Erasure
from coursebridge.records.evidence import Completion, Evidence
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from learning_lab import ACME, AICC, AT, EXCEL, NOW, put_course, put_learner
from sandbox.aicc import Style, play
from unit.conftest import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.records import Record
    from coursebridge.storage.table import Table

CALLBACK = "https://api.example.com/aicc"


@dataclass(frozen=True)
class Course:
    """A course that was launched over AICC and calls back."""

    table: Table
    session: str

    def call(self, command: str, data: str = "", *, session: str | None = None, at: Any = NOW) -> str:
        call = hacp.Call(command.lower(), self.session if session is None else session, data)
        return Receiver(self.table).answer(call, at).spell()

    def put(self, *lines: str, at: Any = NOW) -> str:
        return self.call("PutParam", "\r\n".join(["[Core]", *lines]), at=at)

    def record(self, learner: str = "ann") -> Record:
        return RecordStore(self.table, ACME).get(learner, EXCEL)


@pytest.fixture
def course(table: Table) -> Course:
    """A launched course, with a learner and an open session."""
    put_course(table)
    put_learner(table, name="Ann Example")
    RecordStore(table, ACME).add("ann", EXCEL, "ann", Evidence(launches=frozenset({AT})), 3600, AT)
    return Course(table, SessionStore(table).open(ACME, "ann", EXCEL, NOW))


@pytest.fixture
def handler(deployed: Table) -> Iterator[Table]:
    """The table of the function as deployed."""
    aicc_handler.receiver.cache_clear()
    yield deployed
    aicc_handler.receiver.cache_clear()


def event(method: str, body: bytes = b"", *, encoded: bool = False) -> dict[str, Any]:
    text = base64.b64encode(body).decode() if encoded else body.decode()
    return {
        "version": "2.0", "rawPath": "/aicc", "rawQueryString": "", "headers": {}, "body": text,
        "isBase64Encoded": encoded,
        "requestContext": {"http": {"method": method, "path": "/aicc"}, "requestId": "r", "stage": "$default"},
    }  # fmt: skip


def handle(method: str, body: bytes = b"", *, encoded: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = aicc_handler.lambda_handler(event(method, body, encoded=encoded), Context())
    return answer


def test_a_course_is_told_who_learns_and_how_far_they_are(course: Course) -> None:
    course.put("Lesson_Location=7", "Lesson_Status=i", "Score=39", "Time=00:10:00")

    lines = course.call("GetParam").split("\r\n")

    assert lines[:4] == ["error=0", "error_text=Successful", "version=4.0", "aicc_data="]
    assert {
        "[Core]", "Student_ID=ann", "Student_Name=Ann Example", "Lesson_Location=7", "Lesson_Status=incomplete, resume",
        "Score=39", "Time=00:10:00", "[Core_Lesson]", "[Core_Vendor]", "[Evaluation]", "[Student_Data]",
    } <= set(lines)  # fmt: skip


def test_before_the_first_report_a_course_is_not_attempted(course: Course) -> None:
    assert "Lesson_Status=not attempted, ab-initio" in course.call("GetParam")


def test_progress_and_completion_make_one_record(course: Course) -> None:
    course.put("Score=39", "Lesson_Status=Incomplete", at=NOW + timedelta(minutes=1))
    course.put("Score=100", "Lesson_Status=Complete", at=NOW + timedelta(minutes=2))

    (attempt,) = course.record().attempts

    assert (attempt.status, attempt.progress, attempt.source) == ("completed", 100, "aicc")
    assert (attempt.completed_at, attempt.time_spent_seconds) == ("2026-03-01T10:02:00.000Z", 3600)
    assert attempt.completion_statement_id is None


def test_a_completed_attempt_never_falls_back(course: Course) -> None:
    course.put("Lesson_Status=c", at=NOW + timedelta(minutes=1))
    course.put("Lesson_Status=c", at=NOW + timedelta(minutes=2))
    course.put("Lesson_Status=i", "Score=3", at=NOW + timedelta(minutes=3))

    (attempt,) = course.record().attempts

    assert (attempt.status, attempt.progress, attempt.completed_at) == ("completed", 100, "2026-03-01T10:01:00.000Z")
    assert "Lesson_Status=completed" in course.call("GetParam")


def test_a_course_that_is_not_in_the_catalogue_any_more_is_completed_without_a_time_spent(course: Course) -> None:
    course.table.delete(keys.course(ACME, EXCEL))

    assert course.put("Lesson_Status=C").startswith("error=0\r\n")
    assert (course.record().attempts[0].status, course.record().attempts[0].time_spent_seconds) == ("completed", None)


def test_a_course_tracked_both_ways_has_one_record(course: Course) -> None:
    course.put("Score=39", "Lesson_Status=i", at=NOW + timedelta(minutes=1))
    statement = Evidence(completions={"s1": Completion("2026-03-01T10:05:00.000Z")})
    RecordStore(course.table, ACME).add("ann", EXCEL, "ann", statement, 3600, AT)
    course.put("Lesson_Status=c", at=NOW + timedelta(minutes=6))

    (attempt,) = course.record().attempts

    assert (attempt.source, attempt.completion_statement_id) == ("xapi", "s1")


def test_time_told_twice_counts_once_and_sessions_add_up(course: Course) -> None:
    course.put("Time=00:10:00")
    course.put("Time=00:10:00")
    again = replace(course, session=SessionStore(course.table).open(ACME, "ann", EXCEL, NOW))
    again.put("Time=00:05:00")

    assert "Time=00:15:00" in again.call("GetParam")


def test_data_of_the_course_comes_back_as_it_was(course: Course) -> None:
    course.call("PutParam", "[Core]\r\nLesson_Location=x\r\n[Core_Lesson]\r\npage=4\r\nseen = a, b")

    assert "[Core_Lesson]\r\npage=4\r\nseen = a, b\r\n" in course.call("GetParam")


@pytest.mark.parametrize("command", ["PutComments", "PutInteractions", "PutObjectives", "PutPath", "PutPerformance"])
def test_commands_that_tell_no_progress_succeed_and_change_nothing(course: Course, command: str) -> None:
    before = course.record()

    assert course.call(command, "[x]").startswith("error=0\r\n")
    assert course.record() == before


@pytest.mark.parametrize("command", ["", "DropTables", "get param"])
def test_other_commands_are_refused(course: Course, command: str) -> None:
    assert course.call(command).startswith("error=1\r\nerror_text=Invalid Command\r\n")


@pytest.mark.parametrize("session", ["", "guessed"])
def test_a_session_nobody_opened_is_refused(course: Course, session: str) -> None:
    assert course.call("GetParam", session=session).startswith("error=3\r\n")


def test_a_session_expires(course: Course) -> None:
    assert course.call("GetParam", at=NOW + LIFETIME - timedelta(seconds=1)).startswith("error=0")
    assert course.call("GetParam", at=NOW + LIFETIME).startswith("error=3")


def test_exit_ends_the_session_also_without_a_report(course: Course) -> None:
    assert course.call("ExitAU").startswith("error=0")
    assert course.call("PutParam").startswith("error=3")


def test_a_report_without_data_is_activity(course: Course) -> None:
    assert course.call("PutParam", at=NOW + timedelta(hours=1)).startswith("error=0")

    assert course.record().attempts[0].last_activity_at == "2026-03-01T11:00:00.000Z"


def test_a_session_of_a_merged_learner_feeds_the_one_they_became(course: Course) -> None:
    put_learner(course.table, "ann", merged_into="bob")
    put_learner(course.table, "bob")

    course.put("Lesson_Status=c")

    assert course.record("bob").attempts[0].status == "completed"
    assert list(course.record("bob").parts) == ["ann"]


def test_a_course_goes_on_where_one_who_was_merged_had_left_it(course: Course) -> None:
    course.put("Lesson_Location=page-7", "Time=00:10:00", "Lesson_Status=I", "[Core_Lesson]", "seen=1-7")
    put_learner(course.table, "ann", merged_into="bob")
    put_learner(course.table, "bob", merged=("ann",))
    theirs = SessionStore(course.table).open(ACME, "bob", EXCEL, NOW)

    told = course.call("GetParam", session=theirs)
    assert "Lesson_Location=page-7" in told
    assert "Lesson_Status=incomplete, resume" in told
    assert "[Core_Lesson]\r\nseen=1-7" in told

    further = "[Core]\r\nTime=00:05:00\r\nLesson_Location=page-8\r\n[Core_Lesson]\r\nseen=1-8"
    course.call("PutParam", further, session=theirs)
    told = course.call("GetParam", session=theirs)
    assert "Time=00:15:00" in told
    assert "Lesson_Location=page-8" in told
    assert "[Core_Lesson]\r\nseen=1-8" in told
    put_learner(course.table, "bob")
    assert "Time=00:05:00" in course.call("GetParam", session=theirs)


def test_a_session_of_an_erased_learner_is_dead(course: Course) -> None:
    course.table.delete(keys.learner(ACME, "ann"))

    assert course.put("Lesson_Status=c").startswith("error=3")


def test_a_session_of_a_learner_who_is_being_erased_is_dead(course: Course) -> None:
    put_learner(course.table, "ann", erasing_at=AT)

    assert course.put("Lesson_Status=c").startswith("error=3")


def test_the_table_does_not_hold_the_session_id(course: Course) -> None:
    held = course.table.client.scan(TableName=course.table.name)["Items"]

    assert course.session not in str(held)


def test_a_course_url_without_a_question_mark_gets_one() -> None:
    assert launch_url("https://example.com/x", "s", CALLBACK).startswith(
        "https://example.com/x?AICC_SID=s&AICC_URL=https"
    )


@pytest.mark.parametrize(
    "style",
    [Style(), Style(upper_case=True, line_ending="cr"), Style(abbreviated=True, spaced=True, line_ending="lf")],
)
def test_the_sandbox_plays_a_course_to_its_end(handler: Table, style: Style) -> None:
    put_course(handler)
    put_learner(handler)
    url = launch_url(AICC, SessionStore(handler).open(ACME, "ann", EXCEL, utc_now()), CALLBACK)

    def forward(request: httpx.Request) -> httpx.Response:
        answer = handle("POST", request.content, encoded=True)
        return httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])

    with httpx.Client(transport=httpx.MockTransport(forward)) as client:
        exchanges = play(url, style=style, client=client)

    assert {(one.status, one.error) for one in exchanges} == {(200, "0")}
    assert parse_qs(urlsplit(url).query)["AICC_URL"] == [CALLBACK]
    assert RecordStore(handler, ACME).get("ann", EXCEL).attempts[0].status == "completed"


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_whatever_comes_is_answered_with_200_and_an_error(handler: Table, method: str) -> None:
    answer = handle(method, b"\x00=%ZZ&&")

    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"].startswith("text/plain")
    assert answer["body"].startswith("error=1\r\n")


def test_browsers_of_any_origin_may_call(handler: Table) -> None:
    answer = handle("OPTIONS")

    assert answer["statusCode"] == 204
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer["headers"]["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("error", [Unavailable("the table is busy"), RuntimeError("a fault")])
def test_what_goes_wrong_is_an_error_of_hacp(handler: Table, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> hacp.Answer:
        raise error

    monkeypatch.setattr(Receiver, "answer", fail)

    answer = handle("POST", b"command=getparam&session_id=x")

    assert (answer["statusCode"], answer["body"][:7]) == (200, "error=1")


def test_two_reports_at_once_are_both_kept(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    real = CourseDataStore.get

    def overtaken(self: CourseDataStore, *place: str) -> Any:
        found = real(self, *place)
        monkeypatch.setattr(CourseDataStore, "get", real)
        course.put("Time=00:01:00")
        return found

    monkeypatch.setattr(CourseDataStore, "get", overtaken)
    course.put("Lesson_Location=9")

    assert {"Lesson_Location=9", "Time=00:01:00"} <= set(course.call("GetParam").split("\r\n"))


def test_nothing_is_kept_of_one_who_is_erased_in_between(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    add = RecordStore.add

    def erased(self: RecordStore, *arguments: Any) -> Any:
        found = add(self, *arguments)
        Erasure(course.table, ACME, lambda: "key").erase("ann")
        return found

    monkeypatch.setattr(RecordStore, "add", erased)

    with pytest.raises(NotFound):
        course.put("Lesson_Location=9")
    assert course.table.get(keys.aicc_data(ACME, "ann", EXCEL)) is None


def test_writers_without_end_are_told_to_the_course(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    data = CourseDataStore(course.table)
    found = data.get(ACME, "ann", EXCEL)
    course.put("Lesson_Location=9")
    monkeypatch.setattr(CourseDataStore, "get", lambda *_: found)
    monkeypatch.setattr("coursebridge.aicc.data.time.sleep", lambda _: None)

    with pytest.raises(Unavailable):
        course.put("Lesson_Location=10")
