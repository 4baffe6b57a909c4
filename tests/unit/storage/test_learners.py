"""Learners are found by their own ids, and by those of the learners merged into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coursebridge.errors import NotFound, Unavailable
from coursebridge.storage.keys import Key
from coursebridge.storage.learners import MOST_MERGES, Learner, LearnerStore
from coursebridge.storage.table import Table, unchanged

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = "2026-03-01T10:00:00.000Z"
# By id: the learner with this id, and the one who survives all merges.
FOUND: dict[str, tuple[str | None, str | None]] = {
    "ada": ("ada", "ada"),
    "old": ("old", "ada"),
    "older": ("older", "ada"),
    "leaving": (None, None),
    "of leaving": ("of leaving", None),
    "of nobody": ("of nobody", None),
    "circle": ("circle", None),
    "nobody": (None, None),
    "": (None, None),
}


@pytest.fixture
def learners(table: Table) -> LearnerStore:
    merges = {"old": "ada", "older": "old", "of leaving": "leaving", "of nobody": "gone", "circle": "circle"}
    table.put(Learner("acme", "ada", AT).to_item())
    table.put(Learner("acme", "leaving", AT, erasing_at=AT).to_item())
    for one, into in merges.items():
        table.put(Learner("acme", one, AT, merged_into=into).to_item())
    return LearnerStore(table, "acme")


def id_of(learner: Learner | None) -> str | None:
    return learner.id if learner else None


@pytest.mark.parametrize("learner_id", FOUND)
def test_who_is_there_is_found(learners: LearnerStore, learner_id: str) -> None:
    assert (id_of(learners.find(learner_id)), id_of(learners.find_surviving(learner_id))) == FOUND[learner_id]


@pytest.mark.parametrize("learner_id", FOUND)
def test_who_is_not_there_is_refused(learners: LearnerStore, learner_id: str) -> None:
    for read, expected in zip((learners.get, learners.get_surviving), FOUND[learner_id], strict=True):
        if expected:
            assert read(learner_id).id == expected
        else:
            with pytest.raises(NotFound):
                read(learner_id)


def test_one_who_is_being_erased_is_found_by_whoever_asks_for_that(learners: LearnerStore) -> None:
    assert learners.get("leaving", even_erasing=True).erasing_at == AT


def test_a_chain_of_merges_has_an_end(learners: LearnerStore, table: Table) -> None:
    for number in range(MOST_MERGES):
        table.put(Learner("acme", f"{number}", AT, merged_into=f"{number + 1}").to_item())
    table.put(Learner("acme", f"{MOST_MERGES}", AT).to_item())

    assert (id_of(learners.find_surviving("1")), learners.find_surviving("0")) == (f"{MOST_MERGES}", None)


NOTE = Key("LEARNER#acme#note", "NOTE")


def test_what_lies_with_a_learner_is_written_once_a_version(table: Table, learners: LearnerStore) -> None:
    note = table.put_action({**NOTE.item(), "version": 1}, **unchanged(0))

    assert [learners.write_for("ada", note), learners.write_for("ada", note)] == [True, False]


@pytest.mark.parametrize("learner_id", ["leaving", "nobody"])
def test_nothing_is_written_that_lies_with_one_who_is_gone(
    table: Table, learners: LearnerStore, learner_id: str
) -> None:
    with pytest.raises(NotFound):
        learners.write_for(learner_id, table.put_action({**NOTE.item(), "version": 1}, **unchanged(0)))

    assert table.get(NOTE) is None


def test_a_busy_table_is_told_to_who_writes_beside_a_learner(
    table: Table, learners: LearnerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(_self: Table, _actions: Sequence[object]) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(Table, "transact", throttled)

    with pytest.raises(Unavailable):
        learners.write_for("ada", table.put_action(NOTE.item()))
