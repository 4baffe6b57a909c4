"""JSON as orjson reads and writes it, and as the standard library does where orjson refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert json_text.loads(json_text.canonical(value)) == value


@given(st.dictionaries(st.text(), VALUES))
def test_the_order_of_members_does_not_matter(value: dict[str, Any]) -> None:
    assert json_text.canonical(dict(reversed(value.items()))) == json_text.canonical(value)


@given(VALUES)
def test_both_libraries_read_the_same(value: Any) -> None:
    assert json_text.loads(json.dumps(value).encode()) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b'{"title": "half \\ud83d"}', {"title": "half ?"}),
        (b'{"title": "whole \\ud83d\\ude00"}', {"title": "whole \N{GRINNING FACE}"}),
        (b'\xef\xbb\xbf{"n": 1}', {"n": 1}),
        ('{"n": "\u00fc"}'.encode("utf-16"), {"n": "\u00fc"}),
        (b'{"n": Infinity}', {"n": float("inf")}),
    ],
)
def test_what_orjson_refuses_is_read_all_the_same(text: bytes, read: Any) -> None:
    assert json_text.loads(text) == read


@pytest.mark.parametrize("text", [b"", b"<html>", b'{"n": 1', b"\xff\xfe\xfd", b"[" * 100_000])
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|char|column|decode|nested"):
        json_text.loads(text)


def test_integers_of_any_size_and_halves_of_pairs_are_written() -> None:
    assert json_text.canonical({"b": 2**70, "a": "\ud83d"}) == b'{"a":"\xed\xa0\xbd","b":1180591620717411303424}'
