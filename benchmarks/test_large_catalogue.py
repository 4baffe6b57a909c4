"""Syncs of 25,000 courses on a stack of their own, compared with merely fetching the same pages; and searches."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from connector import SANDBOX_PAIR, Caller, Connection
from coursebridge.catalog.search.querying import Question, SearchIndex
from coursebridge.clock import parse_rfc3339
from local import stack as embedded
from local.aws import Clients
from local.ports import free_port
from local.processes import remembered, start, stop
from local.settings import ROOT, StackSettings
from running_stack import RunningStack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from figures import Figures

SIZES = (1_000, 25_000)
AT_ONCE = 4
"""Ranges that a sync processes concurrently (``statemachines/sync.asl.yaml``)."""
LATE = 0.2
LOOKS_APART = 1.0
"""Seconds between polls, as in ``coursebridge runs watch``: each poll takes processor time from the sync."""
PATIENCE = 3_600.0
QUESTIONS = (
    Question(q="excel"),
    Question(q="data analysis"),
    Question(q="python", level=("BEGINNER",)),
    Question(q="projekt management", language=("de",)),
    Question(q="データ"),
    Question(q="管理", status=("active",)),
    Question(sort="title", limit=100),
    Question(sort="-updated_at", language=("fr",), min_duration=600),
    Question(q="a", limit=100),
)
ROUNDS = 40
CHANGED = 50


@contextmanager
def sandbox_of(size: int, folder: Path) -> Iterator[str]:
    """Run a sandbox with `size` courses and yield its URL."""
    port = free_port()
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "sandbox", "--port", str(port), "--size", str(size)]
    process = start("sandbox", command, {"PATH": "/usr/bin:/bin"}, folder / f"sandbox-{size}.log", ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(trust_env=False) as http:
            while not _answers(http, url):
                time.sleep(0.2)
        yield url
    finally:
        stop(process)


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(f"{url}/_sandbox/health").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def stack_of(size: int, folder: Path) -> Iterator[RunningStack]:
    """Run a stack whose LinkedIn has `size` courses."""
    with sandbox_of(size, folder) as url:
        settings = StackSettings(state_dir=folder / f"stack-{size}", port=free_port(), linkedin_url=url)
        try:
            outputs = embedded.up(settings)
            with (
                httpx.Client(base_url=outputs.api_url, timeout=120, trust_env=False) as http,
                httpx.Client(base_url=url, timeout=120, trust_env=False) as sandbox,
            ):
                yield RunningStack(outputs, Clients(outputs.endpoint_url, outputs.region), http, sandbox)
        finally:
            embedded.down(settings)


class Memory:
    """Records the peak resident memory of any one worker of a function while a block runs."""

    def __init__(self, stack: RunningStack, function: str) -> None:
        [emulator] = [
            one for one in remembered(Path(stack.outputs.logs).parent / "processes.json") if one.name == "emulator"
        ]
        self._emulator = psutil.Process(emulator.pid)
        self._function = function
        self._stop = threading.Event()
        self.peak = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(self._watch)
            try:
                yield
            finally:
                self._stop.set()
            watching.result()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            for worker in self._emulator.children(recursive=True):
                try:
                    if self._function in " ".join(worker.cmdline()):
                        self.peak = max(self.peak, worker.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue


def timed_sync(connection: Connection, mode: str = "full") -> tuple[dict[str, Any], float]:
    """Run a sync, and return the run with the seconds from the call that starts it to its `finished_at`."""
    started = time.time()
    run = connection.sync(mode, patience=PATIENCE, pause=LOOKS_APART)
    return run, parse_rfc3339(run["finished_at"]).timestamp() - started


def asked_of_linkedin(stack: RunningStack) -> list[dict[str, Any]]:
    """Return the GET calls to LinkedIn's API since the sandbox was started, in order."""
    report = stack.sandbox.get("/_sandbox/requests").raise_for_status().json()
    assert report["total"] == len(report["recent"]), "the sandbox remembers every call"
    return [call for call in report["recent"] if call["method"] == "GET"]


def fetch_alone(calls: list[dict[str, Any]], size: int, folder: Path, *, at_once: int, slow: float = 0) -> float:
    """Make the same calls to a new sandbox, `at_once` of them concurrently, and return the seconds it takes."""
    with sandbox_of(size, folder) as url, httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
        answer_late(http, slow)
        form = {"grant_type": "client_credentials", **SANDBOX_PAIR}
        token = http.post("/oauth/v2/accessToken", data=form).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        gc.freeze()  # as the sync's process does; otherwise, collections would scan all objects of pytest
        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda call: _fetch(http, call), calls))
        return time.perf_counter() - started


