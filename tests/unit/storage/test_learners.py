"""Learners are found by their ids, and by those they had before they were merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coursebridge.errors import NotFound
from coursebridge.storage.learners import MOST_MERGES, Learner, LearnerStore

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

AT = "2026-03-01T10:00:00.000Z"
# By id: whom it is, and who it is after all merges.
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
