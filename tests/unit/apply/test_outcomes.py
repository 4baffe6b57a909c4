"""The outcome of a statement, case by case."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from coursebridge.clock import rfc3339
from coursebridge.observability import logger
from coursebridge.records.evidence import Completion, Evidence
from coursebridge.records.identifiers import digest, normalised
from coursebridge.statements.receiving import Receiver
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from people_lab import COURSE, DURATION, OTHER_COURSE, PSEUDONYM_KEY, Lab, account, completion, progress

ADA = normalised("email", "ada@example.com")
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str | None]]] = {
    "a completion": ({}, completion(1), ("applied", None)),
    "progress": ({}, progress(1), ("applied", None)),
    "progress without a figure": ({}, progress(1, None), ("applied", None)),
    "an address in capitals": ({}, completion(1, "ADA@Example.COM"), ("applied", None)),
    "an odd verb with progress": ({}, progress(1, 30, verb={"id": "x:viewed"}), ("applied", None)),
    "an odd verb with completion": ({}, completion(1, verb={"id": "x:passed"}), ("applied", None)),
    "an odd verb": ({}, completion(1, verb={"id": "x:liked"}, result=None), ("ignored", "verb_unknown")),
    "another object": ({}, completion(1, object={"objectType": "Agent", "mbox": "mailto:b@example.com"}),
                       ("ignored", "object_not_activity")),
    "another statement": ({}, completion(1, object={"objectType": "StatementRef", "id": COURSE}),
                          ("ignored", "object_not_activity")),
    "an endless object": ({}, completion(1, urn="urn:" + "x" * 1500), ("ignored", "object_too_long")),
    "before configuration": ({}, completion(-100_000), ("ignored", "before_configuration")),
    "progress before configuration": ({}, progress(-100_000), ("applied", None)),
    "an unknown course": ({}, completion(1, urn="urn:li:lyndaCourse:9"), ("held", "course_unknown")),
    "an unknown person": ({"learner_matching": "directory"}, completion(1, "bob@example.com"),
                          ("held", "learner_unknown")),
    "an actor of another kind": ({}, completion(1, actor=account("ada")), ("held", "actor_mismatch")),
    "an address for a user name": ({"learner_identification": "username"}, completion(1), ("held", "actor_mismatch")),
    "an actor without identifier": ({}, completion(1, actor={"name": "Ada"}), ("held", "actor_unidentified")),
    "an endless identifier": ({}, completion(1, "a" * 600 + "@example.com"), ("held", "actor_unidentified")),
    "a user name": ({"learner_identification": "username"}, completion(1, actor=account("ada.l")), ("applied", None)),
    "an external id": ({"learner_identification": "external_id"}, completion(1, actor=account("E1")),
                       ("applied", None)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_statement_ends_as_the_rules_say(lab: Lab, name: str) -> None:
    settings, statement, expected = CASES[name]
    lab.configure(**settings)
    ada = lab.learner(email="ada@example.com", username="ada.l", external_id="E1")

    [statement_id] = lab.send(statement)
    lab.apply()

    assert lab.outcome(statement_id) == expected
    assert lab.is_pending(statement_id) == (expected[0] == "held")
    assert (lab.statement(statement_id)["learner_id"] == ada.id) == (expected[0] == "applied")


def test_a_completion_is_on_the_record(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")

    [statement_id] = lab.send(completion(5))
    lab.apply()
    [attempt] = lab.record(ada.id).attempts

    assert (attempt.status, attempt.progress, attempt.completed_at) == ("completed", 100, lab.at(5))
    assert (attempt.time_spent_seconds, attempt.statement_duration_seconds) == (DURATION, 270)
    assert (attempt.completion_statement_id, attempt.source) == (statement_id, "xapi")
    assert lab.statement(statement_id)["attempt_id"] == attempt.id


def test_an_unknown_person_is_added_when_matching_is_open(lab: Lab) -> None:
    outcomes = lab.take(completion(1), progress(0, 30))
    [ada] = lab.learners()

    assert outcomes == {"applied": 2}
    assert (ada.current("email"), ada.source, ada.status) == ("ada@example.com", "open", "active")
    assert list(lab.identity("email", "ada@example.com").live) == [ada.id]
    assert lab.record(ada.id).attempts[0].completed_at == lab.at(1)


def test_nobody_is_added_for_a_statement_that_is_not_applied(lab: Lab) -> None:
    lab.take(completion(1, urn="urn:li:lyndaCourse:9"))

    assert lab.learners() == []


def test_an_inactive_learner_is_held(lab: Lab) -> None:
    lab.learner(email="ada@example.com", status="inactive")

    assert lab.take(completion(1)) == {"held:learner_inactive": 1}


def test_an_identifier_of_two_learners_is_never_guessed(lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="one")
    lab.learner(email="ada@example.com", id="two")

    assert lab.take(completion(1)) == {"held:learner_ambiguous": 1}


def test_an_identity_whose_learner_is_missing_is_held(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    lab.table.delete(ada.key)

    assert lab.take(completion(1)) == {"held:learner_inactive": 1}


def test_an_identifier_that_changed_hands_means_whoever_had_it_then(lab: Lab) -> None:
    old, new = lab.learner(email="info@example.com", id="old"), lab.learner(email="new@example.com", id="new")
    identity = lab.identity("email", "info@example.com").left_by(old.id, lab.at(10)).held_by(new.id, lab.at(10))
    lab.table.put(identity.to_item())

    lab.take(progress(5, 20, "info@example.com"), progress(15, 60, "info@example.com"))

    assert lab.record(old.id).attempts[0].progress == 20
    assert lab.record(new.id).attempts[0].progress == 60


def test_a_given_up_identifier_still_means_its_last_holder_before_and_nobody_after(lab: Lab) -> None:
    lab.configure(learner_matching="directory")
    ada = lab.learner(email="ada@example.com")
    lab.table.put(lab.identity(*ADA).left_by(ada.id, lab.at(10)).to_item())

    assert lab.take(progress(5), progress(15)) == {"applied": 1, "held:learner_unknown": 1}


def test_what_a_merged_learner_sends_goes_to_the_survivor_and_stays_apart(lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="survivor")
    lab.table.put(lab.identity("email", "old@example.com").held_by("survivor", lab.at(0), "merged").to_item())

    lab.take(progress(1, 20), progress(2, 60, "old@example.com"))
    record = lab.record("survivor")

    assert set(record.parts) == {"survivor", "merged"}
    assert record.attempts[0].progress == 60


def test_a_second_completion_is_already_completed_and_names_learner_and_reason(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    lab.take(completion(1))

    [second] = lab.send(completion(5))

    assert lab.apply() == {"ignored:already_completed": 1}
    assert (lab.statement(second)["learner_id"], lab.statement(second)["attempt_id"]) == (ada.id, None)


def test_an_earlier_completion_that_comes_late_turns_the_later_one(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    [later] = lab.send(completion(5))
    lab.apply()

    [earlier] = lab.send(completion(1))
    lab.apply()

    assert lab.outcome(earlier) == ("applied", None)
    assert lab.outcome(later) == ("ignored", "already_completed")
    assert lab.record("ada").attempts[0].completion_statement_id == earlier


def test_a_turned_statement_that_waits_elsewhere_leaves_the_queue(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    [later] = lab.send(completion(5))
    lab.apply()
    lab.table.update(keys.statement(lab.id, later), "SET outcome = :r, GSI3PK = :r, GSI3SK = :r", {":r": "received"})

    lab.take(completion(1))

    assert lab.outcome(later) == ("ignored", "already_completed")
    assert not lab.is_pending(later)


def test_a_completion_whose_statement_is_gone_disturbs_nobody(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    [gone] = lab.send(completion(5))
    lab.apply()
    lab.table.delete(keys.statement(lab.id, gone))

    assert lab.take(completion(1)) == {"applied": 1}


def test_a_completion_over_aicc_disturbs_no_statement(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    aicc = Evidence(completions={"session": Completion(lab.at(5), "aicc")})
    RecordStore(lab.table, lab.id).add(ada.id, COURSE, ada.id, aicc, DURATION, lab.at(5))

    assert lab.take(completion(1)) == {"applied": 1}
    assert lab.record(ada.id).counted["session"] is None


def test_a_completion_over_aicc_that_was_earlier_turns_the_statement(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    [statement_id] = lab.send(completion(5))
    lab.apply()

    aicc = Evidence(completions={"session": Completion(lab.at(1), "aicc")})
    RecordStore(lab.table, lab.id).add(ada.id, COURSE, ada.id, aicc, DURATION, lab.at(6))

    assert lab.outcome(statement_id) == ("ignored", "already_completed")


def test_a_statement_sent_round_again_changes_no_record(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    [statement_id] = lab.send(completion(5))
    lab.apply()
    before = lab.record(ada.id)
    lab.table.update(keys.statement(lab.id, statement_id), "SET outcome = :r", {":r": "received"})

    assert lab.apply([lab.statement(statement_id)]) == {"applied": 1}
    assert lab.record(ada.id) == before


def test_what_an_erased_person_sends_is_emptied(lab: Lab) -> None:
    lab.table.put(keys.tombstone(lab.id, digest(ADA, PSEUDONYM_KEY)).item())
    statements = [completion(1), completion(2, object={"objectType": "StatementRef", "id": "x"})]

    assert lab.take(*statements) == {"ignored:erased": 2}
    for item in lab.everything():
        assert "ada@example.com" not in str(item)
    assert lab.learners() == []
    assert lab.send(statements[0]) == [statements[0]["id"]]
    assert lab.received() == []


def test_an_erased_user_name_counts_where_people_are_matched_by_address(lab: Lab) -> None:
    lab.table.put(keys.tombstone(lab.id, digest(normalised("username", "ada"), PSEUDONYM_KEY)).item())

    assert lab.take(completion(1, actor=account("ada"))) == {"ignored:erased": 1}


@pytest.mark.parametrize("identification", ["email", "username", "external_id"])
def test_an_erased_address_is_erased_as_an_account_name_too(lab: Lab, identification: str) -> None:
    lab.configure(learner_identification=identification)
    lab.table.put(keys.tombstone(lab.id, digest(ADA, PSEUDONYM_KEY)).item())

    assert lab.take(completion(1, actor=account("Ada@example.com"))) == {"ignored:erased": 1}
    assert lab.learners() == []


def test_an_erased_external_id_does_not_touch_another_with_that_user_name(lab: Lab) -> None:
    lab.configure(learner_identification="username")
    lab.table.put(keys.tombstone(lab.id, digest(normalised("external_id", "ada"), PSEUDONYM_KEY)).item())

    assert lab.take(completion(1, actor=account("ada"))) == {"applied": 1}


def test_statements_of_an_integration_that_is_gone_are_left_alone(lab: Lab) -> None:
    lab.send(completion(1))
    lab.table.delete(keys.integration(lab.id))

    assert lab.apply() == {}


def test_the_same_statement_twice_in_a_batch_counts_once(lab: Lab) -> None:
    lab.send(completion(1))
    [item] = lab.received()

    assert lab.apply([item, item]) == {"applied": 1}


def test_two_courses_of_one_person_are_one_transaction(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")

    lab.take(completion(1), completion(2, urn=OTHER_COURSE), completion(3, urn="urn:li:lyndaCourse:9"))

    assert lab.record(ada.id, COURSE).attempts[0].completed_at == lab.at(1)
    assert lab.record(ada.id, OTHER_COURSE).attempts[0].completed_at == lab.at(2)


def test_a_record_of_somebody_who_was_merged_meanwhile_is_the_survivors(lab: Lab) -> None:
    survivor = lab.learner(email="ada@example.com", id="survivor")
    other = lab.learner(email="old@example.com", id="other")
    lab.table.put(replace(other, merged_into=survivor.id, version=2).to_item())

    launch = Evidence(launches=frozenset({lab.at(1)}))
    record = RecordStore(lab.table, lab.id).add("other", COURSE, "other", launch, DURATION, rfc3339(lab.now))

    assert record.learner_id == "survivor"
    assert set(record.parts) == {"other"}


def test_the_log_tells_which_requests_brought_what(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(logger, "info", lambda _message, **facts: lines.append(facts))
    item = lab.table.get(keys.integration(lab.id))
    assert item
    for request_id, urn in (("r1", COURSE), ("r2", "urn:li:lyndaCourse:9")):
        receiver = Receiver(lab.table, item, "linkedin", lambda: lab.now, request_id)
        receiver.post(json.dumps(completion(1, urn=urn)).encode())

    lab.apply()

    assert sorted(lines, key=lambda line: line["request_ids"]) == [
        {"outcome": "applied", "reason": None, "count": 1, "request_ids": ["r1"]},
        {"outcome": "held", "reason": "course_unknown", "count": 1, "request_ids": ["r2"]},
    ]
