"""What can go wrong, each with an exit code a script can tell apart.

CommandError          1  the API refused, or something is not well
|-- UsageError        2  the command cannot be understood
|-- Unreachable       3  there is no answer
`-- NotLoggedIn       4  there are no credentials, or they are not good
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class CommandError(Exception):
    """A command could not do what it was asked for; the text says why and what helps."""

    exit_code: ClassVar[int] = 1

    def __init__(self, text: str, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.remedy = remedy
        self.details = details


class UsageError(CommandError):
    """The command cannot be understood."""

    exit_code = 2


class Unreachable(CommandError):
    """There is no answer from the API."""

    exit_code = 3


class NotLoggedIn(CommandError):
    """There are no credentials, or they are not good."""

    exit_code = 4


def of_problem(status: int, problem: Mapping[str, Any]) -> CommandError:
    """Return a problem of the API (RFC 9457) as an error.

    Args:
        status: The status of the answer.
        problem: Its body.
    """
    detail = str(problem.get("detail") or problem.get("error_description") or f"the API answered {status}")
    cause = problem.get("cause")
    details = tuple(f"{wrong['field']}: {wrong['detail']}" for wrong in problem.get("errors") or ())
    kind = NotLoggedIn if status == 401 else CommandError  # noqa: PLR2004  (the status itself)
    return kind(f"{detail}. {cause}" if cause else detail, str(problem.get("remedy") or ""), details)
