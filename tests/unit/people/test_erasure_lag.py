"""Statements that appear in the indexes late are emptied, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.people.erasure import Erasure
from coursebridge.storage import keys
from people_lab import PSEUDONYM_KEY, Lab, completion

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table


def test_a_statement_that_shows_late_in_the_index_is_emptied(table: Table) -> None:
    lab = Lab(table)
    lab.learner(email="ada@example.com", id="1")
    [statement_id] = lab.send(completion(1))
    lab.apply()
    place = keys.statement(lab.id, statement_id)
    stored = lab.statement(statement_id)
    table.update(place, "REMOVE GSI2PK, GSI2SK")

    def show() -> None:
        values = {":pk": stored["GSI2PK"], ":sk": stored["GSI2SK"]}
        table.update(place, "SET GSI2PK = :pk, GSI2SK = :sk", values)

    erasure = Erasure(table, lab.id, lambda: PSEUDONYM_KEY, lambda: lab.now, let_indexes_follow=show)

    assert erasure.erase("1")
    assert lab.outcome(statement_id) == ("ignored", "erased")


def test_when_the_time_runs_out_while_indexes_follow_the_same_call_goes_on(table: Table) -> None:
    lab = Lab(table)
    lab.learner(email="ada@example.com", id="1")
    lab.take(completion(1))
    late: list[int] = []
    place = keys.statement(lab.id, lab.send(completion(2))[0])
    lab.apply()
    stored = table.get(place) or {}
    table.update(place, "REMOVE GSI2PK, GSI2SK")

    def show() -> None:
        values = {":pk": stored["GSI2PK"], ":sk": stored["GSI2SK"]}
        table.update(place, "SET GSI2PK = :pk, GSI2SK = :sk", values)
        late.append(1)

    def erasure(time_is_up: Callable[[], bool]) -> Erasure:
        now = lambda: lab.now  # noqa: E731  (keeps the call below short)
        return Erasure(table, lab.id, lambda: PSEUDONYM_KEY, now, time_is_up, show)

    assert not erasure(lambda: bool(late)).erase("1")
    assert erasure(lambda: False).erase("1")
    assert lab.outcome(stored["statement_id"]) == ("ignored", "erased")
