"""The functions that the stream and the schedule invoke: what they take, and what they return."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import apply_handler
import sweep_handler
from coursebridge.activity import quiet
from coursebridge.apply import batch
from coursebridge.clock import utc_now
from coursebridge.errors import Unavailable
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import to_wire
from people_lab import PSEUDONYM_KEY, Lab, completion
from unit.conftest import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Item, Table


@pytest.fixture
def lab(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    secret = boto3.client("secretsmanager").create_secret(
        Name="pseudonym", SecretString=json.dumps({"key": PSEUDONYM_KEY})
    )
    monkeypatch.setenv("PSEUDONYM_SECRET_ARN", secret["ARN"])
    apply_handler.applier.cache_clear()
    yield Lab(deployed)
    apply_handler.applier.cache_clear()


def record(number: int, item: Item, before: Item | None = None) -> dict[str, Any]:
    images = {"NewImage": to_wire(item)} | ({"OldImage": to_wire(before)} if before else {})
    return {"eventName": "MODIFY" if before else "INSERT", "dynamodb": {"SequenceNumber": str(number), **images}}


def handle(*records: dict[str, Any]) -> list[str]:
    answer = apply_handler.lambda_handler({"Records": list(records)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def received(lab: Lab) -> list[dict[str, Any]]:
    return [record(number, item) for number, item in enumerate(lab.received())]


def test_statements_of_the_stream_are_applied(lab: Lab) -> None:
    [statement_id] = lab.send(completion(1))

    assert handle(*received(lab)) == []
    assert lab.outcome(statement_id) == ("applied", None)


def test_what_could_not_be_dealt_with_is_named_by_its_first_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.send(completion(1), completion(2, "bob@example.com"))
    first, second = lab.received()
    monkeypatch.setattr(apply_handler.applier(), "apply", lambda _items: ({}, [second]))

    assert handle(record(1, first), record(2, second), record(3, first), record(4, second)) == ["2"]


def test_a_table_that_stays_busy_fails_the_whole_batch(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_args: Any) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(batch, "release_for_courses", busy)
    lab.course("urn:li:lyndaCourse:9")
    item = lab.table.get(keys.course(lab.id, "urn:li:lyndaCourse:9"))
    assert item

    with pytest.raises(Unavailable):
        handle(record(1, item))


def test_a_new_identity_sends_round_what_waited_for_it(lab: Lab) -> None:
    lab.configure(learner_matching="directory")
    lab.take(completion(1))
    lab.learner(email="ada@example.com")

    handle(record(1, lab.identity("email", "ada@example.com").to_item()))

    assert lab.apply() == {"applied": 1}


def test_a_new_course_sends_round_what_waited_for_it(lab: Lab) -> None:
    lab.take(completion(1, urn="urn:li:lyndaCourse:9"))
    lab.course("urn:li:lyndaCourse:9")
    item = lab.table.get(keys.course(lab.id, "urn:li:lyndaCourse:9"))
    assert item

    handle(record(1, item))

    assert lab.apply() == {"applied": 1}


@pytest.mark.parametrize(("setting", "released"), [({"learner_matching": "open"}, 1), ({"name": "Other"}, 0)])
def test_settings_send_round_only_when_they_match_people(lab: Lab, setting: dict[str, str], released: int) -> None:
    lab.configure(learner_matching="directory")
    lab.take(completion(1))
    before = lab.table.get(keys.integration(lab.id))
    lab.configure(**setting)
    after = lab.table.get(keys.integration(lab.id))
    assert before
    assert after

    handle(record(1, after, before))

    assert len(lab.received()) == released


def test_the_sweep_tells_what_it_sent_round(lab: Lab) -> None:
    lab.send(completion(1))
    Lab(lab.table, id="idle")

    swept = sweep_handler.lambda_handler({}, Context())

    assert swept["unjudged"] == 1
    assert lab.apply() == {"applied": 1}


def test_the_sweep_reports_what_nobody_has_applied(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """If `apply` is not called at all, no metric of Lambda's says so."""
    lab.configure(learner_matching="directory")
    lab.take(completion(1))
    lab.learner(email="ada@example.com")
    lab.send(completion(2))
    counted: dict[str, int] = {}
    monkeypatch.setattr(sweep_handler, "count", lambda name, value=1: counted.update({name: value}))

    swept = sweep_handler.lambda_handler({}, Context())

    assert swept["waited_for_learner"] == swept["unjudged"] == 1
    assert (counted["StatementsUnapplied"], counted["StatementsSwept"]) == (1, 2)


def test_nothing_to_sweep_is_fine(lab: Lab) -> None:
    assert sum(sweep_handler.lambda_handler({}, Context()).values()) == 0


def test_a_sweep_reads_each_thing_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tools/cost.py` counts these calls."""
    calls = lab.calls()
    monkeypatch.setattr(sweep_handler, "table", lambda: calls.table)

    sweep_handler.lambda_handler({}, Context())

    listing, pending, newest, overdue = 1, 5, 1, 2
    assert Counter(calls.made) == {"query": listing + pending + newest + overdue, "get_item": 1, "batch_get_item": 1}


@pytest.mark.parametrize(("status", "reported"), [("active", [2]), ("inactive", [])])
def test_the_sweep_reports_what_waits_for_an_admin(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, status: str, reported: list[int]
) -> None:
    lab.configure(learner_matching="directory", status=status)
    lab.take(completion(1), completion(2))
    counted: dict[str, list[int]] = {}
    monkeypatch.setattr(sweep_handler, "count", lambda name, value=1: counted.setdefault(name, []).append(value))

    sweep_handler.lambda_handler({}, Context())

    assert [value for value in counted["StatementsOverdue"] if value] == reported


def test_an_integration_that_cannot_be_swept_stops_nobody_else(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.send(completion(1))
    busy = Lab(lab.table, id="busy")
    real = quiet.listen

    def listen(table: Table, integration_id: str, *times: Any) -> Any:
        if integration_id == "busy":
            raise Unavailable("busy")
        return real(table, integration_id, *times)

    monkeypatch.setattr(sweep_handler, "integrations", lambda _table: [busy.item(), lab.item()])
    monkeypatch.setattr(sweep_handler, "listen", listen)

    assert sweep_handler.lambda_handler({}, Context())["unjudged"] == 1


def test_an_integration_whose_settings_cannot_be_read_stops_nobody_else(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.send(completion(1))
    odd = Lab(lab.table, id="odd", settings={"status": "lost"})
    monkeypatch.setattr(sweep_handler, "integrations", lambda _table: [odd.item(), lab.item()])

    assert sweep_handler.lambda_handler({}, Context())["unjudged"] == 1


@dataclass
class Clock:
    """An invocation whose remaining time a test sets."""

    left: int

    def get_remaining_time_in_millis(self) -> int:
        return self.left


def test_the_time_of_a_sweep_is_shared_by_those_that_are_left() -> None:
    clock = Clock(60_000 + 90_000)
    context: Any = clock

    time_is_up = sweep_handler._share_of_time(context, 3)

    clock.left -= 30_000
    assert not time_is_up()
    clock.left -= 1
    assert time_is_up()


def test_what_the_stream_is_late_with_is_not_sent_round(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.now = utc_now() - timedelta(minutes=14)
    lab.send(completion(1))

    assert sweep_handler.lambda_handler({}, Context())["unjudged"] == 0
    lab.now -= timedelta(minutes=2)
    lab.send(completion(2))
    assert sweep_handler.lambda_handler({}, Context())["unjudged"] == 1
