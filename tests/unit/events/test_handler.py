"""The events function, called as Lambda calls it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import events_handler
from coursebridge import clients
from coursebridge.settings import settings
from coursebridge.storage import wiring
from coursebridge.storage.attribute_values import to_wire
from coursebridge.webhooks.targets import Target, TargetStore
from learning_lab import ACME, AT, EXCEL, stored
from unit.conftest import TABLE_NAME, Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coursebridge.storage.table import Table


QUEUE = "arn:aws:sqs:eu-west-1:123456789012:webhook-events"


def as_json(wire: Any) -> Any:
    """Return a typed item as a stream record holds it: in JSON, with binaries in base64."""
    if isinstance(wire, dict):
        return {
            name: base64.b64encode(value).decode() if isinstance(value, bytes) else as_json(value)
            for name, value in wire.items()
        }
    return [as_json(one) for one in wire] if isinstance(wire, list) else wire


def change(new: Mapping[str, Any], number: int = 1, old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    images = {"NewImage": new, **({"OldImage": old} if old else {})}
    return {
        "eventName": "MODIFY" if old else "INSERT",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/s",
        "dynamodb": {
            "Keys": to_wire({name: new[name] for name in ("PK", "SK")}),
            "SequenceNumber": str(number),
            **{name: as_json(to_wire(image)) for name, image in images.items()},
        },
    }


def handle(*records: dict[str, Any]) -> list[str]:
    """Handle records; return the sequence numbers of those to be retried."""
    answer = events_handler.lambda_handler({"Records": list(records)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


class Bus:
    """A bus in memory; events of the types in ``errors`` fail."""

    def __init__(self) -> None:
        self.details: list[Any] = []
        self.queued: list[str] = []
        self.errors: dict[str, str] = {}

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  (boto3's spelling)
        codes = [self.errors.get(entry["DetailType"]) for entry in Entries]
        self.queued += [entry["DetailType"] for entry in Entries if entry["Resources"] == [QUEUE]]
        self.details += [json.loads(one["Detail"]) for one, code in zip(Entries, codes, strict=True) if not code]
        return {"Entries": [{"ErrorCode": code} if code else {} for code in codes]}


@pytest.fixture
def bus(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    """The bus in memory of the deployed function, which also has a dead-letter queue."""
    made = Bus()
    monkeypatch.setattr(clients, "events", lambda: made)
    monkeypatch.setenv("TABLE_NAME", TABLE_NAME)
    monkeypatch.setenv("EVENT_BUS_NAME", "bus")
    monkeypatch.setenv("WEBHOOK_EVENTS_ARN", QUEUE)
    monkeypatch.setenv("EVENTS_DEAD_LETTER_URL", clients.sqs().create_queue(QueueName="dead")["QueueUrl"])
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "events")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Coursebridge")
    settings.cache_clear()
    wiring.table.cache_clear()
    yield made
    settings.cache_clear()
    wiring.table.cache_clear()


def letters() -> list[Any]:
    url = settings().events_dead_letter_url
    messages = clients.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_a_course_is_told_though_it_carries_binaries(bus: Bus) -> None:
    assert handle(change(stored().item())) == []

    assert [detail["data"]["course"]["urn"] for detail in bus.details] == [EXCEL]


def test_a_poisoned_record_is_set_aside_with_its_reason_and_holds_up_nothing(bus: Bus) -> None:
    poisoned = {**stored().item(), "SK": "urn:poisoned"}
    del poisoned["synced_at"]

    assert handle(change(poisoned, 1), change(stored().item(), 2)) == []

    assert len(bus.details) == 1
    assert letters() == [
        {
            "reason": "the item cannot be read: KeyError 'synced_at'",
            "keys": {"PK": poisoned["PK"], "SK": "urn:poisoned"},
            "sequence_number": "1",
            "stream": "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/s",
        }
    ]


def test_an_item_of_wrong_types_is_set_aside_without_showing_them(bus: Bus) -> None:
    odd = {"PK": f"LEARNER#{ACME}#ann", "SK": "RECORD#x", "entity": "record", "integration_id": ACME, "attempts": "ann"}

    assert handle(change(odd)) == []

    assert letters()[0]["reason"] == "the item cannot be read: TypeError"


def test_what_the_bus_refuses_for_good_is_set_aside(bus: Bus) -> None:
    bus.errors["CourseCreated"] = "MalformedDetail"

    assert handle(change(stored().item())) == []

    assert letters()[0]["reason"] == "the bus refused CourseCreated: MalformedDetail"


def test_what_the_bus_refuses_for_now_is_tried_again_from_there(bus: Bus) -> None:
    bus.errors["CourseCreated"] = "InternalFailure"
    held = {
        "PK": f"STATEMENT#{ACME}#s", "SK": "STATEMENT", "integration_id": ACME, "statement_id": "s", "stored_at": AT,
        "timestamp": AT, "verb": "v", "object_id": None, "outcome": "held", "reason": "x", "judged_at": AT,
    }  # fmt: skip

    assert handle(change(held, 1), change(stored().item(), 2)) == ["2"]


def test_only_what_an_endpoint_wants_goes_to_the_queue_of_webhooks(bus: Bus, table: Table) -> None:
    endpoints = TargetStore(table, ACME)
    course, other = stored().item(), {**stored().item(), "integration_id": "other"}

    handle(change(course))
    assert bus.queued == []

    wanting = Target(ACME, "one", "https://lms.example.com/hook", AT, event_types=("CourseCreated",))
    endpoints.add(replace(wanting, id="two", event_types=("CourseArchived",)))
    endpoints.add(replace(wanting, id="three", enabled=False))
    handle(change(course))
    assert bus.queued == []

    endpoints.add(wanting)
    handle(change(course, 1), change(other, 2))
    assert bus.queued == ["CourseCreated"]
    assert len(bus.details) == 4


def test_the_endpoints_of_an_integration_are_read_once_a_batch(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def endpoints(integration_id: str) -> list[Target]:
        read.append(integration_id)
        return []

    monkeypatch.setattr(events_handler, "endpoints", endpoints)

    handle(*(change({**stored().item(), "SK": f"urn:li:lyndaCourse:{number}"}, number) for number in range(30)))
    handle(change(stored().item()))

    assert read == [ACME, ACME]
    assert len(bus.details) == 31
