"""LinkedIn's side of HACP."""

from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from sandbox.aicc import NotAnAiccLaunch, Style, play, session

CALL_BACK = "https://receiver.example/aicc"
LAUNCH = "https://www.linkedin.com/learning/aicc?content=urn%3Ali%3AlyndaCourse%3A252&" + urlencode(
    {"AICC_SID": "s1", "AICC_URL": CALL_BACK}
)


class Lms:
    """An LMS that accepts every command and remembers it."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == CALL_BACK
        form = parse_qs(request.content.decode(), keep_blank_values=True)
        self.calls.append({name: values[0] for name, values in form.items()})
        return httpx.Response(200, text="Error = 0\r\nerror_text=Successful\r\n")

    def play(self, *progress: int, leave: bool = True, **style: Any) -> list[str]:
        with httpx.Client(transport=httpx.MockTransport(self)) as client:
            exchanges = play(LAUNCH, progress, style=Style(**style), leave=leave, client=client)
        return [exchange.error for exchange in exchanges]


def test_a_course_is_opened_reported_and_left() -> None:
    lms = Lms()
    assert lms.play(39, 100) == ["0"] * 4
    assert [call["command"] for call in lms.calls] == ["GetParam", "PutParam", "PutParam", "ExitAU"]
    assert {call["session_id"] for call in lms.calls} == {"s1"}
    assert {call["version"] for call in lms.calls} == {"4.0"}
    assert lms.calls[1]["aicc_data"] == (
        "[Core]\r\nLesson_Location=1\r\nLesson_Status=Incomplete\r\nScore=39\r\nTime=00:01:00\r\n[Core_Lesson]\r\n"
    )
    assert "Lesson_Status=Complete\r\n" in lms.calls[2]["aicc_data"]


def test_a_course_can_be_abandoned() -> None:
    lms = Lms()
    lms.play(leave=False)
    assert [call["command"] for call in lms.calls] == ["GetParam"]


@pytest.mark.parametrize(
    ("style", "part"),
    [
        ({"line_ending": "lf"}, "Incomplete\nScore"),
        ({"line_ending": "cr"}, "Incomplete\rScore"),
        ({"abbreviated": True}, "Lesson_Status=i\r\n"),
        ({"spaced": True}, "Score = 39"),
        ({"upper_case": True}, "LESSON_STATUS=INCOMPLETE"),
    ],
)
def test_calls_can_be_written_in_every_style(style: dict[str, Any], part: str) -> None:
    lms = Lms()
    lms.play(39, **style)
    assert part in lms.calls[1]["aicc_data"]


@pytest.mark.parametrize("names", [("aicc_sid", "aicc_url"), ("Aicc_Sid", "AICC_Url")])
def test_the_case_of_the_names_does_not_matter(names: tuple[str, str]) -> None:
    query = urlencode(dict(zip(names, ("s1", "receiver.example/aicc"), strict=True)))
    assert session(f"https://x.example/?{query}") == ("s1", "http://receiver.example/aicc")


@pytest.mark.parametrize("url", ["https://x.example/", "https://x.example/?AICC_SID=s1", ""])
def test_a_launch_that_says_not_where_to_report_is_refused(url: str) -> None:
    with pytest.raises(NotAnAiccLaunch):
        play(url)


def test_an_answer_without_error_number_is_shown_as_such() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(500, text="oops"))) as client:
        exchange = play(LAUNCH, [], client=client)[0]
    assert (exchange.status, exchange.error, exchange.body) == (500, "", "oops")
