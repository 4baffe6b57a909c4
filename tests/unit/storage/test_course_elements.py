from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.json_text import canonical
from coursebridge.storage.course_elements import BUNDLE_BYTES, bundles_of, element_in, element_item
from coursebridge.storage.courses import LARGEST_ITEM_BYTES, CourseStore, Write
from learning_lab import ACME, stored

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

NUMBERS = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(st.none() | st.booleans() | NUMBERS | st.text(), lambda inner: st.lists(inner, max_size=3))
ELEMENTS = st.dictionaries(st.text(min_size=1), st.dictionaries(st.text(), JSON, max_size=3), min_size=1, max_size=8)


@given(ELEMENTS)
def test_each_element_comes_out_of_the_bundle_as_it_went_in(elements: dict[str, dict[str, object]]) -> None:
    [bundle] = bundles_of((urn, canonical(element)) for urn, element in elements.items())

    assert {urn: element_in(bundle.item(ACME), urn) for urn in elements} == elements


@given(ELEMENTS)
def test_an_element_alone_comes_out_as_it_went_in(elements: dict[str, dict[str, object]]) -> None:
    for urn, element in elements.items():
        assert element_in(element_item(ACME, urn, canonical(element)), urn) == element


@given(st.lists(st.integers(1, BUNDLE_BYTES - 1), max_size=40))
def test_no_bundle_is_larger_than_an_item_and_none_is_left_out(sizes: list[int]) -> None:
    elements = {f"urn:{number}": b"x" * size for number, size in enumerate(sizes)}

    bundles = list(bundles_of(elements.items()))

    assert all(len(bundle.text) <= BUNDLE_BYTES for bundle in bundles)
    assert [(urn, element) for bundle in bundles for urn, element in bundle.elements.items()] == [*elements.items()]


def test_a_bundle_of_what_cannot_be_compressed_fits_into_an_item() -> None:
    [bundle] = bundles_of([("urn:1", os.urandom(BUNDLE_BYTES - 1))])

    assert len(bundle.item(ACME)["elements"]) < LARGEST_ITEM_BYTES


def test_the_same_content_is_the_same_bundle_and_other_content_another() -> None:
    one, same, other = (next(bundles_of([("urn:1", text)])) for text in (b"{}", b"{}", b'{"a":1}'))

    assert one.item(ACME) == same.item(ACME)
    assert one.id != other.id


@pytest.mark.parametrize("size", [BUNDLE_BYTES - 100, BUNDLE_BYTES, 3 * BUNDLE_BYTES])
def test_a_new_course_keeps_its_element_however_large(table: Table, size: int) -> None:
    courses, element = CourseStore(table, ACME), {"urn": "urn:1", "text": "x" * size}
    write = Write(stored("urn:1"), stored("urn:1").course, canonical(element), is_new=True)

    assert not write.is_too_large
    courses.write([write])

    kept = courses.get("urn:1")
    assert kept is not None
    assert bool(kept.bundle) is write.is_bundled
    assert courses.element(kept) == element


def test_what_cannot_be_compressed_into_an_item_is_too_large() -> None:
    element = canonical({"text": os.urandom(LARGEST_ITEM_BYTES).hex() * 2})

    assert Write(stored(), stored().course, element, is_new=True).is_too_large
