"""Start processes in sessions of their own, find them again, and stop them with everything they started."""

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
    """A process that was started, so that another command can find it again.

    Attributes:
        name: What it is ("emulator").
        pid: Its process id, which is also the id of its session.
        created: Its start time by the system's clock: a reused pid has another one.
        log: Where it logs to.
    """

    name: str
    pid: int
    created: float
    log: Path


def start(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> Started:
    """Start a process in the background, in a session of its own, logging to a file.

    Args:
        name: What it is, for messages.
        command: The program and its arguments.
        environment: Its whole environment.
        log: Where its output goes; emptied first.
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
    # Whoever started it may be gone by the time it ends; reaped by `stop` or by init.
    process.returncode = 0
    return Started(name, process.pid, psutil.Process(process.pid).create_time(), log)


def is_alive(started: Started) -> bool:
    """Tell whether that very process still runs."""
    try:
        process = psutil.Process(started.pid)
        return process.create_time() == started.created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def stop(started: Started) -> None:
    """Stop a process and all it started, politely first.

    Raises:
        StackError: something of it is still there afterwards.
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
    """Write down what was started, for the commands that come later."""
    file.write_bytes(TypeAdapter(list[Started]).dump_json(list(started)))


def remembered(file: Path) -> list[Started]:
    """Return what was started by an earlier command; nothing if there was none."""
    return TypeAdapter(list[Started]).validate_json(file.read_bytes()) if file.is_file() else []


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.is_file() else ""


def _session(started: Started) -> list[psutil.Process]:
    """Return the living members of a process's session, also those whose parent is gone.

    A session's id is not given to a new process while a member lives: a stranger with that pid means: none.
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
    """Collect the exit status if it is our own child, so that no zombie stays while this process lives."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
