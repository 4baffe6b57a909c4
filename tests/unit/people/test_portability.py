"""Everything that is stored about a person can be handed to them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.people import portability
from coursebridge.people.merging import Merging
from coursebridge.people.portability import held_about
from people_lab import Lab, completion, progress

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def ada(lab: Lab) -> Lab:
    lab.learner(email="ada@example.com", id="1")
    lab.learner(email="old@example.com", id="2")
    lab.learner(email="bob@example.com", id="3")
    Merging(lab.table, lab.id).merge("1", "2")
    lab.take(*(progress(n, n) for n in range(15)), completion(20, "old@example.com"), completion(3, "bob@example.com"))
    return lab


def everything(
    lab: Lab, limit: int, between: Callable[[int], None] = lambda _pages: None
) -> tuple[list[dict[str, Any]], int]:
    items: list[dict[str, Any]] = []
    position, pages = None, 0
    while True:
        learner = lab.find("1")
        assert learner
        held = held_about(lab.table, learner, json.loads(json.dumps(position)), limit)
        assert len(held.items) <= limit
        items, pages = items + held.items, pages + 1
        between(pages)
        position = held.position
        if position is None:
            return items, pages


@pytest.mark.parametrize(("limit", "pages"), [(1000, 1), (1, 6)])
def test_all_of_it_comes_page_by_page(ada: Lab, limit: int, pages: int) -> None:
    items, made = everything(ada, limit)
    kinds = [item["kind"] for item in items]

    assert made >= pages
    assert (kinds.count("learner"), kinds.count("record"), kinds.count("statement")) == (2, 1, 16)
    assert "bob@example.com" not in json.dumps(items)
    assert all("PK" not in item["data"] for item in items)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_who_is_merged_between_two_pages_is_exported_with_all_statements_once(lab: Lab, after: int) -> None:
    lab.learner(email="ada@example.com", id="1")
    lab.learner(email="old@example.com", id="2")
    lab.take(*(progress(n, n) for n in range(15)), completion(20, "old@example.com"))

    def merge(pages: int) -> None:
        if pages == after:
            Merging(lab.table, lab.id).merge("1", "2")

    items, pages = everything(lab, 1, merge)

    assert pages > after
    sent = Counter(item["data"]["statement_id"] for item in items if item["kind"] == "statement")
    assert sent == dict.fromkeys(sent, 1)
    assert len(sent) == 16
    assert [item["data"]["id"] for item in items if item["kind"] == "learner"] == ["1", "2"]


def test_what_was_sent_while_a_person_was_merged_is_theirs(lab: Lab) -> None:
    merging = Merging(lab.table, lab.id)
    lab.learner(email="ada@example.com", id="1")
    lab.learner(email="bob@example.com", id="2")
    merging.merge("2", "1")
    lab.take(progress(1, 10), completion(2), progress(3, 30, "bob@example.com"))
    merging.part("1")

    items, _ = everything(lab, 100)

    assert [item["kind"] for item in items].count("statement") == 2
    assert "bob@example.com" not in json.dumps(items)


def test_a_page_stays_within_what_an_answer_may_have(ada: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portability, "MOST_BYTES", 1000)

    _, pages = everything(ada, 1000)

    assert pages > 3


def test_what_is_held_for_a_shared_identifier_is_nobodys_yet(lab: Lab) -> None:
    lab.learner(email="team@example.com", id="1")
    lab.learner(email="team@example.com", id="2")
    lab.take(completion(1, "team@example.com"))

    items, _ = everything(lab, 100)

    assert [item["kind"] for item in items] == ["learner"]
