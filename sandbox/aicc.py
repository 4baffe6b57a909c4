"""LinkedIn as an AICC assignable unit: plays the HACP side of a course launched from an LMS."""

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
    """How the calls are written; AICC leaves a lot of freedom, and senders use it.

    Attributes:
        version: AICC version that is claimed.
        upper_case: commands and keys in upper case.
        line_ending: `crlf`, `lf` or `cr`.
        abbreviated: `i` and `c` instead of `Incomplete` and `Complete`.
        spaced: blanks around `=`.
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
    """One call with its answer: the error number is the receiver's `error=`, empty if it sent none."""

    command: str
    status: int
    error: str
    body: str


class NotAnAiccLaunch(ValueError):
    """The launch URL does not say where to report to, and for which session."""


def session(launch_url: str) -> tuple[str, str]:
    """Return session id and call-back URL of a launch, whatever the case of their names.

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
    """Open a session, report each progress (100 is complete), and leave.

    Args:
        launch_url: as the LMS made it.
        progress: percentages, one PutParam each.
        style: of writing.
        leave: whether ExitAU is sent.
        client: to call with.

    Raises:
        NotAnAiccLaunch: the launch URL is not one.
        httpx.TransportError: nobody answers there.
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
    """Return a session as `/_sandbox/aicc` answers it."""
    return {"exchanges": [vars(exchange) for exchange in exchanges]}
