"""Errors of the command line, each with an exit code of its own, for scripts.

CommandError          1  the API refused, or something is unhealthy
|-- UsageError        2  the command cannot be understood
|-- Unreachable       3  the API does not answer
`-- NotLoggedIn       4  credentials are missing or wrong
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class CommandError(Exception):
    """A command failed; the text says why, and ``remedy`` how to fix it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, text: str, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.remedy = remedy
        self.details = details


class UsageError(CommandError):
    """The command cannot be understood."""

    exit_code = 2


class Unreachable(CommandError):
    """The API does not answer."""

    exit_code = 3


class NotLoggedIn(CommandError):
    """Credentials are missing or wrong."""

    exit_code = 4


def of_problem(status: int, problem: Mapping[str, Any]) -> CommandError:
    """Return the error for a problem that the API answered (RFC 9457).

    Args:
        status: Status code of the answer.
        problem: Body of the answer.
    """
    detail = str(problem.get("detail") or problem.get("error_description") or f"the API answered {status}")
    cause = problem.get("cause")
    details = tuple(f"{wrong['field']}: {wrong['detail']}" for wrong in problem.get("errors") or ())
    kind = NotLoggedIn if status == 401 else CommandError  # noqa: PLR2004  (the status itself)
    return kind(f"{detail}. {cause}" if cause else detail, str(problem.get("remedy") or ""), details)


def lacking_scope(missing: str, held: Sequence[str]) -> CommandError:
    """Return the error for a call that needs a scope which the client does not have.

    Args:
        missing: The scope.
        held: The scopes that the client has.
    """
    options = " ".join(f"--scope {scope}" for scope in sorted({*held, missing}))
    return CommandError(
        f"this client lacks the scope {missing}",
        f'Use one that has it. An admin with admin:write creates it: coursebridge clients create "NAME" {options}',
    )
