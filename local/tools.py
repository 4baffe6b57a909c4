"""Run a tool quietly, showing its output only if it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.errors import StackError
from local.processes import tail
from local.settings import ROOT


def run(purpose: str, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> None:
    """Run a tool in the project's root folder, with its output in a log file.

    Args:
        purpose: Name of the task for the error message ("sam build").
        command: The program and its arguments.
        environment: Its complete environment.
        log: File for its output; truncated first.

    Raises:
        StackError: The tool failed; the message contains the end of its output.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        result = subprocess.run(  # noqa: S603 - the commands are this package's own
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=ROOT,
            check=False,
        )
    if result.returncode:
        raise StackError(f"{purpose} failed. The end of {log}:\n\n{tail(log)}")
