"""Keys fit into DynamoDB whatever a sender names, and are found by their prefixes."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.errors import InvalidRequest
from coursebridge.storage import keys
from coursebridge.storage.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

anything = st.text(min_size=1, max_size=3000)


@given(anything, anything, st.text(max_size=200), st.sampled_from(["email", "external_id"]))
def test_a_key_fits_whatever_is_named(object_id: str, value: str, statement_id: str, kind: str) -> None:
    made = [
        keys.course("i", object_id),
        keys.identity("i", kind, value),
        keys.pending("i", "held", "course_unknown", object_id, "2026-01-01T00:00:00.000Z", statement_id),
    ]

    assert all(len(key.pk.encode()) <= 2048 and len(key.sk.encode()) <= 1024 for key in made)


@given(anything)
def test_statements_that_wait_are_found_by_what_they_wait_for(awaited: str) -> None:
    key = keys.pending("i", "held", "course_unknown", awaited, "2026-01-01T00:00:00.000Z", "s")

    assert key.sk.startswith(keys.pending_prefix("held", "course_unknown", awaited))
    assert key.sk.startswith(keys.pending_prefix("held", "course_unknown"))


def test_a_real_identifier_stays_readable() -> None:
    assert keys.course("i", "urn:li:lyndaCourse:252").sk == "urn:li:lyndaCourse:252"


@given(anything)
def test_a_course_and_its_detail_lie_in_one_of_the_partitions_of_the_catalogue(urn: str) -> None:
    shares = list(zip(keys.course_partitions("i"), keys.course_detail_partitions("i"), strict=True))

    assert (keys.course("i", urn).pk, keys.course_detail("i", urn).pk) in shares


def test_a_catalogue_is_spread_evenly_over_its_partitions() -> None:
    spread = Counter(keys.course("i", f"urn:li:lyndaCourse:{number}").pk for number in range(16_000))

    assert sorted(spread) == keys.course_partitions("i")
    assert all(800 < courses < 1_200 for courses in spread.values())


@given(st.text(min_size=1, max_size=200))
def test_any_name_of_a_group_fits(group: str) -> None:
    entry, path = keys.library_entry("i", group, "urn:li:lyndaCourse:252"), keys.paths_of_group("i", group, "p")

    assert entry.item()["SK"].startswith(keys.library_prefix(group))
    assert path.item(keys.GSI1)


@pytest.mark.parametrize("key", [keys.statement("i", "x" * 2048), keys.path("i", "x" * 1025)])
def test_an_identifier_no_key_can_hold_is_the_callers_mistake(key: keys.Key) -> None:
    with pytest.raises(InvalidRequest):
        key.item()


def listed() -> set[tuple[str, str]]:
    """Return every key and index key in the table of the module's docstring; what varies in them is `*`."""
    rows = [row.split("|")[1:-1] for row in (keys.__doc__ or "").splitlines() if row.startswith("| ")]
    cells = [[re.sub(r"[a-z][\w ]*", "*", cell.strip()) for cell in row[1:]] for row in rows]
    return {pair for row in cells for pair in zip(row[::2], row[1::2], strict=False) if all(pair)}


@pytest.mark.parametrize(
    "make",
    [make for _, make in inspect.getmembers(keys, inspect.isfunction) if make.__annotations__.get("return") is Key],
    ids=lambda make: make.__name__,
)
def test_the_table_of_keys_lists_every_key_there_is(make: Callable[..., Key]) -> None:
    parts = [0 if kind is int else "~" for name, kind in make.__annotations__.items() if name != "return"]
    pk, sk = make(*parts)

    assert [one for one in listed() if fnmatchcase(pk, one[0]) and fnmatchcase(sk, one[1])]
