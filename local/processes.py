"""Start processes in their own sessions, find them again, and stop them with all their descendants."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import TypeAdapter

from local.errors import StackError

GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Started:
    """A started process, identified so that a later command can find it.

    Attributes:
        name: What it is ("emulator").
        pid: Its process id, which is also the id of its session.
        created: Its start time in epoch seconds, which tells it apart from a later process with the same pid.
        log: The file it logs to.
    """

    name: str
    pid: int
    created: float
    log: Path


def start(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> Started:
    """Start a process in the background, in its own session, logging to a file.

    Args:
        name: What it is, for messages.
        command: The program and its arguments.
        environment: Its complete environment.
        log: File for its output; truncated first.
        folder: Its working directory.

    Returns:
        How to find it again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are this package's own
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    # Prevents a ResourceWarning: the process outlives this object, and `stop` or init reaps it.
    process.returncode = 0
    return Started(name, process.pid, psutil.Process(process.pid).create_time(), log)


def is_alive(started: Started) -> bool:
    """Tell whether this very process is still running."""
    try:
        process = psutil.Process(started.pid)
        return process.create_time() == started.created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def stop(started: Started) -> None:
    """Stop a process and all its descendants, with SIGTERM and then SIGKILL.

    Raises:
        StackError: Some of them are still running afterwards.
    """
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        members = _session(started)
        for member in members:
            _signal(member, signal_number)
        if _gone(started, GRACE_SECONDS):
            return
    left = ", ".join(str(member.pid) for member in _session(started))
    raise StackError(f"The {started.name} did not stop; still running: {left}. End it with: kill -9 {left}")


def remember(started: Sequence[Started], file: Path) -> None:
    """Save the started processes to a file, for later commands."""
    file.write_bytes(TypeAdapter(list[Started]).dump_json(list(started)))


def remembered(file: Path) -> list[Started]:
    """Return the processes that an earlier command saved, empty if none did."""
    return TypeAdapter(list[Started]).validate_json(file.read_bytes()) if file.is_file() else []


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.is_file() else ""


def _session(started: Started) -> list[psutil.Process]:
    """Return the live members of a process's session, including those whose parent is gone.

    The system does not reuse a session's id as a pid while a member lives. If another process has that pid, the session
    has no members left.
    """
    if psutil.pid_exists(started.pid) and not _is_same(started):
        return []
    return [process for process in psutil.process_iter() if _in_session(process, started.pid)]


def _is_same(started: Started) -> bool:
    try:
        return psutil.Process(started.pid).create_time() == started.created
    except psutil.Error:
        return False


def _in_session(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def _gone(started: Started, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _session(started):
        if time.monotonic() > deadline:
            return False
        _reap(started.pid)
        time.sleep(0.05)
    _reap(started.pid)
    return True


def _reap(pid: int) -> None:
    """Collect the exit status if the process is our own child, so that it does not stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
