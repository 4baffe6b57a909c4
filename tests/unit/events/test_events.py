"""From changes in the table to events on the bus."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import cfn
from coursebridge.events.changes import Event, events_of
from coursebridge.events.publisher import MOST_ENTRIES, Publisher, Sendable, calls
from coursebridge.records.evidence import Completion, Evidence, Point
from coursebridge.storage.records import Record
from learning_lab import ACME, AT, EXCEL, stored

if TYPE_CHECKING:
    from coursebridge.storage.table import Item

SCHEMAS = Path(cfn.ROOT) / "events" / "schemas"
LATER = "2026-03-02T10:00:00.000Z"


def course(**fields: Any) -> Item:
    return replace(stored(), **fields).item()


def record(*parts: Evidence) -> Item:
    """Return the item of a record after these pieces of evidence, in this order."""
    made = Record(ACME, "ann", EXCEL)
    for part in parts:
        made = made.with_evidence("ann", part, 3600)
    return made.to_item(AT)


LAUNCHED = Evidence(launches=frozenset({AT}))
HALF = Evidence(points={"2026-03-01T11:00:00.000Z": Point(50)})
DONE = Evidence(completions={"s2": Completion(LATER)})
DONE_EARLIER = Evidence(completions={"s1": Completion("2026-03-01T12:00:00.000Z")})


def statement(outcome: str, reason: str | None = None) -> Item:
    return {
        "PK": f"STATEMENT#{ACME}#s1", "SK": "STATEMENT", "integration_id": ACME, "statement_id": "s1", "stored_at": AT,
        "timestamp": AT, "verb": "http://adlnet.gov/expapi/verbs/completed", "object_id": EXCEL, "outcome": outcome,
        "reason": reason, "judged_at": LATER, "actor": {"type": "email", "value": "ann@example.com"},
    }  # fmt: skip


def run(status: str, **fields: Any) -> Item:
    return {
        "PK": f"RUN#{ACME}", "SK": "RUN#r1", "entity": "run", "integration_id": ACME, "id": "r1", "kind": "catalog",
        "mode": "full", "trigger": "admin", "status": status, "started_at": AT, "finished_at": LATER,
        "counts": {"read": 1}, "progress": {"done": 1, "total": 1}, "errors": [{"code": "x", "count": 1}],
        "clean": status == "succeeded",
        **fields,
    }  # fmt: skip


def reengagement(at: str) -> Item:
    return {
        "PK": f"LEARNER#{ACME}#ann", "SK": f"REENGAGED#{EXCEL}", "entity": "reengagement", "integration_id": ACME,
        "learner_id": "ann", "course_urn": EXCEL, "completed_at": at, "run_id": "r1", "noted_at": LATER,
    }  # fmt: skip


CHANGES: list[tuple[Item | None, Item, list[str]]] = [
    (None, course(), ["CourseCreated"]),
    (None, course(status="archived", archived_reason="retired"), []),
    (course(), course(), []),
    (course(), course(run_id="r2", synced_at=LATER), []),
    (course(), course(hash="h2"), ["CourseUpdated"]),
    (course(), course(labels=replace(stored().labels, group="others")), ["CourseUpdated"]),
    (course(), course(status="archived", archived_reason="retired", hash="h2"), ["CourseArchived"]),
    (course(status="archived", archived_reason="retired"), course(), ["CourseRestored"]),
    (None, record(LAUNCHED), ["AttemptStarted"]),
    (record(LAUNCHED), record(LAUNCHED, HALF), ["AttemptProgressed"]),
    (record(LAUNCHED, HALF), record(LAUNCHED, HALF, HALF), []),
    (record(LAUNCHED, HALF), record(LAUNCHED, HALF, DONE), ["AttemptCompleted"]),
    (None, record(DONE), ["AttemptStarted", "AttemptCompleted"]),
    (record(DONE), record(DONE, DONE_EARLIER), ["AttemptCompleted"]),
    (record(DONE_EARLIER), record(DONE_EARLIER, DONE), []),
    (statement("received"), statement("held", "learner_unknown"), ["StatementHeld"]),
    (statement("held", "learner_unknown"), statement("held", "learner_unknown"), []),
    (statement("held", "learner_unknown"), statement("held", "course_unknown"), ["StatementHeld"]),
    (statement("received"), statement("applied"), []),
    (run("running"), run("succeeded"), ["SyncFinished"]),
    (run("running"), run("needs_confirmation", finished_at=None), ["SyncFinished"]),
    (run("running"), run("failed", errors=None), ["SyncFailed"]),
    (run("succeeded"), run("succeeded"), []),
    (None, run("running"), []),
    (None, reengagement(AT), ["CourseReengaged"]),
    (reengagement(AT), reengagement(AT), []),
    (None, {"PK": "PATH#acme", "SK": "p", "entity": "path"}, []),
    (None, {"PK": "X", "SK": "x"}, []),
]


@pytest.mark.parametrize(("old", "new", "types"), CHANGES)
def test_a_change_tells_what_happened(old: Item | None, new: Item, types: list[str]) -> None:
    assert [event.type for event in events_of(old, new)] == types


@pytest.mark.parametrize(("old", "new", "types"), CHANGES)
def test_an_event_keeps_to_its_schema(old: Item | None, new: Item, types: list[str]) -> None:
    for event in events_of(old, new):
        schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
        Draft202012Validator(schema).validate(event.detail)


@pytest.mark.parametrize(("old", "new", "types"), CHANGES)
def test_an_event_names_nobody(old: Item | None, new: Item, types: list[str]) -> None:
    assert "ann@example.com" not in json.dumps([event.detail for event in events_of(old, new)])


def test_every_type_has_a_schema_and_happens() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == {type_ for _, _, types in CHANGES for type_ in types}


def test_the_same_change_seen_twice_is_the_same_event() -> None:
    ids = [[event.id for event in events_of(old, new)] for old, new, _ in CHANGES]

    assert ids == [[event.id for event in events_of(old, new)] for old, new, _ in CHANGES]


def test_the_same_kind_of_change_at_another_time_is_another_event() -> None:
    archived = {"status": "archived", "archived_reason": "retired"}
    one = events_of(course(), course(**archived))[0]
    other = events_of(course(), course(**archived, synced_at=LATER))[0]

    assert one.id != other.id


def event(subject: str, number: int) -> Sendable:
    made = Event(f"{subject}-{number}", "CourseUpdated", ACME, subject, AT, {})
    return Sendable(str(number), made)


@given(st.lists(st.sampled_from("abcdefghijklmnop"), max_size=60))
def test_a_call_never_holds_two_events_of_one_subject(subjects: list[str]) -> None:
    sendables = [event(subject, number) for number, subject in enumerate(subjects)]

    made = list(calls(sendables))

    assert [one for call in made for one in call] == sendables
    assert all(len(call) <= MOST_ENTRIES for call in made)
    assert all(len({one.event.subject for one in call}) == len(call) for call in made)


class Bus:
    """A bus that answers some entries with an error."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        self.taken: list[str] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  (boto3's spelling)
        answers = []
        for entry in Entries:
            number = json.loads(entry["Detail"])["id"]
            error = self.errors.get(number)
            self.taken += [] if error else [number]
            answers.append({"ErrorCode": error} if error else {"EventId": number})
        return {"Entries": answers}


def test_after_an_entry_that_failed_for_now_no_later_call_is_made() -> None:
    bus = Bus({"a-2": "ThrottlingException"})
    sent = Publisher(bus, "bus", lambda _: []).publish([event("a", 1), event("a", 2), event("b", 3), event("a", 4)])  # type: ignore[arg-type]

    assert (sent.sent, sent.failed_at, sent.refused) == (2, "2", ())
    assert bus.taken == ["a-1", "b-3"]


def test_an_entry_the_bus_never_takes_holds_up_nothing() -> None:
    bus = Bus({"a-1": "MalformedDetail"})
    sent = Publisher(bus, "bus", lambda _: []).publish([event("a", 1), event("a", 2)])  # type: ignore[arg-type]

    assert (sent.sent, sent.failed_at) == (1, None)
    assert [(one.event.id, code) for one, code in sent.refused] == [("a-1", "MalformedDetail")]
