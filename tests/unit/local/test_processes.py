"""Started processes are found again, and stopped with all their children."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local import processes
from local.processes import Started

# A parent that starts a child, prints the child's process id, and waits.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Started]]:
    started: list[Started] = []

    def begin(code: str) -> Started:
        command = [sys.executable, "-c", code]
        started.append(processes.start("helper", command, os.environ, tmp_path / "logs" / "helper.log", tmp_path))
        return started[-1]

    yield begin
    for each in started:
        processes.stop(each)


def said(started: Started) -> str:
    while not (text := started.log.read_text()):
        time.sleep(0.01)
    return text


def test_a_started_process_is_alive(start: Callable[[str], Started]) -> None:
    assert processes.is_alive(start(FAMILY))


def test_stopping_ends_the_children_too(start: Callable[[str], Started]) -> None:
    parent = start(FAMILY)
    child = int(said(parent))

    processes.stop(parent)

    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert not processes.is_alive(parent)


def test_stopping_ends_children_whose_parent_is_gone(start: Callable[[str], Started]) -> None:
    parent = start(FAMILY)
    child = int(said(parent))
    os.kill(parent.pid, 9)
    os.waitpid(parent.pid, 0)

    processes.stop(parent)

    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_ignores_the_polite_signal_is_ended(
    start: Callable[[str], Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    stubborn = start(STUBBORN)
    said(stubborn)

    processes.stop(stubborn)

    assert not processes.is_alive(stubborn)


def test_a_stranger_with_a_reused_id_is_neither_ours_nor_harmed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as stranger:
        reused = Started("helper", stranger.pid, created=1.0, log=Path("unused"))

        processes.stop(reused)

        assert not processes.is_alive(reused)
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_what_was_started_is_remembered(start: Callable[[str], Started], tmp_path: Path) -> None:
    started = [start(FAMILY), replace(start(FAMILY), name="other")]

    processes.remember(started, tmp_path / "processes.json")

    assert processes.remembered(tmp_path / "processes.json") == started


def test_nothing_is_remembered_where_nothing_was_started(tmp_path: Path) -> None:
    assert processes.remembered(tmp_path / "processes.json") == []


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("one\ntwo\nthree\n")

    assert processes.tail(log, lines=2) == "two\nthree"
    assert processes.tail(tmp_path / "missing.log") == ""
