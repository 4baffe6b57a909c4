"""Learners are created, changed and found, and their identifiers are dated."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from coursebridge.errors import Conflict, InvalidRequest, NotFound, Unavailable
from coursebridge.people import aliases, changes
from coursebridge.people.fields import LearnerFields
from coursebridge.people.merging import Merging
from coursebridge.records.identifiers import digest, normalised
from coursebridge.storage import keys
from coursebridge.storage.table import Table
from people_lab import PSEUDONYM_KEY, Lab, completion, progress

if TYPE_CHECKING:
    from coursebridge.people.directory import Directory

ADA = normalised("email", "ada@example.com")


def fields(**members: Any) -> LearnerFields:
    return LearnerFields.model_validate(members)


def identifiers(directory: Directory, learner_id: str) -> list[tuple[str, str, bool]]:
    found = directory.get(learner_id).identifiers
    return [(dated.type, dated.value, dated.until is None) for dated in found]


def test_a_learner_is_added_with_identifiers_and_found_by_each(directory: Directory, lab: Lab) -> None:
    ada = directory.create(
        fields(email="Ada@Example.com", username="ada.l", external_id="E1", profile_urn="urn:li:person:1",
               name="Ada", groups=["sales", "sales", "all"])
    )  # fmt: skip

    assert directory.get(ada.id) == ada
    assert (ada.name, ada.groups, ada.status, ada.version) == ("Ada", ("sales", "all"), "active", 1)
    assert [one.id for one in directory.find({"email": "ada@EXAMPLE.com"})] == [ada.id]
    assert [one.id for one in directory.find({"username": "ada.l", "external_id": "E1"})] == [ada.id]
    assert [one.id for one in directory.find({"profile_urn": "urn:li:person:1"})] == [ada.id]
    assert directory.find({"username": "ADA.L"}) == []
    assert directory.find({"username": "ada.l", "external_id": "E2"}) == []
    assert ada.public()["email"] == "Ada@Example.com"


def test_adding_a_learner_releases_what_was_held(directory: Directory, lab: Lab) -> None:
    [statement_id] = lab.send(completion(1))
    lab.apply()

    directory.create(fields(email="ada@example.com"))

    assert lab.released(ADA) == {"applied": 1}
    assert lab.outcome(statement_id) == ("applied", None)


def test_a_learner_needs_an_identifier(directory: Directory) -> None:
    with pytest.raises(InvalidRequest):
        directory.create(fields(name="Ada", email=None))


BAD: list[dict[str, Any]] = [
    {"email": "no address"},
    {"email": "a@b@c"},
    {"email": ""},
    {"username": "  "},
    {"username": "a\x00b"},
    {"username": "\ud800"},
    {"external_id": "x" * 600},
    {"status": "asleep"},
    {"status": None},
    {"groups": [""]},
    {"groups": ["g"] * 101},
    {"name": "n" * 201},
    {"emial": "a@example.com"},
]


@pytest.mark.parametrize("members", BAD, ids=str)
def test_what_is_wrong_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        fields(**members)


def test_an_identifier_of_somebody_else_is_refused_without_saying_whose(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com"))

    with pytest.raises(Conflict) as refused:
        directory.create(fields(email="ADA@example.com", username="other"))

    assert [error.field for error in refused.value.errors] == ["email"]
    assert ada.id not in str(refused.value.problem())


def test_an_identifier_may_be_shared_when_that_is_said(directory: Directory, lab: Lab) -> None:
    directory.create(fields(email="ada@example.com", username="one"))
    directory.create(fields(email="ada@example.com", username="two"), shared=True)

    assert len(directory.find({"email": "ada@example.com"})) == 2
    assert lab.take(completion(1)) == {"held:learner_ambiguous": 1}


def test_a_changed_identifier_is_closed_and_the_new_one_opens(directory: Directory, lab: Lab) -> None:
    ada = directory.create(fields(email="ada@example.com", username="ada"))
    lab.now += timedelta(minutes=10)

    before, after = directory.change(ada.id, fields(email="new@example.com"))

    assert (before, after.current("email"), after.version) == (ada, "new@example.com", 2)
    assert identifiers(directory, ada.id) == [
        ("email", "ada@example.com", False),
        ("username", "ada", True),
        ("email", "new@example.com", True),
    ]
    assert directory.find({"email": "ada@example.com"}) == []
    assert lab.take(progress(5), progress(15), progress(15, 50, "new@example.com")) == {"applied": 3}


@pytest.mark.parametrize("matching", ["open", "directory"])
def test_what_linkedin_sends_with_the_former_address_is_still_theirs(
    directory: Directory, lab: Lab, matching: str
) -> None:
    lab.configure(learner_matching=matching)
    ada = directory.create(fields(email="ada@example.com"))
    lab.now += timedelta(minutes=10)
    directory.change(ada.id, fields(email="new@example.com"))

    assert lab.take(completion(20)) == {"applied": 1}
    assert [learner.id for learner in lab.learners()] == [ada.id]
    assert lab.record(ada.id).attempts[0].completed_at == lab.at(20)


@pytest.mark.parametrize("matching", ["open", "directory"])
def test_what_comes_with_an_address_that_was_cleared_is_held(directory: Directory, lab: Lab, matching: str) -> None:
    lab.configure(learner_matching=matching)
    ada = directory.create(fields(email="ada@example.com", username="ada"))
    lab.now += timedelta(minutes=10)
    directory.change(ada.id, fields(email=None))

    assert lab.take(completion(5), completion(20)) == {"applied": 1, "held:learner_unknown": 1}
    assert [learner.id for learner in lab.learners()] == [ada.id]


def test_a_former_address_given_to_another_is_theirs_from_then_on(directory: Directory, lab: Lab) -> None:
    ada = directory.create(fields(email="ada@example.com"))
    lab.now += timedelta(minutes=10)
    directory.change(ada.id, fields(email="new@example.com"))
    lab.now += timedelta(minutes=10)
    bob = directory.create(fields(email="ada@example.com"))

    assert lab.take(progress(25, 50), progress(15, 30)) == {"applied": 2}
    assert (lab.record(ada.id).attempts[0].progress, lab.record(bob.id).attempts[0].progress) == (30, 50)


def test_a_learner_set_active_gets_what_was_held_for_the_former_address(directory: Directory, lab: Lab) -> None:
    ada = directory.create(fields(email="ada@example.com", status="inactive"))
    directory.change(ada.id, fields(email="new@example.com"))
    assert lab.take(completion(5)) == {"held:learner_inactive": 1}

    directory.change(ada.id, fields(status="active"))

    assert lab.released(ADA) == {"applied": 1}


def test_another_spelling_of_an_address_is_the_same_identifier(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com"))

    directory.change(ada.id, fields(email="Ada@Example.com"))

    assert identifiers(directory, ada.id) == [("email", "Ada@Example.com", True)]


def test_an_identifier_that_comes_back_is_theirs_again(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com"))
    directory.change(ada.id, fields(email="new@example.com"))
    directory.change(ada.id, fields(email="ada@example.com"))

    assert [one.id for one in directory.find({"email": "ada@example.com"})] == [ada.id]
    assert directory.find({"email": "new@example.com"}) == []


def test_null_takes_away_and_what_is_left_out_stays(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com", username="ada", name="Ada", groups=["sales"]))

    _, after = directory.change(ada.id, fields(username=None, name=None, groups=None))

    assert (after.current("email"), after.current("username")) == ("ada@example.com", None)
    assert (after.name, after.groups) == (None, ())


def test_the_last_identifier_is_not_taken_away(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com", external_id="E1", profile_urn="urn:li:person:1"))

    _, linked = directory.change(ada.id, fields(email=None, external_id=None))

    assert linked.current("profile_urn") == "urn:li:person:1"
    with pytest.raises(InvalidRequest, match="a learner needs at least one of email"):
        directory.change(ada.id, fields(profile_urn=None))


def test_a_learner_whose_identifier_went_to_another_can_be_changed(directory: Directory, lab: Lab) -> None:
    ada = directory.create(fields(email="ada@example.com"))
    bob = directory.create(fields(email="bob@example.com"))
    aliases.assign(lab.table, lab.id, "email", "ada@example.com", bob.id, lab.now, PSEUDONYM_KEY)

    _, after = directory.change(ada.id, fields(status="inactive"))

    assert after.status == "inactive"


def test_saying_what_is_known_changes_nothing(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com", username="ada"))

    assert directory.change(ada.id, fields(email="ada@example.com", username="ada")) == (ada, ada)


def test_taking_away_what_is_not_there_changes_nothing(directory: Directory) -> None:
    ada = directory.create(fields(email="ada@example.com"))

    assert directory.change(ada.id, fields(username=None)) == (ada, ada)


def test_a_learner_set_active_gets_what_was_held(directory: Directory, lab: Lab) -> None:
    ada = directory.create(fields(email="ada@example.com", status="inactive"))
    lab.take(completion(1))
    version = lab.identity(*ADA).version

    directory.change(ada.id, fields(status="active"))

    assert lab.identity(*ADA).version == version + 1, "the stream carries the identity"
    assert lab.released(ADA) == {"applied": 1}


def test_nobody_of_this_id_is_not_found(directory: Directory, lab: Lab) -> None:
    with pytest.raises(NotFound):
        directory.get("nobody")
    with pytest.raises(NotFound):
        directory.change("nobody", fields(name="X"))
    lab.learner(email="ada@example.com", erasing_at=lab.at(0))
    with pytest.raises(NotFound):
        directory.get("ada")


def test_a_merged_learner_is_not_changed(directory: Directory, lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="one")
    lab.learner(email="bob@example.com", id="two")
    Merging(lab.table, lab.id).merge("one", "two")

    with pytest.raises(Conflict):
        directory.change("two", fields(name="X"))


def test_an_identifier_of_an_erased_person_needs_a_word(directory: Directory, lab: Lab) -> None:
    stone = keys.tombstone(lab.id, digest(ADA, PSEUDONYM_KEY))
    lab.table.put(stone.item())

    with pytest.raises(Conflict, match="erased"):
        directory.create(fields(email="ada@example.com"))
    directory.create(fields(email="ada@example.com"), after_erasure=True)

    assert lab.table.get(stone) is None
    assert lab.take(completion(1)) == {"applied": 1}


def test_all_learners_are_listed_page_by_page(directory: Directory) -> None:
    made = [directory.create(fields(username=f"u{n}")).id for n in range(5)]

    first = directory.page(group=None, status=None, limit=3, after=None)
    second = directory.page(group=None, status=None, limit=3, after=first.last_key)

    assert [item["id"] for item in (*first.items, *second.items)] == sorted(made)
    assert second.last_key is None


def test_a_list_is_filtered_by_group_and_status(directory: Directory) -> None:
    directory.create(fields(username="u1", groups=["sales"]))
    directory.create(fields(username="u2", groups=["sales"], status="inactive"))
    directory.create(fields(username="u3"))

    def found(**filters: str | None) -> list[str]:
        options: dict[str, Any] = {"group": None, "status": None, "limit": 50, "after": None, **filters}
        return sorted(item["identifiers"][0]["value"] for item in directory.page(**options).items)

    assert found(group="sales") == ["u1", "u2"]
    assert found(status="inactive") == ["u2"]
    assert found(group="sales", status="active") == ["u1"]
    assert found(group="nobody") == []


def test_a_filter_that_passes_little_reads_on_within_bounds(directory: Directory, lab: Lab) -> None:
    for n in range(14):
        lab.now += timedelta(seconds=1)
        directory.create(fields(username=f"u{n}", groups=["rare"] if n == 13 else []))

    page = directory.page(group="rare", status=None, limit=1, after=None)

    assert page.items == []
    assert directory.page(group="rare", status=None, limit=1, after=page.last_key).items


@pytest.mark.parametrize("change", [True, False])
def test_another_writer_in_between_is_seen(directory: Directory, lab: Lab, change: bool) -> None:
    ada = directory.create(fields(email="ada@example.com"))
    calls = lab.calls()
    racing = type(directory)(calls.table, lab.id, lambda: PSEUDONYM_KEY, lambda: lab.now, lambda _s: None)
    number = 3 if change else 1

    def interfere() -> None:
        if change:
            directory.change(ada.id, fields(name="Other"))
        else:
            directory.create(fields(username="taken"))

    calls.before[number] = interfere
    if change:
        _, after = racing.change(ada.id, fields(groups=["sales"]))
        assert (after.name, after.groups) == ("Other", ("sales",))
    else:
        with pytest.raises(Conflict):
            racing.create(fields(username="taken"))


def test_writers_without_end_make_it_unavailable(
    directory: Directory, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.learner(email="ada@example.com")
    monkeypatch.setattr(changes, "write", lambda *_args: False)

    with pytest.raises(Unavailable):
        directory.change("ada", fields(name="X"))
    with pytest.raises(Unavailable):
        directory.create(fields(username="new"))


def test_a_throttled_table_is_unavailable(directory: Directory, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(_table: Table, _actions: Any) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(Table, "transact", throttled)

    with pytest.raises(Unavailable):
        directory.create(fields(username="new"))
