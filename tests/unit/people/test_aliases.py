"""An identifier is assigned to a learner as an alias, and what was held for it is applied."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.apply.release import release_for_identities
from coursebridge.errors import Conflict, InvalidRequest, NotFound, Unavailable
from coursebridge.people import aliases, changes
from coursebridge.people.fields import LearnerFields
from coursebridge.people.merging import Merging
from coursebridge.records.identifiers import digest, normalised
from coursebridge.storage import keys
from coursebridge.storage.table import TRANSACTION
from people_lab import PSEUDONYM_KEY, Lab, completion, progress

if TYPE_CHECKING:
    from coursebridge.people.directory import Directory

OTHER = normalised("email", "other@example.com")


def assign(lab: Lab, learner_id: str = "ada", value: str = "other@example.com", *, after_erasure: bool = False) -> int:
    """Assign an identifier, release what waits for it as the stream then does, and return how many statements wait."""
    assigned = aliases.assign(
        lab.table, lab.id, "email", value, learner_id, lab.now, PSEUDONYM_KEY, after_erasure=after_erasure
    )
    release_for_identities(lab.table, lab.id, {normalised("email", value).awaited}, lab.now)
    return assigned.waiting


def test_what_was_held_for_an_unknown_identifier_is_applied(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    [statement_id] = lab.send(completion(1, "Other@example.com"))
    lab.apply()

    assert assign(lab, value=" Other@example.com") == 1
    assert lab.apply() == {"applied": 1}
    assert lab.statement(statement_id)["learner_id"] == "ada"


def test_what_waits_is_counted_and_released_once_though_the_stream_is_quick(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.learner(email="ada@example.com")
    [statement_id, _] = lab.send(completion(1, "other@example.com"), completion(2, "other@example.com"))
    lab.apply()
    write = changes.write

    def upon_which_the_stream_acts(*args: Any) -> bool:
        written = write(*args)
        lab.released(OTHER)
        return written

    monkeypatch.setattr(changes, "write", upon_which_the_stream_acts)

    assert assign(lab) == 2
    assert lab.outcome(statement_id) == ("applied", None)
    assert lab.received() == []


def test_an_alias_stands_beside_the_learners_own_identifier(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    assign(lab)
    learner = lab.find("ada")

    assert learner is not None
    assert (learner.current("email"), learner.version) == ("ada@example.com", 2)
    assert [(dated.value, dated.alias) for dated in learner.identifiers] == [
        ("ada@example.com", False),
        ("other@example.com", True),
    ]
    assert lab.take(progress(5), progress(6, 50, "other@example.com")) == {"applied": 2}


def test_an_alias_survives_a_change_of_the_own_identifier(lab: Lab, directory: Directory) -> None:
    lab.learner(email="ada@example.com")
    assign(lab)

    _, after = directory.change("ada", LearnerFields(email="new@example.com"))

    assert [(dated.value, dated.until is None) for dated in after.identifiers] == [
        ("ada@example.com", False),
        ("other@example.com", True),
        ("new@example.com", True),
    ]


def test_an_alias_may_become_the_own_identifier(lab: Lab, directory: Directory) -> None:
    lab.learner(email="ada@example.com")
    assign(lab)

    _, after = directory.change("ada", LearnerFields(email="other@example.com"))

    assert [(dated.value, dated.until is None, dated.alias) for dated in after.identifiers] == [
        ("ada@example.com", False, False),
        ("other@example.com", True, False),
    ]


def test_an_identifier_of_an_erased_person_needs_a_word(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    tombstone = keys.tombstone(lab.id, digest(OTHER, PSEUDONYM_KEY))
    lab.table.put(tombstone.item())

    with pytest.raises(Conflict) as refusal:
        assign(lab)
    [error] = refusal.value.errors
    assert (error.field, "after_erasure" in error.detail) == ("value", True)
    assert lab.identity(*OTHER).live == {}

    assign(lab, after_erasure=True)
    assert lab.table.get(tombstone) is None
    assert lab.take(completion(1, "other@example.com")) == {"applied": 1}


def test_an_erasure_in_between_is_seen(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    tombstone = keys.tombstone(lab.id, digest(OTHER, PSEUDONYM_KEY))
    calls = lab.calls()
    calls.around = lambda name: lab.table.put(tombstone.item()) if name == "transact_write_items" else None

    with pytest.raises(Conflict):
        aliases.assign(calls.table, lab.id, "email", OTHER.value, "ada", lab.now, PSEUDONYM_KEY)


def test_assigning_again_changes_nothing(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    assign(lab)
    before = lab.find("ada")

    assert assign(lab) == 0
    assert lab.find("ada") == before


def test_an_ambiguous_identifier_is_decided(lab: Lab) -> None:
    lab.learner(email="other@example.com", id="one")
    lab.learner(email="other@example.com", id="two")
    lab.take(completion(1, "other@example.com"))
    lab.now += timedelta(hours=1)

    assert assign(lab, "two") == 1
    assert lab.apply() == {"applied": 1}
    assert lab.record("two").attempts
    one = lab.find("one")
    assert one is not None
    assert one.current("email") is None


def test_whoever_had_the_identifier_until_now_is_named(lab: Lab, directory: Directory) -> None:
    for name in ("one", "two"):
        lab.learner(email="other@example.com", id=name)
    lab.learner(email="ada@example.com")
    lab.learner(email="former@example.com", id="bob")
    directory.change("bob", LearnerFields(email="bob@example.com"))

    def taken(value: str) -> tuple[str, ...]:
        return aliases.assign(lab.table, lab.id, "email", value, "ada", lab.now, PSEUDONYM_KEY).taken_from

    assert taken("other@example.com") == ("one", "two")
    assert taken("former@example.com") == ("bob",)
    assert [taken(value) for value in ("other@example.com", "ada@example.com", "new@example.com")] == [(), (), ()]


def test_an_identifier_of_more_learners_than_one_transaction_holds_is_not_taken_at_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "MOST_OTHERS", 2)
    for name in ("one", "two", "three"):
        lab.learner(email="other@example.com", id=name)
    lab.learner(email="ada@example.com")

    with pytest.raises(Conflict, match="3 learners have this identifier"):
        assign(lab)
    assert aliases.MOST_OTHERS + 3 <= TRANSACTION
    assert set(lab.identity("email", "other@example.com").live) == {"one", "two", "three"}


def test_what_was_held_for_an_inactive_holder_is_applied_to_the_one_named(lab: Lab) -> None:
    lab.learner(email="other@example.com", id="left", status="inactive")
    lab.learner(email="ada@example.com")
    lab.take(completion(1, "other@example.com"))
    lab.now += timedelta(hours=1)

    assign(lab)

    assert lab.apply() == {"applied": 1}
    assert lab.record("ada").attempts


def test_a_learner_who_was_merged_stands_for_the_survivor(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.learner(email="bob@example.com")
    Merging(lab.table, lab.id).merge("ada", "bob")

    assign(lab, "bob")

    assert list(lab.identity(*OTHER).live) == ["ada"]


@pytest.mark.parametrize("value", ["", "  ", "x" * 600])
def test_what_can_be_nobodys_is_refused(lab: Lab, value: str) -> None:
    lab.learner(email="ada@example.com")

    with pytest.raises(InvalidRequest):
        assign(lab, value=value)


def test_nobody_of_this_id_is_not_found(lab: Lab) -> None:
    with pytest.raises(NotFound):
        assign(lab, "nobody")


def test_an_alias_is_taken_away_and_what_came_stays(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    assign(lab)
    lab.take(progress(5, 50, "other@example.com"))
    lab.now += timedelta(hours=1)

    aliases.remove(lab.table, lab.id, "email", "other@example.com", "ada", lab.now)

    assert lab.take(progress(100, 60, "other@example.com")) == {"held:learner_unknown": 1}
    assert lab.record("ada").attempts[0].progress == 50


def test_what_comes_with_an_alias_that_was_taken_away_makes_nobody_new(lab: Lab) -> None:
    lab.configure(learner_matching="open")
    lab.learner(email="ada@example.com")
    assign(lab)
    lab.now += timedelta(hours=1)
    aliases.remove(lab.table, lab.id, "email", "other@example.com", "ada", lab.now)

    assert lab.take(progress(100, 60, "other@example.com")) == {"held:learner_unknown": 1}
    assert len(lab.learners()) == 1

    lab.learner(email="bob@example.com")
    assign(lab, "bob")
    assert lab.apply() == {"applied": 1}
    assert lab.record("bob").attempts[0].progress == 60


def test_a_former_identifier_is_taken_away_for_good(lab: Lab, directory: Directory) -> None:
    lab.learner(email="other@example.com", id="ada")
    lab.now += timedelta(hours=1)
    directory.change("ada", LearnerFields(email="ada@example.com"))
    assert lab.take(progress(100, 50, "other@example.com")) == {"applied": 1}

    aliases.remove(lab.table, lab.id, "email", "other@example.com", "ada", lab.now)

    assert lab.take(progress(5, 40, "other@example.com"), progress(101, 60, "other@example.com")) == {
        "applied": 1,
        "held:learner_unknown": 1,
    }
    with pytest.raises(NotFound):
        aliases.remove(lab.table, lab.id, "email", "other@example.com", "ada", lab.now)


def test_only_an_alias_is_taken_away(lab: Lab) -> None:
    lab.learner(email="ada@example.com")

    with pytest.raises(Conflict):
        aliases.remove(lab.table, lab.id, "email", "ada@example.com", "ada", lab.now)
    with pytest.raises(NotFound):
        aliases.remove(lab.table, lab.id, "email", "other@example.com", "ada", lab.now)


def test_writers_without_end_make_it_unavailable(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.learner(email="ada@example.com")
    assign(lab)
    monkeypatch.setattr(changes, "write", lambda *_args: False)

    with pytest.raises(Unavailable):
        assign(lab)
    with pytest.raises(Unavailable):
        aliases.remove(lab.table, lab.id, "email", "other@example.com", "ada", lab.now)
