"""End to end on the embedded stack: from an HTTP request to its visible effect, and statements per second."""

from __future__ import annotations

import random
import statistics
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bus import listening, taken_from
from connector import Caller, Connection, eventually
from coursebridge.clock import rfc3339
from xapi_builders import PROGRESS, PROGRESSED, statement

if TYPE_CHECKING:
    from figures import Figures

    from running_stack import RunningStack

SAMPLES = 60
SECONDS = 5.0
LOOK_EVERY = 0.02
WARMING = {1: 10, 100: 2}
"""Warm-up requests of each sender, by batch size: a worker is started only when all others are busy."""


@pytest.fixture(scope="module")
def connection(stack: RunningStack) -> Connection:
    connection = Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))
    connection.connect()
    assert connection.sync()["status"] == "succeeded"
    return connection


@pytest.fixture(scope="module")
def urns(connection: Connection) -> list[str]:
    return [course["urn"] for course in connection.courses(status="active")]


def told(email: str, urn: str, progress: int | None = None) -> dict[str, Any]:
    """Return a progress statement, or a completion if there is no progress, dated one second ahead."""
    about = {"objectType": "Activity", "id": urn}
    common = {"actor": {"objectType": "Agent", "mbox": f"mailto:{email}"}, "object": about}
    at = rfc3339(datetime.now(UTC) + timedelta(seconds=1))
    if progress is None:
        return statement(timestamp=at, **common)
    result = {"extensions": {PROGRESS: str(progress)}}
    return statement(timestamp=at, verb={"id": PROGRESSED}, result=result, **common)


def add_times(figures: Figures, name: str, seconds: list[float], target: str = "") -> None:
    figures.add(f"{name}: median", statistics.median(seconds) * 1000, "ms", target)
    figures.add(f"{name}: p99", statistics.quantiles(seconds, n=100)[98] * 1000, "ms")


def test_from_200_to_the_attempt(figures: Figures, connection: Connection, urns: list[str]) -> None:
    email = "visible@example.com"
    connection.post(told(email, urns[0], 1))
    learner = eventually(lambda: connection.learner(email=email), bool)
    assert learner
    path = f"/learning/{connection.id}/learners/{learner['id']}/attempts"
    waits = []
    for urn in urns[1 : SAMPLES + 1]:
        connection.post(told(email, urn, 10))
        acknowledged = time.perf_counter()
        while not any(one["course_urn"] == urn for one in connection.lms.every(path, limit=1000)):
            time.sleep(LOOK_EVERY)
        waits.append(time.perf_counter() - acknowledged)

    add_times(figures, "from 200 to the attempt showing it", waits, "at most 1,000 at the median")


def test_from_200_to_the_event(figures: Figures, stack: RunningStack, connection: Connection, urns: list[str]) -> None:
    acknowledged: dict[str, float] = {}
    arrived: dict[str, float] = {}
    with listening(stack, connection.id, "AttemptStarted") as queue:
        for urn in urns[1 : SAMPLES + 1]:
            connection.post(told("event@example.com", urn, 10))
            acknowledged[urn] = time.perf_counter()
            while urn not in arrived:
                for event in taken_from(stack, queue):
                    arrived[event["detail"]["data"]["attempt"]["course_urn"]] = time.perf_counter()
                time.sleep(LOOK_EVERY)

    add_times(figures, "from 200 to the event on the bus", [arrived[urn] - acknowledged[urn] for urn in acknowledged])


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("senders", [1, 8, 32])
def test_statements_a_second(
    figures: Figures, stack: RunningStack, connection: Connection, urns: list[str], senders: int, batch: int
) -> None:
    headers = {"Authorization": f"Bearer {connection.linkedin.token()}"}
    warm = threading.Barrier(senders)

    def send(number: int) -> tuple[int, float]:
        """Send for a while once all senders are warm; return the number of statements acknowledged, and the seconds."""
        with httpx.Client(base_url=stack.outputs.api_url, timeout=60, trust_env=False, headers=headers) as http:

            def post() -> None:
                email = f"load-{number}-{uuid.uuid4().hex[:2]}@example.com"
                body = [told(email, urn, 10) for urn in random.sample(urns, batch)]
                answer = http.post("/xapi/statements", json=body if batch > 1 else body[0])
                assert answer.status_code == 200, answer.text

            try:
                for _ in range(WARMING[batch]):
                    post()
            except BaseException:
                # Otherwise, the other senders would wait for this one for ever.
                warm.abort()
                raise
            warm.wait()
            sent, started = 0, time.perf_counter()
            while (seconds := time.perf_counter() - started) < SECONDS:
                post()
                sent += batch
        return sent, seconds

    with ThreadPoolExecutor(senders) as pool:
        done = list(pool.map(send, range(senders)))
    total, seconds = sum(sent for sent, _ in done), max(seconds for _, seconds in done)

    what = "singles" if batch == 1 else f"batches of {batch}"
    figures.add(f"statements a second, {senders} senders, {what}", total / seconds, "1/s")