def answer_late(sandbox: httpx.Client, seconds: float) -> None:
    """Delay every response of LinkedIn's API by this many seconds."""
    sandbox.put("/_sandbox/quirks", json={"slow": {"seconds": seconds}} if seconds else {}).raise_for_status()


def _fetch(http: httpx.Client, call: dict[str, Any]) -> None:
    http.get(call["path"], params=call["parameters"]).raise_for_status().json()


@pytest.mark.parametrize("size", SIZES)
def test_first_sync(figures: Figures, tmp_path: Path, size: int) -> None:
    with stack_of(size, tmp_path) as stack:
        connection = Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))
        connection.connect()
        memory = Memory(stack, "CatalogSyncFunction")
        with memory.watched():
            run, seconds = timed_sync(connection)
        assert run["status"] == "succeeded", run
        assert run["counts"]["created"] == size, run
        calls = asked_of_linkedin(stack)
        if size == max(SIZES):
            _sync_again(figures, stack, connection, size)
            _search(figures, stack, connection, tmp_path)
    in_turn, at_once = (fetch_alone(calls, size, tmp_path, at_once=number) for number in (1, AT_ONCE))

    figures.add(f"first full sync of {size:,} courses: calls to LinkedIn", len(calls), "calls")
    figures.add(f"first full sync of {size:,} courses", seconds, "s")
    target = "at most 3" if size == max(SIZES) else ""
    figures.add(f"the pages of {size:,} courses fetched alone, one by one", in_turn, "s")
    figures.add(f"first full sync of {size:,} courses / its pages alone, one by one", seconds / in_turn, "x", target)
    figures.add(f"the pages of {size:,} courses fetched alone, {AT_ONCE} at once", at_once, "s")
    figures.add(f"first full sync of {size:,} courses / its pages alone, {AT_ONCE} at once", seconds / at_once, "x")
    figures.add(f"peak memory of the workers of the sync, {size:,} courses", memory.peak / 2**20, "MiB", "flat")


def _sync_again(figures: Figures, stack: RunningStack, connection: Connection, size: int) -> None:
    run, seconds = timed_sync(connection)
    figures.add(f"full sync of {size:,} courses unchanged", seconds, "s")
    changed: dict[str, Any] = {name: run["counts"][name] for name in ("created", "updated", "archived")}
    assert set(changed.values()) == {0}
    _, seconds = timed_sync(connection, "incremental")
    figures.add(f"incremental sync of {size:,} courses unchanged", seconds, "s")
    stack.sandbox.post("/_sandbox/step", json={"update": CHANGED}).raise_for_status()
    run, seconds = timed_sync(connection, "incremental")
    assert run["counts"]["updated"] == CHANGED, run
    figures.add(f"incremental sync of {size:,} courses, {CHANGED} changed", seconds, "s")


def test_first_sync_of_a_linkedin_that_takes_its_time(figures: Figures, tmp_path: Path) -> None:
    """The sandbox answers as fast as it can; over the internet, a page of a hundred assets takes longer."""
    size = max(SIZES)
    with stack_of(size, tmp_path) as stack:
        connection = Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))
        connection.connect()
        answer_late(stack.sandbox, LATE)
        run, seconds = timed_sync(connection)
        assert run["counts"]["created"] == size, run
        calls = asked_of_linkedin(stack)
    at_once = fetch_alone(calls, size, tmp_path, at_once=AT_ONCE, slow=LATE)

    name = f"first full sync of {size:,} courses, calls answered {LATE} s later"
    figures.add(name, seconds, "s")
    figures.add(f"{name} / its pages alone, {AT_ONCE} at once", seconds / at_once, "x", "at most 3")


def _search(figures: Figures, stack: RunningStack, connection: Connection, folder: Path) -> None:
    file = folder / "search.sqlite"
    started = time.perf_counter()
    key = f"search/{connection.id}.sqlite"
    stack.aws.s3.download_file(stack.outputs.bucket_name, key, str(file))
    index = SearchIndex(file, connection.id)
    index.ask(QUESTIONS[0])
    loaded = time.perf_counter() - started
    seconds = []
    for _ in range(ROUNDS):
        for question in QUESTIONS:
            asked = time.perf_counter()
            index.ask(question)
            seconds.append(time.perf_counter() - asked)
    index.close()

    figures.add("search index of 25,000 courses: size", file.stat().st_size / 2**20, "MiB")
    figures.add("search index of 25,000 courses: fetched, opened and first asked", loaded * 1000, "ms")
    figures.add("search over 25,000 courses: median", statistics.median(seconds) * 1000, "ms")
    figures.add("search over 25,000 courses: p99", statistics.quantiles(seconds, n=100)[98] * 1000, "ms", "at most 50")
