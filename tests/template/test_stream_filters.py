"""Each reader of the table's stream is invoked for the changes that concern it, and for no others."""

from __future__ import annotations

import json
from typing import Any

import pytest

import cfn
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import to_wire

ACME, ANN, URN, AT = "acme", "ann", "urn:li:lyndaCourse:1", "2026-01-01T00:00:00.000Z"
READERS = ("ApplyFunction", "EventsFunction")


def filters(function: str) -> list[Any]:
    (stream,) = (
        event["Properties"]
        for event in cfn.resources("AWS::Serverless::Function")[function]["Events"].values()
        if event["Type"] == "DynamoDB"
    )
    return [json.loads(one["Pattern"]) for one in stream["FilterCriteria"]["Filters"]]


def fits(pattern: Any, value: Any) -> bool:
    """Tell whether a value fits a pattern, of the kinds used here: objects, lists of values, prefixes."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(fits(inner, value.get(name)) for name, inner in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(one["prefix"]) if isinstance(one, dict) else one == value
        for one in pattern
    )


def woken(event_name: str, key: keys.Key, **attributes: Any) -> set[str]:
    """Return the readers that a change invokes."""
    change = {"Keys": to_wire(key.item()), "NewImage": to_wire({**key.item(), **attributes})}
    record = {"eventName": event_name, "dynamodb": change}
    return {reader for reader in READERS if any(fits(pattern, record) for pattern in filters(reader))}


STATEMENT = keys.statement(ACME, "s1")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("INSERT", STATEMENT, {"outcome": "received"}), {"ApplyFunction"}),
        (("MODIFY", STATEMENT, {"outcome": "received"}), {"ApplyFunction"}),
        (("MODIFY", STATEMENT, {"outcome": "held"}), {"EventsFunction"}),
        (("MODIFY", STATEMENT, {"outcome": "applied"}), set()),
        (("MODIFY", STATEMENT, {"outcome": "ignored"}), set()),
        (("INSERT", keys.voiding(ACME, "s1"), {}), set()),
        (("INSERT", keys.course(ACME, URN), {}), set(READERS)),
        (("MODIFY", keys.course(ACME, URN), {}), {"EventsFunction"}),
        (("MODIFY", keys.course_detail(ACME, URN), {}), set()),
        (("INSERT", keys.course_overlay(ACME, URN), {}), set()),
        (("INSERT", keys.classification(ACME, URN), {}), set()),
        (("INSERT", keys.identity(ACME, "email", "ann@example.com"), {}), {"ApplyFunction"}),
        (("MODIFY", keys.identity(ACME, "email", "ann@example.com"), {}), {"ApplyFunction"}),
        (("INSERT", keys.tombstone(ACME, "digest"), {}), set()),
        (("INSERT", keys.unplaced_people(ACME), {}), set()),
        (("INSERT", keys.unknown_courses(ACME), {}), set()),
        (("INSERT", keys.learner(ACME, ANN), {"status": "active"}), set()),
        (("MODIFY", keys.learner(ACME, ANN), {"status": "inactive"}), set()),
        (("INSERT", keys.record(ACME, ANN, URN), {}), {"EventsFunction"}),
        (("MODIFY", keys.record(ACME, ANN, URN), {}), {"EventsFunction"}),
        (("INSERT", keys.reengagement(ACME, ANN, URN), {}), {"EventsFunction"}),
        (("INSERT", keys.aicc_data(ACME, ANN, URN), {}), set()),
        (("INSERT", keys.path_override(ACME, ANN, "p1"), {}), set()),
        (("INSERT", keys.run(ACME, "r1"), {"status": "running"}), set()),
        (("MODIFY", keys.run(ACME, "r1"), {"status": "running"}), set()),
        (("MODIFY", keys.run(ACME, "r1"), {"status": "succeeded"}), {"EventsFunction"}),
        (("MODIFY", keys.run(ACME, "r1"), {"status": "failed"}), {"EventsFunction"}),
        (("MODIFY", keys.run(ACME, "r1"), {"status": "needs_confirmation"}), {"EventsFunction"}),
        (("INSERT", keys.run_lock(ACME, "catalog"), {}), set()),
        (("MODIFY", keys.run_range(ACME, "r1", 1), {"status": "failed"}), set()),
        (("INSERT", keys.integration(ACME), {"status": "active"}), set()),
        (("MODIFY", keys.integration(ACME), {"status": "active"}), {"ApplyFunction"}),
        (("MODIFY", keys.sync_state(ACME, "catalog"), {"last_status": "failed"}), set()),
        (("MODIFY", keys.client("c1"), {}), set()),
        (("INSERT", keys.audit(AT, "a1"), {}), set()),
        (("INSERT", keys.launch_session("digest"), {}), set()),
        (("INSERT", keys.library_entry(ACME, "sales", URN), {}), set()),
        (("INSERT", keys.path(ACME, "p1"), {}), set()),
        (("INSERT", keys.webhook_target(ACME, "t1"), {}), set()),
        (("MODIFY", keys.webhook_delivery(ACME, "d1"), {"status": "failed"}), set()),
        (("MODIFY", keys.export(ACME, "e1"), {"status": "failed"}), set()),
        *((("REMOVE", key, {"outcome": "received"}), set()) for key in (STATEMENT, keys.record(ACME, ANN, URN))),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_a_change_wakes_whom_it_concerns(change: tuple[str, keys.Key, dict[str, Any]], expected: set[str]) -> None:
    event_name, key, attributes = change

    assert woken(event_name, key, **attributes) == expected


def test_there_are_exactly_two_readers() -> None:
    functions = cfn.resources("AWS::Serverless::Function")
    readers = {
        name
        for name, properties in functions.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    }

    assert readers == set(READERS)
    assert all(len(filters(reader)) <= 5 for reader in READERS), "Lambda takes five filters"
