"""A person is erased everywhere and for good, and nobody else is touched, whatever is killed in between."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from coursebridge.apply.release import release
from coursebridge.errors import Conflict, NotFound, Unavailable
from coursebridge.people import changes
from coursebridge.people import erasure as erasing
from coursebridge.people.directory import Directory
from coursebridge.people.erasure import Erasure
from coursebridge.people.fields import LearnerFields
from coursebridge.people.merging import Merging
from coursebridge.records.evidence import Evidence
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from people_lab import COURSE, DURATION, PSEUDONYM_KEY, Interrupted, Lab, account, completion, dies, progress

MARKS = ("ada@", "ada.", "Ada", "ADA")


@pytest.fixture
def ada(lab: Lab) -> Lab:
    """A lab with Ada, who has a record, held statements and a profile; and with Bob."""
    lab.learner(email="ada@example.com", username="ada.l", profile_urn="urn:li:person:Ada", id="1", name="Ada")
    lab.learner(email="bob@example.com", id="2")
    lab.take(
        progress(1),
        completion(5, "Ada@Example.com"),
        completion(6, urn="urn:li:lyndaCourse:9"),
        completion(7, actor=account("ada.l")),
        completion(5, "bob@example.com"),
    )
    lab.table.put({**keys.path_override(lab.id, "1", "path").item(), "entity": "override", "by": "Ada's coach"})
    return lab


def erasure(lab: Lab, calls: Any = None, **options: Any) -> Erasure:
    return Erasure(calls.table if calls else lab.table, lab.id, lambda: PSEUDONYM_KEY, lambda: lab.now, **options)


def traces(lab: Lab) -> list[str]:
    """Return whatever in the table still mentions Ada."""
    return [text for text in lab.texts() if any(mark in text for mark in MARKS)]


def test_nothing_tells_of_the_person_any_more(ada: Lab) -> None:
    assert traces(ada)

    assert erasure(ada).erase("1")

    assert traces(ada) == []
    assert ada.find("1") is None
    left = [item["PK"]["S"] for item in ada.everything() if item["PK"]["S"].startswith("LEARNER#")]
    assert left == ["LEARNER#acme#2"] * 2


def test_others_are_not_touched(ada: Lab) -> None:
    before = ada.record("2"), ada.find("2"), ada.identity("email", "bob@example.com")

    erasure(ada).erase("1")

    assert (ada.record("2"), ada.find("2"), ada.identity("email", "bob@example.com")) == before


def test_of_each_statement_a_shell_stays_and_a_repeat_is_a_repeat(ada: Lab) -> None:
    again = completion(9)
    ada.take(again)
    erasure(ada).erase("1")
    shell = ada.statement(again["id"])

    assert (shell["outcome"], shell["reason"], shell["learner_id"]) == ("ignored", "erased", None)
    assert shell["actor"] == {"type": "erased", "value": None}
    assert not ada.is_pending(again["id"])
    assert ada.send(again) == [again["id"]]
    assert ada.received() == []
    assert traces(ada) == []


def test_later_statements_and_replays_do_not_bring_the_person_back(ada: Lab) -> None:
    ada.configure(learner_matching="open")
    held = next(i for i in [s["statement_id"] for s in statements(ada)] if ada.outcome(i)[0] == "held")
    erasure(ada).erase("1")

    assert ada.take(completion(50), completion(51, "ADA@example.com")) == {"ignored:erased": 2}
    assert release(ada.table, ada.id, [held], ada.now) == 0
    assert traces(ada) == []
    assert [learner.id for learner in ada.learners()] == ["2"]


def statements(lab: Lab) -> list[Any]:
    pk, _ = keys.statements(lab.id, "", "")
    return list(lab.table.query_all(pk, index=keys.GSI1))


def test_a_statement_that_is_on_its_way_is_emptied(ada: Lab) -> None:
    ada.send(completion(50))
    items = ada.received()
    erasure(ada).erase("1")

    assert ada.apply(items) == {}
    assert traces(ada) == []


def test_hashed_addresses_go_too(ada: Lab) -> None:
    sha1 = hashlib.sha1(b"mailto:ada@example.com").hexdigest()
    [statement_id] = ada.send(completion(50, actor={"mbox_sha1sum": sha1}))
    ada.apply()

    erasure(ada).erase("1")

    assert ada.outcome(statement_id) == ("ignored", "erased")


BOTH = {"mbox": "mailto:private@example.com", **account("E-1")}


@pytest.mark.parametrize("rule_when_it_came", ["email", "external_id"])
def test_a_statement_with_two_identifiers_is_found_by_the_one_that_decided(lab: Lab, rule_when_it_came: str) -> None:
    lab.learner(external_id="E-1", id="grace")
    lab.configure(learner_identification=rule_when_it_came)
    lab.send(completion(1, actor=BOTH))
    lab.configure(learner_identification="external_id")
    assert lab.apply() == {"applied": 1}

    assert erasure(lab).erase("grace")

    assert [item["outcome"] for item in statements(lab)] == ["ignored"]
    assert not [text for text in lab.texts() if "private@example.com" in text or "E-1" in text]


def test_everybody_who_was_merged_is_erased(ada: Lab) -> None:
    ada.learner(email="ada.old@example.com", id="3")
    ada.take(progress(1, 20, "ada.old@example.com"))
    Merging(ada.table, ada.id).merge("1", "3")

    assert erasure(ada).erase("1")

    assert traces(ada) == []
    assert (ada.find("1"), ada.find("3")) == (None, None)


def test_one_who_was_merged_is_not_erased_alone(ada: Lab) -> None:
    Merging(ada.table, ada.id).merge("2", "1")

    with pytest.raises(Conflict):
        erasure(ada).erase("1")


def test_what_was_sent_while_a_person_was_merged_goes_with_them(ada: Lab) -> None:
    merging = Merging(ada.table, ada.id)
    merging.merge("2", "1")
    [mine] = ada.send(progress(8, 20))
    [bobs] = ada.send(progress(9, 30, "bob@example.com"))
    ada.apply()
    merging.part("1")

    assert erasure(ada).erase("1")

    assert traces(ada) == []
    assert ada.outcome(mine) == ("ignored", "erased")
    assert ada.outcome(bobs) == ("applied", None)


@pytest.mark.parametrize(("whom", "other"), [("1", "2"), ("2", "1")])
def test_nobody_is_erased_while_a_merge_is_being_undone(ada: Lab, whom: str, other: str) -> None:
    merging = Merging(ada.table, ada.id)
    merging.merge("2", "1")
    with pytest.raises(Unavailable):
        Merging(ada.table, ada.id, time_is_up=lambda: True).part("1")

    with pytest.raises(Conflict, match="still being undone"):
        erasure(ada).erase(whom)
    merging.part("1")

    assert erasure(ada).erase(whom)
    assert ada.record(other).attempts[-1].completed_at == ada.at(5)
    assert bool(traces(ada)) == (whom == "2")


def test_an_identifier_of_somebody_else_stays_theirs(ada: Lab) -> None:
    directory = Directory(ada.table, ada.id, lambda: PSEUDONYM_KEY)
    ada.learner(email="team@example.com", id="3")
    ada.take(progress(1, 20, "team@example.com"))
    directory.change("1", LearnerFields.model_validate({"email": "team@example.com"}), shared=True)
    [held] = ada.send(progress(5, 30, "team@example.com"))
    ada.apply()

    erasure(ada).erase("1")

    assert list(ada.identity("email", "team@example.com").live) == ["3"]
    assert ada.outcome(held) == ("held", "learner_ambiguous")
    assert ada.record("3").attempts[0].progress == 20
    assert ada.take(progress(6, 40, "team@example.com")) == {"applied": 1}


@pytest.mark.parametrize("number", range(8))
def test_a_former_identifier_of_somebody_else_stays_theirs(ada: Lab, number: int) -> None:
    directory = Directory(ada.table, ada.id, lambda: PSEUDONYM_KEY, lambda: ada.now)
    directory.change("1", LearnerFields(email="ada.new@example.com"))
    directory.change("2", LearnerFields.model_validate({"email": "ada@example.com"}))
    ada.now += timedelta(minutes=1)
    directory.change("2", LearnerFields(email="bob@example.com"))
    calls = ada.calls()
    calls.after[number] = dies

    with pytest.raises(Interrupted):
        erasure(ada, calls).erase("1")
    erasure(ada).erase("1")

    assert ada.take(progress(20, 30)) == {"applied": 1}
    assert ada.record("2").attempts[-1].last_activity_at == ada.at(20)


@pytest.mark.parametrize("number", range(8, 26))
def test_an_identifier_that_another_had_before_is_erased_whatever_is_killed(ada: Lab, number: int) -> None:
    directory = Directory(ada.table, ada.id, lambda: PSEUDONYM_KEY, lambda: ada.now)
    ada.learner(email="first@example.com", id="3")
    directory.change("3", LearnerFields(email="third@example.com"))
    ada.now += timedelta(minutes=1)
    directory.change("1", LearnerFields(email="first@example.com"))
    [held] = ada.send(completion(20, "first@example.com", "urn:li:lyndaCourse:9"))
    ada.apply()
    calls = ada.calls()
    calls.after[number] = dies

    with pytest.raises(Interrupted):
        erasure(ada, calls).erase("1")
    erasure(ada).erase("1")

    assert ada.outcome(held) == ("ignored", "erased")


def test_another_who_has_the_same_letters_in_another_case_is_not_touched(ada: Lab) -> None:
    ada.configure(learner_identification="username")
    ada.learner(username="ADA.L", id="3")
    ada.take(completion(1, actor=account("ADA.L")), completion(2, actor=account("AdA.l")))

    erasure(ada).erase("1")

    kept = [item for item in statements(ada) if item["actor"]["type"] == "account"]
    assert sorted(item["actor"]["value"] for item in kept) == ["ADA.L", "AdA.l"]


def test_nobody_of_this_id_is_not_found(ada: Lab) -> None:
    with pytest.raises(NotFound):
        erasure(ada).erase("nobody")
    erasure(ada).erase("1")
    with pytest.raises(NotFound):
        erasure(ada).erase("1")


@pytest.mark.parametrize("number", range(20))
def test_killed_after_any_call_the_same_call_goes_on(ada: Lab, number: int) -> None:
    calls = ada.calls()
    calls.after[number] = dies

    with pytest.raises(Interrupted):
        erasure(ada, calls).erase("1")
    ada.configure(learner_matching="open")
    ada.take(completion(50, "ada@example.com"))
    if ada.find("1"):
        assert erasure(ada).erase("1")

    ada.take(completion(51))
    assert traces(ada) == []


def test_when_the_time_runs_out_the_same_call_goes_on(ada: Lab) -> None:
    assert not erasure(ada, time_is_up=lambda: True).erase("1")
    ada.take(completion(50))

    assert erasure(ada).erase("1")
    assert traces(ada) == []


def test_whoever_is_being_erased_gets_no_new_record(ada: Lab) -> None:
    erasure(ada, time_is_up=lambda: True).erase("1")

    with pytest.raises(NotFound):
        RecordStore(ada.table, ada.id).add("1", COURSE, "1", Evidence(), DURATION, ada.at(1))


def test_a_launch_at_the_same_time_leaves_nothing(ada: Lab) -> None:
    """The launch reads the learner before the erasure, and writes after it."""
    calls = ada.calls()
    calls.before[1] = lambda: erasure(ada).erase("1")
    launch = Evidence(launches=frozenset({ada.at(1)}))

    with pytest.raises(NotFound):
        RecordStore(calls.table, ada.id).add("1", COURSE, "1", launch, DURATION, ada.at(1))

    assert ada.record("1").version == 0


@pytest.mark.parametrize("after", [0, 1, 2])
def test_writers_without_end_make_it_unavailable(ada: Lab, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    real, made = changes.write, []

    def write(table: Any, actions: Any) -> bool:
        made.append(1)
        return real(table, actions) if len(made) <= after else False

    monkeypatch.setattr(changes, "write", write)

    with pytest.raises(Unavailable):
        erasure(ada).erase("1")


def test_a_statement_that_changes_while_it_is_emptied_is_looked_at_again(
    ada: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = changes.write
    refused: list[Any] = []

    def write(table: Any, actions: Any) -> bool:
        if "Update" in actions[0] and not refused:
            refused.append(actions)
            return False
        return real(table, actions)

    monkeypatch.setattr(changes, "write", write)

    assert erasure(ada).erase("1")
    assert refused
    assert traces(ada) == []


def test_a_person_of_many_statements_is_emptied_page_by_page(ada: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "PAGE", 1)

    assert erasure(ada).erase("1")
    assert traces(ada) == []


def test_an_address_that_was_sent_as_an_account_name_is_erased_and_stays_so(lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="1")
    [statement_id] = lab.send(completion(1, actor=account("ada@example.com")))
    assert lab.apply() == {"held:actor_mismatch": 1}

    assert erasure(lab).erase("1")

    assert traces(lab) == []
    lab.configure(learner_identification="username")
    release(lab.table, lab.id, [statement_id], lab.now)
    assert lab.take(completion(2, actor=account("ada@example.com"))) == {"ignored:erased": 1}
    assert lab.learners() == []
