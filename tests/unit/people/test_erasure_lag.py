"""Statements that the indexes tell of late are emptied, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.people.erasure import Erasure
from coursebridge.storage import keys
from people_lab import PSEUDONYM_KEY, Lab, completion

if TYPE_CHECKING:
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
