"""Evidence from sources other than statements: launches, AICC, reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.errors import Unavailable
from coursebridge.records.evidence import Completion, Evidence
from coursebridge.storage import statement_outcomes
from coursebridge.storage.record_store import RecordStore
from coursebridge.storage.table import Table, TransactionRefused
from people_lab import COURSE, DURATION, Lab, completion

if TYPE_CHECKING:
    from coursebridge.storage.records import Record


@pytest.fixture
def ada(lab: Lab) -> Lab:
    lab.learner(email="ada@example.com")
    return lab


def add(lab: Lab, evidence: Evidence, table: Table | None = None) -> Record:
    return RecordStore(table or lab.table, lab.id).add("ada", COURSE, "ada", evidence, DURATION, lab.at(9))


def launched(lab: Lab, minute: int) -> Evidence:
    return Evidence(launches=frozenset({lab.at(minute)}))


def test_a_record_is_read_back_as_it_was_written(ada: Lab) -> None:
    store = RecordStore(ada.table, ada.id)

    assert store.get("ada", COURSE).version == 0
    assert store.get("ada", COURSE) != add(ada, launched(ada, 1)) == store.get("ada", COURSE)


def test_the_same_evidence_again_costs_one_read_and_no_write(ada: Lab) -> None:
    before = add(ada, launched(ada, 1))
    calls = ada.calls()

    assert add(ada, launched(ada, 1), calls.table) == before
    assert calls.made == ["batch_get_item"]


@pytest.mark.parametrize("number", range(2))
def test_two_writers_at_once_both_get_theirs_in(ada: Lab, number: int) -> None:
    calls = ada.calls()
    calls.before[number] = lambda: add(ada, launched(ada, 2))

    record = add(ada, launched(ada, 1), calls.table)

    assert record.parts["ada"].launches == {ada.at(1), ada.at(2)}


@pytest.mark.parametrize("refusal", [Unavailable("busy"), TransactionRefused(["TransactionConflict"], [{}])])
def test_a_table_that_stays_busy_is_unavailable(ada: Lab, monkeypatch: pytest.MonkeyPatch, refusal: Exception) -> None:
    def refuse(_table: Table, _actions: Any) -> None:
        raise refusal

    monkeypatch.setattr(Table, "transact", refuse)
    monkeypatch.setattr("coursebridge.storage.record_store.time.sleep", lambda _seconds: None)

    with pytest.raises(Unavailable):
        add(ada, launched(ada, 1))


def test_a_statement_that_was_emptied_is_not_turned(ada: Lab) -> None:
    [statement_id] = ada.send(completion(5))
    ada.apply()
    ada.table.transact([statement_outcomes.empty(ada.table, ada.statement(statement_id), ada.at(6))])

    add(ada, Evidence(completions={"session": Completion(ada.at(1), "aicc")}))

    assert ada.outcome(statement_id) == ("ignored", "erased")
