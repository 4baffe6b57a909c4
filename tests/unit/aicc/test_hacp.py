"""Reading and writing HACP."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.aicc.hacp import Answer, Call, LessonData, lesson_data, spell_time

CORE = "\r\n".join(
    [
        "[Core]",
        "Lesson_Location = 7",
        "Lesson_Status=Complete, exit",
        "Score=100",
        "Time=01:02:03",
        "[Core_Lesson]",
        "mine=1",
    ]
)


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("spelled", [str, str.upper, str.lower])
def test_any_case_and_any_line_ending_says_the_same(ending: str, spelled: type[str]) -> None:
    found = lesson_data(spelled(CORE).replace("\r\n", ending))

    assert (found.status, found.progress, found.seconds, found.location) == ("completed", 100, 3723, "7")
    assert (found.core_lesson or "").lower() == "mine=1"


def test_a_line_in_half_a_pair_of_brackets_is_no_heading() -> None:
    assert lesson_data("[Core_Lesson]\r\n[left\r\nright]\r\n[Core]\r\nScore=7") == LessonData(
        progress=7, core_lesson="[left\r\nright]"
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Complete", "completed"), ("c", "completed"), ("P", "passed"), ("passed, logout", "passed"), ("f", "failed"),
        ("i,l", "incomplete"), ("Not Attempted", "not attempted"), ("b", "browsed"), ("x", None), ("", None),
    ],
)  # fmt: skip
def test_the_first_letter_of_a_status_decides(text: str, status: str | None) -> None:
    assert lesson_data(f"[core]\nlesson_status={text}").status == status


@pytest.mark.parametrize(
    ("score", "percent"),
    [
        ("39", 39), ("39.6", 40), ("5,10", 50), ("5,10,0", 50), ("15,20,10", 50), ("0", 0), ("100", 100), ("", None),
        ("A", None), ("1,1,1", 1), (" 7 , 10 ", 70), ("-3", None), ("150", None), ("11,10", None), ("9,20,10", None),
        ("150,0", None), (",100,0", None), ("50,,10", 44), ("5,x", 5), ("9" * 400 + "," + "9" * 400, None),
    ],
)  # fmt: skip
def test_a_score_is_progress_in_percent(score: str, percent: int | None) -> None:
    assert lesson_data(f"[core]\nscore={score}").progress == percent


@pytest.mark.parametrize(("time", "seconds"), [("00:01:30", 90), ("1:1:1.5", 3661), ("90", None), ("::", None)])
def test_a_time_is_read_or_left_out(time: str, seconds: int | None) -> None:
    assert lesson_data(f"[core]\ntime={time}").seconds == seconds


@pytest.mark.parametrize("data", ["", "nonsense", "[Core]", "[Core_Vendor]\nx=1", "=\n==", "; a comment=1"])
def test_what_tells_nothing_tells_nothing(data: str) -> None:
    assert lesson_data(data) == LessonData()


def test_keys_before_any_section_belong_to_the_core() -> None:
    assert lesson_data("lesson_status=i\nscore=4") == LessonData(status="incomplete", progress=4)


@given(st.text())
def test_any_data_can_be_read(data: str) -> None:
    found = lesson_data(data)

    assert found.progress is None or 0 <= found.progress <= 100


@given(st.binary())
def test_any_body_can_be_read(body: bytes) -> None:
    assert Call.read(body).command == Call.read(body).command.lower()


def test_a_form_is_read_whatever_the_case_of_its_names() -> None:
    body = urlencode({"COMMAND": " PutParam ", "Session_ID": " s1 ", "AICC_Data": CORE, "version": "4.0"}).encode()

    assert Call.read(body) == Call("putparam", "s1", CORE)


def test_an_answer_has_lines_that_end_as_hacp_wants_them() -> None:
    text = Answer(
        sections={"Core": {"Student_ID": "ann", "Name": "a\r\nb"}, "Core_Lesson": "x", "Evaluation": {}}
    ).spell()

    assert text == (
        "error=0\r\nerror_text=Successful\r\nversion=4.0\r\naicc_data=\r\n[Core]\r\nStudent_ID=ann\r\nName=a b\r\n"
        "[Core_Lesson]\r\nx\r\n[Evaluation]\r\n"
    )


def test_seconds_are_spelled_as_time() -> None:
    assert [spell_time(seconds) for seconds in (0, 3723, 360_000)] == ["00:00:00", "01:02:03", "100:00:00"]
