"""The cost of a statement in calls to AWS, units and processor time: received by one function, applied by another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from meter import Meter

import apply_handler
import people_lab
import statements_handler
from coursebridge.auth import wiring
from coursebridge.auth.clients import Client
from coursebridge.auth.tokens import Grant
from coursebridge.storage.attribute_values import to_wire
from unit.conftest import TABLE_NAME, Context, deployed, table
from xapi_builders import PROGRESS, PROGRESSED, request, statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from figures import Figures

    from coursebridge.storage.table import Table

__all__ = ["deployed", "table"]

ROUNDS = 30
FEWER = 4
TOLD_A_COURSE = 10
CREATED = "2021-01-01T00:00:00.000Z"


class Bench:
    """An integration with a learner and courses, and both functions warm."""

    def __init__(self, made: Table) -> None:
        self.lab = people_lab.Lab(made)
        self.lab.learner(email=statement()["actor"]["mbox"].removeprefix("mailto:"))
        self._number = 0
        client, _ = Client("sender", "bench", ("xapi:write",), self.lab.id, CREATED).with_new_secret(CREATED)
        made.put(client.to_item())
        self.token = wiring.tokens().mint(Grant("sender", 1, self.lab.id, frozenset({"xapi:write"})))
        self.meter = Meter(TABLE_NAME)
        self.take(self.statements(1))
        self.apply()

    def statements(self, number: int) -> list[dict[str, Any]]:
        """Return progress statements as LinkedIn sends them, ten for each course."""
        return [self._progress() for _ in range(number)]

    def renew(self, batch: list[dict[str, Any]], size: int) -> None:
        """Replace the statements in a batch with new ones."""
        batch[:] = self.statements(size)

    def _progress(self) -> dict[str, Any]:
        course, step = divmod(self._number, TOLD_A_COURSE)
        self._number += 1
        urn = f"urn:li:lyndaCourse:{1000 + course}"
        if step == 0:
            self.lab.course(urn)
        result = {"extensions": {PROGRESS: str(9 * step + 1)}}
        at = self.lab.at(self._number)
        return statement(
            timestamp=at, verb={"id": PROGRESSED}, object={"objectType": "Activity", "id": urn}, result=result
        )

    def take(self, batch: list[dict[str, Any]]) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        event = request("POST", "/xapi/statements", batch if len(batch) > 1 else batch[0], headers=headers)
        answer = statements_handler.lambda_handler(event, Context())  # type: ignore[arg-type]
        assert answer["statusCode"] == 200, answer["body"]

    def records(self) -> list[dict[str, Any]]:
        return [
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(number), "NewImage": to_wire(item)}}
            for number, item in enumerate(self.lab.received())
        ]

    def apply(self) -> None:
        self.handle(self.records())

    def handle(self, records: list[dict[str, Any]]) -> None:
        answer = apply_handler.lambda_handler({"Records": records}, Context())
        assert answer == {"batchItemFailures": []}


@pytest.fixture
def bench(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> Bench:
    value = json.dumps({"key": people_lab.PSEUDONYM_KEY})
    secret = boto3.client("secretsmanager").create_secret(Name="pseudonym", SecretString=value)
    monkeypatch.setenv("PSEUDONYM_SECRET_ARN", secret["ARN"])
    monkeypatch.setenv("APPLY_DEAD_LETTER_URL", "http://example.com/queue")
    apply_handler.applier.cache_clear()
    return Bench(deployed)


def average(
    bench: Bench, work: Callable[[], None], prepare: Callable[[], None] = lambda: None, rounds: int = ROUNDS
) -> tuple[Any, ...]:
    """Return the most calls, the mean read and write units, and the mean seconds of the fastest half of the rounds."""
    found = []
    for _ in range(rounds):
        prepare()
        with bench.meter.on() as measured:
            work()
        found.append(measured)
    calls = max(sum(one.calls.values()) for one in found)
    fastest_half = sorted(one.seconds for one in found)[: rounds // 2]
    return (
        calls,
        sum(one.read for one in found) / rounds,
        sum(one.written for one in found) / rounds,
        sum(fastest_half) / len(fastest_half),
    )


def test_one_statement_taken(figures: Figures, bench: Bench) -> None:
    batch: list[dict[str, Any]] = []
    calls, _, written, seconds = average(bench, lambda: bench.take(batch), lambda: bench.renew(batch, 1))

    figures.add("taking a statement: calls to AWS, of any kind", calls, "calls", "exactly 1")
    figures.add("taking a statement: write units", written, "units")
    figures.add("taking a statement: processor time", seconds * 1000, "ms")


def test_a_hundred_statements_taken(figures: Figures, bench: Bench) -> None:
    batch: list[dict[str, Any]] = []
    calls, _, written, seconds = average(bench, lambda: bench.take(batch), lambda: bench.renew(batch, 100), FEWER)

    figures.add("taking 100 statements at once: calls to AWS", calls, "calls")
    figures.add("taking 100 statements at once: write units a statement", written / 100, "units")
    figures.add("taking 100 statements at once: processor time a statement", seconds * 10, "ms")


@pytest.mark.parametrize("size", [1, 20])
def test_statements_of_one_learner_applied(figures: Figures, bench: Bench, size: int) -> None:
    records: list[dict[str, Any]] = []

    def prepare() -> None:
        bench.take(bench.statements(size))
        records[:] = bench.records()

    calls, read, written, seconds = average(
        bench, lambda: bench.handle(records), prepare, ROUNDS if size == 1 else FEWER
    )

    what = "a statement" if size == 1 else f"{size} statements of one learner"
    figures.add(f"applying {what}: calls to AWS", calls, "calls", "at most 3")
    figures.add(f"applying {what}: read units a statement", read / size, "units")
    figures.add(f"applying {what}: write units a statement", written / size, "units")
    figures.add(f"applying {what}: processor time a statement", seconds / size * 1000, "ms")
