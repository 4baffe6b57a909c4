"""Whichever call is killed, refused or raced, each statement ends applied, held or ignored, and counts only once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from coursebridge.apply.release import release
from coursebridge.errors import TooLarge
from coursebridge.records.evidence import Evidence
from coursebridge.records.identifiers import digest, normalised
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from coursebridge.storage.statement_outcomes import Verdict
from coursebridge.storage.table import Table
from people_lab import COURSE, DURATION, OTHER_COURSE, PSEUDONYM_KEY, Interrupted, Lab, completion, dies, progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Item

ADA = normalised("email", "ada@example.com")
STATEMENTS = [
    progress(1, 20),
    completion(5),
    completion(3),
    progress(4, 60, urn=OTHER_COURSE),
    completion(6, urn="urn:li:lyndaCourse:9"),
]


def essence(lab: Lab) -> Any:
    """Return what must come out the same in every try: people, attempts and outcomes, without generated ids."""
    learners = [learner.current("email") for learner in lab.learners()]
    ids = [learner.id for learner in lab.learners()]
    records = [lab.record(i, urn) for i in ids for urn in (COURSE, OTHER_COURSE)]
    attempts = [(a.status, a.progress, a.completed_at, a.started_at) for record in records for a in record.attempts]
    outcomes = [(*lab.outcome(one["id"]), lab.is_pending(one["id"])) for one in STATEMENTS]
    return learners, attempts, outcomes


def undisturbed(table: Table) -> Any:
    lab = Lab(table, id="undisturbed")
    lab.take(*STATEMENTS)
    return essence(lab)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(4))
def test_killed_at_any_call_the_next_try_ends_the_same(table: Table, number: int, when: str) -> None:
    expected = undisturbed(table)
    lab = Lab(table)
    lab.take(STATEMENTS[0], STATEMENTS[1])
    lab.send(*STATEMENTS[2:])
    items, calls = lab.received(), lab.calls()
    getattr(calls, when)[number] = dies

    with pytest.raises(Interrupted):
        lab.apply(items, calls.table)
    lab.apply(items)

    assert essence(lab) == expected


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(2))
def test_killed_while_somebody_is_added_nobody_is_added_twice(table: Table, number: int, when: str) -> None:
    lab = Lab(table)
    lab.send(*STATEMENTS)
    items, calls = lab.received(), lab.calls()
    getattr(calls, when)[number] = dies

    with pytest.raises(Interrupted):
        lab.apply(items, calls.table)
    lab.apply(items)

    assert essence(lab) == undisturbed(table)


def raises(code: str) -> Callable[[], None]:
    def fail() -> None:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "")

    return fail


def cancelled(code: str) -> Callable[[], None]:
    def fail() -> None:
        response: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": ""},
            "CancellationReasons": [{"Code": code}],
        }
        raise ClientError(response, "TransactWriteItems")

    return fail


@pytest.mark.parametrize("number", range(3))
def test_throttled_at_any_call_it_is_left_for_another_try(lab: Lab, number: int) -> None:
    lab.learner(email="ada@example.com")
    [statement_id] = lab.send(completion(1))
    items, calls = lab.received(), lab.calls()
    calls.before[number] = raises("ThrottlingException")

    outcomes, failed = lab.applier(calls.table).apply(items)

    assert (outcomes, [item["statement_id"] for item in failed]) == ({}, [statement_id])
    assert lab.apply(failed) == {"applied": 1}


def test_a_throttled_transaction_is_left_for_another_try_and_the_others_go_on(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.learner(email="bob@example.com")
    lab.send(completion(1), completion(1, "bob@example.com"))
    calls = lab.calls()
    calls.before[2] = cancelled("ThrottlingError")

    outcomes, failed = lab.applier(calls.table).apply(lab.received())

    assert (outcomes, len(failed)) == ({Verdict("applied"): 1}, 1)


def test_a_conflict_is_tried_again_at_once(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.send(completion(1))
    calls = lab.calls()
    calls.before[2] = cancelled("TransactionConflict")

    assert lab.apply(table=calls.table) == {"applied": 1}


def test_what_does_not_fit_into_a_record_is_held_and_everything_else_is_applied(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Table.transact

    def transact(self: Table, actions: Any) -> None:
        if any(action.get("Put", {}).get("Item", {}).get("SK") == {"S": f"RECORD#{COURSE}"} for action in actions):
            raise TooLarge("this is more than one item of the table can hold")
        original(self, actions)

    monkeypatch.setattr(Table, "transact", transact)
    lab.learner(email="ada@example.com")
    ids = lab.send(completion(1), progress(2, 20, urn=OTHER_COURSE), progress(3, 30, urn=OTHER_COURSE))

    assert lab.apply() == {"held:record_full": 1, "applied": 2}

    assert lab.outcome(ids[0]) == ("held", "record_full")
    assert lab.is_pending(ids[0])
    monkeypatch.undo()
    release(lab.table, lab.id, [ids[0]], lab.now)
    assert lab.apply() == {"applied": 1}


def test_other_writers_without_end_leave_it_for_another_try(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.send(completion(1))
    calls = lab.calls()
    calls.around = lambda name: cancelled("TransactionConflict")() if name.startswith("transact") else None

    _, failed = lab.applier(calls.table).apply(lab.received())

    assert len(failed) == 1


RACES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "one record": ([progress(1, 20)], [completion(5)]),
    "one new learner": ([progress(1, 20)], [progress(2, 70, urn=OTHER_COURSE)]),
    "one statement": ([completion(5)], [completion(5)]),
    "completions in disorder": ([completion(5)], [completion(1)]),
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", RACES)
@pytest.mark.parametrize("call", range(3))
def test_another_applier_in_between_changes_nothing_about_the_end(lab: Lab, name: str, call: int, known: bool) -> None:
    mine, theirs = RACES[name]
    if known:
        lab.learner(email="ada@example.com")
    if name == "one statement":
        theirs = mine
    lab.send(*mine)
    items = lab.received()
    lab.send(*theirs)
    others = lab.received()
    calls = lab.calls()
    calls.before[call] = lambda: lab.apply([item for item in others if item not in items] or items)

    lab.apply(items, calls.table)
    lab.apply()

    [ada] = lab.learners()
    parts = [lab.record(ada.id, urn).parts.get(ada.id, Evidence()) for urn in (COURSE, OTHER_COURSE)]
    told = {one["id"] for one in (*mine, *theirs) if one["verb"]["id"].endswith("completed")}
    assert set(parts[0].completions) == told
    assert sum(len(part.points) for part in parts) == sum(
        one["verb"]["id"].endswith("progressed") for one in (*mine, *theirs)
    )
    assert all(lab.outcome(one["id"])[0] in ("applied", "ignored") for one in (*mine, *theirs))
    assert [lab.outcome(i)[0] for i in sorted(told, key=lambda i: lab.statement(i)["timestamp"])][:1] in (
        [],
        ["applied"],
    )


def test_two_appliers_at_once_add_one_learner_and_lose_nothing(lab: Lab) -> None:
    """Both appliers have read everything before either writes."""
    lab.send(progress(1, 20), completion(5))
    first, second = lab.received()
    barrier, left = threading.Barrier(2), threading.local()
    results: list[Any] = []
    calls = lab.calls()

    def wait_once(name: str) -> None:
        if name.startswith("transact") and not getattr(left, "waited", False):
            left.waited = True
            barrier.wait(10)

    calls.around = wait_once

    def work(item: Item) -> None:
        results.append(lab.applier(calls.table).apply([item]))

    threads = [threading.Thread(target=work, args=(item,)) for item in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [failed for _, failed in results] == [[], []]
    [ada] = lab.learners()
    [attempt] = lab.record(ada.id).attempts
    assert (attempt.status, attempt.started_at, attempt.completed_at) == ("completed", lab.at(1), lab.at(5))


def test_a_statement_that_was_taken_away_meanwhile_is_forgotten(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    [statement_id] = lab.send(completion(1))
    items = lab.received()
    lab.table.delete(keys.statement(lab.id, statement_id))

    assert lab.apply(items) == {}


def test_what_was_settled_is_not_settled_again_by_what_the_stream_tells_twice(lab: Lab) -> None:
    [statement_id] = lab.send(completion(1))
    items = lab.received()
    assert lab.apply(items) == {"applied": 1}

    lab.configure(learner_identification="username")

    assert lab.apply(items) == {}
    assert lab.outcome(statement_id) == ("applied", None)


def test_a_learner_who_comes_while_the_statement_is_being_held_is_seen(lab: Lab) -> None:
    lab.configure(learner_matching="directory")
    [statement_id] = lab.send(completion(1))
    items, calls = lab.received(), lab.calls()
    calls.after[0] = lambda: lab.learner(email="ada@example.com")

    assert lab.apply(items, calls.table) == {"applied": 1}
    assert lab.outcome(statement_id) == ("applied", None)


def test_whoever_is_erased_between_two_reads_is_not_added_again(lab: Lab) -> None:
    lab.send(completion(1))
    items, calls = lab.received(), lab.calls()
    calls.after[0] = lambda: lab.table.put(keys.tombstone(lab.id, digest(ADA, PSEUDONYM_KEY)).item())

    assert lab.apply(items, calls.table) == {"ignored:erased": 1}
    assert lab.learners() == []


def test_a_course_that_comes_while_its_statement_is_being_held_is_seen(lab: Lab) -> None:
    lab.send(completion(1, urn="urn:li:lyndaCourse:9"))
    items, calls = lab.received(), lab.calls()
    calls.after[0] = lambda: lab.course("urn:li:lyndaCourse:9")

    assert lab.apply(items, calls.table) == {"applied": 1}


def test_an_activation_while_the_statement_is_being_held_is_seen(lab: Lab) -> None:
    learner = lab.learner(email="ada@example.com", status="inactive")
    lab.send(completion(1))
    items, calls = lab.received(), lab.calls()
    active = {**learner.to_item(), "status": "active", "version": 2}
    calls.before[2] = lambda: lab.table.put(active)

    assert lab.apply(items, calls.table) == {"applied": 1}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([completion(1)], 3),
        ([progress(minute, minute) for minute in range(40)], 3),
        ([completion(1), progress(2, urn=OTHER_COURSE), progress(3, urn="urn:li:lyndaCourse:9")], 3),
    ],
)
def test_a_batch_of_one_learner_costs_three_calls(lab: Lab, statements: list[dict[str, Any]], expected: int) -> None:
    lab.learner(email="ada@example.com")
    lab.send(*statements)
    items, calls = lab.received(), lab.calls()

    lab.apply(items, calls.table)

    assert len(calls.made) == expected


def test_a_new_learner_costs_two_calls(lab: Lab) -> None:
    lab.send(completion(1))
    items, calls = lab.received(), lab.calls()

    lab.apply(items, calls.table)

    assert calls.made == ["batch_get_item", "transact_write_items"]


def test_many_statements_of_one_person_are_several_transactions_and_no_more_reads(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    lab.send(*(progress(minute, minute % 100) for minute in range(100)))
    items, calls = lab.received(), lab.calls()

    assert lab.apply(items, calls.table) == {"applied": 100}
    assert calls.made.count("batch_get_item") == 2
    assert lab.record(ada.id).attempts[0].progress == 99


def test_what_does_not_fit_into_a_transaction_is_halved(lab: Lab) -> None:
    """Thirty launches, each with a completion: an earlier completion changes the attempt that each counts for."""
    ada = lab.learner(email="ada@example.com")
    store = RecordStore(lab.table, lab.id)
    for number in range(1, 31):
        launch = Evidence(launches=frozenset({lab.at(number * 10)}))
        store.add(ada.id, COURSE, ada.id, launch, DURATION, lab.at(number * 10))
    later = [completion(number * 10 + 5) for number in range(1, 31)]
    lab.take(*later)

    earlier = completion(1)
    others = [progress(minute, 10, urn=f"urn:li:lyndaCourse:9{minute}") for minute in range(2, 45)]
    outcomes = lab.take(earlier, *others)

    assert outcomes == {"applied": 1, "held:course_unknown": 43}
    attempts = lab.record(ada.id).attempts
    assert len(attempts) == 31
    assert [lab.statement(one["id"])["attempt_id"] for one in (earlier, *later)] == [a.id for a in attempts]
