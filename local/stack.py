"""Start the embedded stack, and stop it without leaving anything behind."""

import fcntl
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local import build as builder
from local.console import console, step
from local.deploy import deploy
from local.emulator import emulator_answers, start_emulator
from local.errors import StackError
from local.outputs import Outputs, collect
from local.ports import ensure_free
from local.processes import Started, is_alive, remember, remembered, stop, tail
from local.sandbox_process import sandbox_answers, start_sandbox
from local.settings import StackSettings

READY_SECONDS = 60.0


def up(settings: StackSettings) -> Outputs:
    """Start the stack, unless one with the same code and settings is already running.

    A stack of other code or settings, or one that has partly died, is taken down first. If the start fails, whatever
    was started is taken down again.

    Returns:
        The outputs of the running stack.

    Raises:
        StackError: The stack cannot be started; the message gives the remedy if there is one.
    """
    with _alone(settings):
        if running := current(settings):
            return running
        if take_down(settings):
            console.print("  Replacing what was running: its code or settings have changed, or it had died.")
        try:
            return _bring_up(settings)
        except BaseException:
            take_down(settings)
            raise


def down(settings: StackSettings) -> bool:
    """Take the stack down, even if it has partly died.

    Returns:
        Whether there was anything to take down.

    Raises:
        StackError: A process did not stop.
    """
    with _alone(settings):
        return take_down(settings)


def current(settings: StackSettings) -> Outputs | None:
    """Return the outputs of the stack if it is healthy and has the current code and settings, else ``None``."""
    marker = settings.state_dir / "stack-of"
    if not (marker.is_file() and marker.read_text() == _identity(settings) and settings.outputs_file.is_file()):
        return None
    healthy = all(is_alive(each) for each in processes(settings)) and emulator_answers(settings)
    return Outputs.read(settings.outputs_file) if healthy else None


def processes(settings: StackSettings) -> list[Started]:
    """Return the processes of the stack, whether or not they are still alive."""
    return remembered(settings.state_dir / "processes.json")


def take_down(settings: StackSettings) -> bool:
    """Stop the processes and remove their files, except the logs; return whether there were any processes."""
    started = processes(settings)
    with _undisturbed():
        for each in started:
            stop(each)
    for name in ("processes.json", "outputs.json", "stack-of"):
        (settings.state_dir / name).unlink(missing_ok=True)
    shutil.rmtree(settings.state_dir / "tmp", ignore_errors=True)
    return bool(started)


def _bring_up(settings: StackSettings) -> Outputs:
    ensure_free(settings.port, "the AWS emulator", "PORT")
    if not settings.linkedin_url:
        ensure_free(settings.sandbox_port, "the LinkedIn Learning sandbox", "SANDBOX_PORT")
    started = _start(settings)
    target = builder.local_target()
    if builder.is_built(target):
        built = builder.build(target)
    else:
        with step("Building functions and layers (sam build)", "Functions and layers built"):
            built = builder.build(target)
    with step("Waiting for the AWS emulator", f"AWS emulator answers on {settings.endpoint_url}"):
        _wait_until(lambda: emulator_answers(settings), started[0])
    with step("Deploying the template (sam deploy)", "Template deployed"):
        deploy(settings, target, built)
    for sandbox in started[1:]:
        with step(
            "Waiting for the sandbox",
            f"LinkedIn Learning sandbox answers on {settings.effective_linkedin_url}",
        ):
            _wait_until(lambda: sandbox_answers(settings), sandbox)
    outputs = collect(settings)
    outputs.write(settings.outputs_file)
    (settings.state_dir / "stack-of").write_text(_identity(settings))
    return outputs


def _start(settings: StackSettings) -> list[Started]:
    """Start the processes, saving each at once so that none can be lost track of."""
    started: list[Started] = []
    starters = [start_emulator] if settings.linkedin_url else [start_emulator, start_sandbox]
    for starter in starters:
        started.append(starter(settings))
        remember(started, settings.state_dir / "processes.json")
    return started


def _identity(settings: StackSettings) -> str:
    return f"{builder.fingerprint(builder.local_target())} {settings}"


def _wait_until(ready: Callable[[], bool], process: Started) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if not is_alive(process):
            raise StackError(
                f"The {process.name} ended while starting. The end of {process.log}:\n\n{tail(process.log)}"
            )
        if time.monotonic() > deadline:
            raise StackError(f"The {process.name} did not answer within {READY_SECONDS:.0f} s. See {process.log}")
        time.sleep(0.1)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C, so that a second one does not interrupt the shutdown."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _alone(settings: StackSettings) -> Iterator[None]:
    """Lock the stack's folder: two commands at once would start it twice."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("  Another command is working on this stack; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
