"""HACP on the wire: reads calls and writes answers (AICC CMI001, appendix A). Pure.

Senders take liberties: any letter case, any line ending, spaces around ``=``, missing sections, words shortened to one
letter. All of this is understood; anything that cannot be read is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["passed", "completed", "failed", "incomplete", "browsed", "not attempted"]
STATUSES: dict[str, Status] = {
    "p": "passed",
    "c": "completed",
    "f": "failed",
    "i": "incomplete",
    "b": "browsed",
    "n": "not attempted",
}
DONE = ("passed", "completed")
VERSION = "4.0"
SUCCESSFUL, INVALID_COMMAND, INVALID_SESSION = 0, 1, 3
TEXTS = {SUCCESSFUL: "Successful", INVALID_COMMAND: "Invalid Command", INVALID_SESSION: "Invalid Session ID"}
_LINE = re.compile(r"\r\n|\n|\r")
_TIME = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})(?:\.\d*)?")
_SCORE = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Call:
    """A course's call: the command in lower case, the session's id, and the data."""

    command: str
    session_id: str
    data: str

    @classmethod
    def read(cls, body: bytes) -> Call:
        """Read a form, whatever its content type says; missing fields become empty."""
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, errors="replace")
        form = {name.strip().lower(): value for name, value in pairs}
        return cls(
            form.get("command", "").strip().lower(), form.get("session_id", "").strip(), form.get("aicc_data", "")
        )


@dataclass(frozen=True)
class LessonData:
    """The lesson data of a PutParam; ``None`` for what it leaves out.

    Attributes:
        progress: percent, from the score: LinkedIn reports progress there and has no other score.
        seconds: the time spent in the course in this session so far.
        location: the learner's place in the course, in the course's own terms.
        core_lesson: data the course stores for itself.
    """

    status: Status | None = None
    progress: int | None = None
    seconds: int | None = None
    location: str | None = None
    core_lesson: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the course reports that it is completed."""
        return self.status in DONE


def lesson_data(data: str) -> LessonData:
    """Read the lesson data from the ``aicc_data`` of a PutParam."""
    sections = _sections(data)
    core = _pairs(sections.get("core", []))
    lesson = "\r\n".join(sections["core_lesson"]).strip() if "core_lesson" in sections else None
    return LessonData(
        status=_status(core.get("lesson_status", "")),
        progress=_percent(core.get("score", "")),
        seconds=_seconds(core.get("time", "")),
        location=core.get("lesson_location"),
        core_lesson=lesson,
    )


def _sections(data: str) -> dict[str, list[str]]:
    """Return the lines of each section; those before the first heading belong to ``core``."""
    sections: dict[str, list[str]] = {}
    name = "core"
    for line in _LINE.split(data):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            name = text[1:-1].strip().lower()
            sections.setdefault(name, [])
        elif text:
            sections.setdefault(name, []).append(line if name == "core_lesson" else text)
    return sections


def _pairs(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines if not line.startswith(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _status(text: str) -> Status | None:
    """Read a status such as ``Complete, exit`` or ``c``: the first letter decides."""
    return STATUSES.get(text.strip()[:1].lower())


def _percent(text: str) -> int | None:
    """Read ``raw[,max[,min]]`` as percent; ignore a score out of its range, because progress can never fall again."""
    raw, most, least = ([_number(part) for part in text.split(",")] + [None, None])[:3]
    if raw is None:
        return None
    most, least = 100.0 if most is None else most, least or 0.0
    share = (raw - least) / (most - least) if most > least else raw / 100
    return round(share * 100) if 0 <= share <= 1 else None


def _number(text: str) -> float | None:
    match = _SCORE.fullmatch(text.strip())
    return float(match[0]) if match else None


def _seconds(text: str) -> int | None:
    match = _TIME.fullmatch(text.strip())
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) if match else None


def spell_time(seconds: int) -> str:
    """Return seconds as ``HH:MM:SS``."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@dataclass(frozen=True)
class Answer:
    """The answer to a call."""

    error: int = SUCCESSFUL
    sections: Mapping[str, Mapping[str, str] | str] = field(default_factory=dict)

    def spell(self) -> str:
        """Return the text/plain body."""
        lines = [f"error={self.error}", f"error_text={TEXTS[self.error]}", f"version={VERSION}", "aicc_data="]
        for name, content in self.sections.items():
            lines.append(f"[{name}]")
            if isinstance(content, str):
                lines.extend([content] if content else [])
            else:
                lines.extend(f"{key}={_one_line(value)}" for key, value in content.items())
        return "\r\n".join(lines) + "\r\n"


def _one_line(value: str) -> str:
    return " ".join(_LINE.split(value))
