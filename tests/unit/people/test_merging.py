"""Two learners who are one person are merged, and parted again exactly, whatever is killed in between."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.errors import Conflict, InvalidRequest, NotFound, Unavailable
from coursebridge.people import changes
from coursebridge.people.aliases import remove
from coursebridge.people.fields import LearnerFields
from coursebridge.people.merging import Merging
from coursebridge.records.evidence import Evidence
from coursebridge.storage.learners import DatedIdentifier, Learner, family
from coursebridge.storage.record_store import RecordStore
from people_lab import COURSE, DURATION, OTHER_COURSE, Interrupted, Lab, completion, dies, progress

if TYPE_CHECKING:
    from coursebridge.people.directory import Directory


@pytest.fixture
def two(lab: Lab) -> Lab:
    """Ada, who learned under two addresses: one course under both, one under the second only."""
    lab.learner(email="ada@example.com", id="ada", groups=("sales",))
    lab.learner(email="old@example.com", username="old", id="old")
    lab.take(
        progress(1, 20),
        completion(5),
        completion(3, "old@example.com"),
        progress(9, 70, "old@example.com", OTHER_COURSE),
    )
    return lab


def merging(lab: Lab, calls: Any = None) -> Merging:
    return Merging(calls.table if calls else lab.table, lab.id, lambda: lab.now)


def essence(lab: Lab) -> Any:
    """Return who has which identifiers and evidence, and what every completion counts for."""
    learners = [lab.find(one) for one in ("ada", "old")]
    people = [(one.identifiers, one.merged, one.merged_into, one.groups) for one in learners if one]
    identities = [lab.identity("email", f"{one}@example.com").holders for one in ("ada", "old")]
    records = [lab.record(one, urn) for one in ("ada", "old") for urn in (COURSE, OTHER_COURSE)]
    statements = [
        (item["outcome"], item["reason"], item["learner_id"], item["attempt_id"])
        for key in sorted(item["PK"]["S"] for item in lab.everything() if item["PK"]["S"].startswith("STATEMENT#"))
        if (item := lab.statement(key.rpartition("#")[2]))["verb"].endswith("completed")
    ]
    return people, identities, [(one.parts, one.attempts, one.counted) for one in records], statements


def test_records_and_identifiers_become_the_survivors(two: Lab) -> None:
    survivor = merging(two).merge("ada", "old")

    assert survivor.merged == ("old",)
    assert two.record("old").version == 0
    assert set(two.record("ada").parts) == {"ada", "old"}
    [attempt] = two.record("ada").attempts
    assert (attempt.started_at, attempt.completed_at) == (two.at(1), two.at(3))
    assert two.record("ada", OTHER_COURSE).attempts[0].progress == 70
    assert list(two.identity("email", "old@example.com").live) == ["ada"]
    assert two.learners() == [two.find("ada")]


def test_statements_follow_what_their_completions_count_for_now(two: Lab) -> None:
    merging(two).merge("ada", "old")
    outcomes = {
        (item["timestamp"]): (item["outcome"], item["learner_id"])
        for item in (two.statement(i) for i in two.record("ada").counted)
    }

    assert outcomes == {two.at(3): ("applied", "ada"), two.at(5): ("ignored", "ada")}


def test_the_survivor_shows_all_identifiers_and_keeps_their_own(two: Lab) -> None:
    survivor = merging(two).merge("ada", "old")

    assert [(dated.value, dated.alias) for dated in survivor.identifiers] == [
        ("ada@example.com", False),
        ("old@example.com", True),
        ("old", True),
    ]
    assert (survivor.current("email"), survivor.current("username")) == ("ada@example.com", "old")
    old = two.find("old")
    assert old is not None
    assert (old.public()["status"], old.public()["merged_into"]) == ("inactive", "ada")


def test_what_the_merged_one_sends_later_is_the_survivors(two: Lab) -> None:
    merging(two).merge("ada", "old")

    two.take(progress(20, 90, "old@example.com", OTHER_COURSE))

    assert two.record("ada", OTHER_COURSE).attempts[0].progress == 90
    assert two.record("old", OTHER_COURSE).version == 0


def test_parting_restores_exactly(two: Lab) -> None:
    before = essence(two)
    merging(two).merge("ada", "old")

    merging(two).part("old")

    assert essence(two) == before


def test_parting_takes_along_what_came_in_their_name(two: Lab) -> None:
    merging(two).merge("ada", "old")
    two.take(progress(20, 90, "old@example.com", OTHER_COURSE), progress(21, 10, urn=OTHER_COURSE))

    merging(two).part("old")

    assert two.record("old", OTHER_COURSE).attempts[0].progress == 90
    assert two.record("ada", OTHER_COURSE).attempts[0].progress == 10
    assert two.take(progress(30, 95, "old@example.com", OTHER_COURSE)) == {"applied": 1}
    assert two.record("old", OTHER_COURSE).attempts[0].progress == 95


def test_versions_only_grow_so_that_no_stale_write_passes(two: Lab) -> None:
    versions = [two.record("old").version]
    merging(two).merge("ada", "old")
    versions.append(two.record("ada").version)
    merging(two).part("old")
    versions.append(two.record("old").version)

    assert versions == sorted(set(versions))


def test_an_identifier_both_had_is_no_longer_ambiguous_and_both_have_it_again(lab: Lab) -> None:
    lab.learner(email="same@example.com", id="ada")
    lab.learner(email="same@example.com", id="old")
    before = essence(lab)

    survivor = merging(lab).merge("ada", "old")
    assert len(survivor.identifiers) == 1
    assert lab.take(completion(1, "same@example.com")) == {"applied": 1}
    assert set(lab.record("ada").parts) == {"ada"}

    merging(lab).part("old")
    assert essence(lab)[:1] == before[:1]
    assert lab.take(completion(2, "same@example.com")) == {"held:learner_ambiguous": 1}


def test_an_identifier_given_up_while_merged_is_given_up_after(two: Lab) -> None:
    merging(two).merge("ada", "old")
    remove(two.table, two.id, "username", "old", "ada", two.now)

    old = merging(two).part("old")

    assert (old.current("username"), old.current("email")) == (None, "old@example.com")


def test_an_identifier_found_for_the_merged_one_goes_with_them(two: Lab) -> None:
    survivor = merging(two).merge("ada", "old")
    found = DatedIdentifier("profile_urn", "urn:li:person:1", two.at(1))
    two.table.put(replace(survivor, identifiers=(*survivor.identifiers, found), version=9).to_item())
    two.table.put(two.identity("profile_urn", found.value).held_by("ada", two.at(1), "old").to_item())

    old = merging(two).part("old")

    assert old.current("profile_urn") == "urn:li:person:1"
    ada = two.find("ada")
    assert ada is not None
    assert ada.current("profile_urn") is None


def test_a_former_identifier_goes_with_whose_it_was(two: Lab, directory: Directory) -> None:
    directory.change("old", LearnerFields(email="new@example.com"))
    merging(two).merge("ada", "old")
    assert two.take(progress(20, 90, "old@example.com", OTHER_COURSE)) == {"applied": 1}
    assert two.record("ada", OTHER_COURSE).attempts[0].progress == 90

    merging(two).part("old")

    assert two.take(progress(30, 95, "old@example.com", OTHER_COURSE)) == {"applied": 1}
    assert two.record("old", OTHER_COURSE).attempts[0].progress == 95


def test_a_chain_is_parted_link_by_link(two: Lab) -> None:
    two.learner(email="new@example.com", id="new")
    before = essence(two)
    merging(two).merge("ada", "old")
    between = essence(two)

    merging(two).merge("new", "ada")
    ada = two.find("new")
    assert ada is not None
    assert {one.id for one in family(two.table, ada)} == {"new", "ada", "old"}
    assert set(two.record("new").parts) == {"ada", "old"}

    merging(two).part("ada")
    assert essence(two) == between
    merging(two).part("old")
    assert essence(two) == before


@pytest.mark.parametrize("number", range(14))
def test_killed_after_any_call_merging_and_parting_go_on(two: Lab, number: int) -> None:
    before = essence(two)
    calls = two.calls()
    calls.after[number] = dies

    with pytest.raises(Interrupted):
        merging(two, calls).merge("ada", "old")
    merging(two).merge("ada", "old")
    merged = essence(two)
    calls.after[len(calls.made) + number] = dies
    with pytest.raises(Interrupted):
        merging(two, calls).part("old")
    merging(two).part("old") if _is_on_the_way(two) else None

    assert essence(two) == before
    merging(two).merge("ada", "old")
    assert essence(two) == merged


def _is_on_the_way(lab: Lab) -> bool:
    old = lab.find("old")
    return old is not None and bool(old.merged_into or old.parting_from)


@pytest.mark.parametrize("number", range(14))
def test_a_statement_that_comes_in_between_ends_up_with_its_own(two: Lab, number: int) -> None:
    calls = two.calls()
    calls.before[number] = lambda: two.take(progress(30, 95, "old@example.com", OTHER_COURSE))

    merging(two, calls).merge("ada", "old")

    record = two.record("ada", OTHER_COURSE)
    assert record.attempts[0].progress == 95
    assert two.record("old", OTHER_COURSE).version == 0


@pytest.mark.parametrize("number", range(14))
def test_a_launch_that_comes_in_between_ends_up_with_its_own(two: Lab, number: int) -> None:
    calls = two.calls()

    def launch() -> None:
        evidence = Evidence(launches=frozenset({two.at(40)}))
        RecordStore(two.table, two.id).add("old", COURSE, "old", evidence, DURATION, two.at(40))

    calls.before[number] = launch

    merging(two, calls).merge("ada", "old")

    assert two.record("ada").parts["old"].launches == {two.at(40)}
    assert two.record("old").version == 0


@pytest.mark.parametrize("number", range(14))
def test_whoever_is_changed_while_they_are_parted_is_parted_to_the_end(two: Lab, number: int) -> None:
    merging(two).merge("ada", "old")
    calls = two.calls()

    def rename() -> None:
        before = two.find("old")
        assert before
        two.table.put(replace(before, name="Ada B.", version=before.version + 1).to_item())

    calls.before[number] = rename

    parted = merging(two, calls).part("old")

    assert (parted.parting_from, parted.kept_apart) == (None, ("ada",))
    assert two.find("old") == parted


@pytest.mark.parametrize("number", range(14))
def test_two_who_part_the_same_learner_at_once_part_them_once(two: Lab, number: int) -> None:
    before = essence(two)
    merging(two).merge("ada", "old")
    calls = two.calls()
    calls.before[number] = lambda: merging(two).part("old")

    with suppress(Conflict):  # they are apart already
        merging(two, calls).part("old")

    assert essence(two) == before


REFUSED: dict[str, tuple[str, str, type[Exception]]] = {
    "themselves": ("ada", "ada", InvalidRequest),
    "nobody": ("ada", "nobody", NotFound),
    "into nobody": ("nobody", "ada", NotFound),
    "one who was merged": ("third", "old", Conflict),
    "into one who was merged": ("old", "third", Conflict),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_merged_is_refused(two: Lab, name: str) -> None:
    survivor, other, error = REFUSED[name]
    two.learner(email="third@example.com", id="third")
    merging(two).merge("ada", "old")

    with pytest.raises(error):
        merging(two).merge(survivor, other)


def test_one_who_is_just_being_parted_is_not_merged(two: Lab) -> None:
    two.learner(email="third@example.com", id="third", parting_from="ada")

    with pytest.raises(Conflict, match="being undone"):
        merging(two).merge("old", "third")


def test_one_who_was_not_merged_is_not_parted(two: Lab) -> None:
    with pytest.raises(Conflict):
        merging(two).part("old")


def test_when_the_time_runs_out_the_same_request_goes_on(two: Lab) -> None:
    with pytest.raises(Unavailable, match="to continue"):
        Merging(two.table, two.id, time_is_up=lambda: True).merge("ada", "old")

    merging(two).merge("ada", "old")

    assert two.record("old").version == 0


def refusing(two: Lab, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    real, made = changes.write, []

    def write(table: Any, actions: Any) -> bool:
        made.append(1)
        return real(table, actions) if len(made) <= after else False

    monkeypatch.setattr(changes, "write", write)


@pytest.mark.parametrize("after", range(4))
def test_writers_without_end_make_merging_unavailable(two: Lab, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    refusing(two, monkeypatch, after)

    with pytest.raises(Unavailable):
        merging(two).merge("ada", "old")


@pytest.mark.parametrize("after", range(6))
def test_writers_without_end_make_parting_unavailable(two: Lab, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    merging(two).merge("ada", "old")
    refusing(two, monkeypatch, after)

    with pytest.raises(Unavailable):
        merging(two).part("old")


def test_a_record_of_a_learner_who_is_gone_is_not_found(two: Lab) -> None:
    with pytest.raises(NotFound):
        RecordStore(two.table, two.id).add("nobody", COURSE, "nobody", Evidence(), DURATION, two.at(1))


def test_a_learner_without_records_is_merged_all_the_same(lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="ada")
    lab.learner(email="old@example.com", id="old")

    assert isinstance(merging(lab).merge("ada", "old"), Learner)


def test_going_on_with_a_merge_that_was_taken_back_does_nothing(two: Lab) -> None:
    before = essence(two)

    assert merging(two).go_on("ada", "old").id == "ada"

    assert essence(two) == before


def test_writers_without_end_make_the_end_of_a_merge_unavailable(two: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="to continue"):
        Merging(two.table, two.id, time_is_up=lambda: True).merge("ada", "old")

    with monkeypatch.context() as busy:
        busy.setattr(Merging, "_written", lambda *_: False)
        with pytest.raises(Unavailable, match="other writers"):
            merging(two).go_on("ada", "old")

    merging(two).go_on("ada", "old")
    assert two.record("old").version == 0
