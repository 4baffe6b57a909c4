"""Run a tool quietly, and tell what it said only when it failed."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.errors import StackError
from local.processes import tail
from local.settings import ROOT


def run(purpose: str, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> None:
    """Run a tool in the project's folder, its output going to a log file.

    Args:
        purpose: What it is run for, for the message when it fails ("sam build").
        command: The program and its arguments.
        environment: Its whole environment.
        log: Where its output goes; emptied first.

    Raises:
        StackError: it failed; the message holds the end of what it said.
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
