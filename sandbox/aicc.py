"""LinkedIn as an AICC assignable unit: makes the HACP calls of a course that an LMS has launched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx

from sandbox import outbound
from sandbox.settings import Json

COMPLETE = 100
_ENDINGS = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}


@dataclass(frozen=True)
class Style:
    """How the calls are written: AICC leaves a lot of freedom, and senders use it.

    Attributes:
        version: the AICC version to claim.
        upper_case: whether commands and data are in upper case.
        line_ending: `crlf`, `lf` or `cr`.
        abbreviated: whether to send `i` and `c` instead of `Incomplete` and `Complete`.
        spaced: whether to put blanks around `=`.
    """

    version: str = "4.0"
    upper_case: bool = False
    line_ending: str = "crlf"
    abbreviated: bool = False
    spaced: bool = False

    def __post_init__(self) -> None:
        if self.line_ending not in _ENDINGS:
            raise ValueError(f"line_ending is one of {', '.join(_ENDINGS)}.")


@dataclass(frozen=True)
class Exchange:
    """One call with its response; `error` is the value of the receiver's `error=`, or empty if it sent none."""

    command: str
    status: int
    error: str
    body: str


class NotAnAiccLaunch(ValueError):
    """The launch URL does not name both a session and a URL to report to."""


def session(launch_url: str) -> tuple[str, str]:
    """Return the session id and the callback URL of a launch; the case of parameter names does not matter.

    Raises:
        NotAnAiccLaunch: one of the two is missing.
    """
    query = {name.upper(): value for name, value in parse_qsl(urlsplit(launch_url).query)}
    if not query.get("AICC_SID") or not query.get("AICC_URL"):
        raise NotAnAiccLaunch("The launch URL needs AICC_SID and AICC_URL.")
    url = query["AICC_URL"]
    return query["AICC_SID"], url if "://" in url else f"http://{url}"


def play(
    launch_url: str,
    progress: Sequence[int] = (39, COMPLETE),
    *,
    style: Style | None = None,
    leave: bool = True,
    client: httpx.Client | None = None,
) -> list[Exchange]:
    """Open a session, report each percentage (100 means complete), and leave.

    Args:
        launch_url: the URL as the LMS made it.
        progress: percentages, each sent in a PutParam of its own.
        style: how the calls are written.
        leave: whether to send ExitAU.
        client: the client to call with; by default a new one, closed at the end.

    Raises:
        NotAnAiccLaunch: the launch URL lacks the session id or the callback URL.
        httpx.TransportError: nobody answers at the callback URL.
    """
    style = style or Style()
    session_id, url = session(launch_url)
    own = client or outbound.client()
    try:
        return [
            _call(own, url, _form(session_id, command, data, style))
            for command, data in _calls(progress, style, leave=leave)
        ]
    finally:
        if client is None:
            own.close()


def _calls(progress: Sequence[int], style: Style, *, leave: bool) -> Iterator[tuple[str, str]]:
    yield "GetParam", ""
    for number, percent in enumerate(progress, 1):
        yield "PutParam", _core(percent, number, style)
    if leave:
        yield "ExitAU", ""


def _core(percent: int, number: int, style: Style) -> str:
    status = "Complete" if percent >= COMPLETE else "Incomplete"
    fields = {
        "Lesson_Location": str(number),
        "Lesson_Status": status[0].lower() if style.abbreviated else status,
        "Score": str(percent),
        "Time": f"00:{number:02}:00",
    }
    equals = " = " if style.spaced else "="
    lines = ["[Core]", *(f"{name}{equals}{value}" for name, value in fields.items()), "[Core_Lesson]", ""]
    if style.upper_case:
        lines = [line.upper() for line in lines]
    return _ENDINGS[style.line_ending].join(lines)


def _form(session_id: str, command: str, data: str, style: Style) -> dict[str, str]:
    return {
        "command": command.upper() if style.upper_case else command,
        "version": style.version,
        "session_id": session_id,
        "aicc_data": data,
    }


def _call(client: httpx.Client, url: str, form: dict[str, str]) -> Exchange:
    response = client.post(url, data=form)
    return Exchange(form["command"], response.status_code, _error(response.text), response.text)


def _error(body: str) -> str:
    for line in body.splitlines():
        name, _, value = line.partition("=")
        if name.strip().lower() == "error":
            return value.strip()
    return ""


def to_json(exchanges: Sequence[Exchange]) -> Json:
    """Return the response body of `/_sandbox/aicc`."""
    return {"exchanges": [vars(exchange) for exchange in exchanges]}
