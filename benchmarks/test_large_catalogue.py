"""25,000 courses through the real state machine, against fetching the same pages alone; a stack of their own."""

from __future__ import annotations

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
from coursebridge.linkedin.assets import ASSETS_PATH, Listing
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
LOCALES = ("en_US", "de_DE", "fr_FR", "ja_JP", "zh_CN")
PAGE, AT_ONCE = 100, 4
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


@contextmanager
def sandbox_of(size: int, folder: Path) -> Iterator[str]:
    """Run a sandbox with so many courses; yield its URL."""
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
    """Run a stack whose LinkedIn has so many courses."""
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
    """Watches the resident memory of the workers of one function while a block runs."""

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


def fetch_alone(stack: RunningStack) -> float:
    """Fetch every page of the catalogue and nothing else, as many at once as a sync does; return the seconds."""
    with httpx.Client(base_url=stack.outputs.linkedin_url, timeout=120, trust_env=False) as http:
        form = {"grant_type": "client_credentials", **SANDBOX_PAIR}
        token = http.post("/oauth/v2/accessToken", data=form).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda locale: _fetch_locale(http, locale), LOCALES))
        return time.perf_counter() - started


def _fetch_locale(http: httpx.Client, locale: str) -> int:
    listing = Listing("COURSE", locale)
    at = 0
    while True:
        answer = http.get(ASSETS_PATH, params=list(listing.parameters(at, PAGE))).raise_for_status().json()
        at += PAGE
        if not answer["elements"]:
            return at


@pytest.mark.parametrize("size", SIZES)
def test_first_sync(figures: Figures, tmp_path: Path, size: int) -> None:
    with stack_of(size, tmp_path) as stack:
        alone = fetch_alone(stack)
        connection = Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))
        connection.connect()
        memory = Memory(stack, "CatalogSyncFunction")
        started = time.perf_counter()
        with memory.watched():
            run = connection.sync(patience=PATIENCE)
        seconds = time.perf_counter() - started
        assert run["status"] == "succeeded", run
        assert run["counts"]["created"] == size, run

        figures.add(f"first full sync of {size:,} courses", seconds, "s")
        figures.add(f"the pages of {size:,} courses fetched alone", alone, "s")
        target = "at most 3" if size == max(SIZES) else ""
        figures.add(f"first full sync of {size:,} courses / its pages alone", seconds / alone, "x", target)
        figures.add(f"peak memory of the workers of the sync, {size:,} courses", memory.peak / 2**20, "MiB", "flat")
        if size == max(SIZES):
            again = time.perf_counter()
            run = connection.sync(patience=PATIENCE)
            figures.add(f"full sync of {size:,} courses unchanged", time.perf_counter() - again, "s")
            changed: dict[str, Any] = {name: run["counts"][name] for name in ("created", "updated", "archived")}
            assert set(changed.values()) == {0}
            again = time.perf_counter()
            connection.sync("incremental", patience=PATIENCE)
            figures.add(f"incremental sync of {size:,} courses unchanged", time.perf_counter() - again, "s")
            _search(figures, stack, connection, tmp_path)


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
