"""What an audit entry keeps of a change."""

from __future__ import annotations

from coursebridge import audit


def test_of_a_long_list_the_beginning_is_kept_and_how_many_more_there_were() -> None:
    urns = [f"urn:li:lyndaCourse:{number}" for number in range(1000)]

    [change] = audit.changes({"filters": {"include_urns": []}}, {"filters": {"include_urns": urns}})

    assert change == {"field": "filters.include_urns", "from": [], "to": [*urns[:100], "and 900 more"]}


def test_a_long_text_is_cut() -> None:
    [change] = audit.changes({"description": None}, {"description": "x" * 3000})

    assert change["to"] == "x" * 2000
