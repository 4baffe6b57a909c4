from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.xapi.verbatim import Fragment, decoded, encoded, fragments, members, object_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
INDENT = st.sampled_from([None, 0, 2])


@given(st.lists(JSON), INDENT)
def test_an_array_falls_into_the_texts_of_its_elements(elements: list[object], indent: int | None) -> None:
    found = fragments(json.dumps(elements, indent=indent))

    assert isinstance(found, list)
    assert [fragment.value for fragment in found] == elements
    assert [json.loads(fragment.raw) for fragment in found] == elements


@given(st.dictionaries(st.text(), JSON), INDENT)
def test_an_object_is_put_together_from_its_members(value: dict[str, object], indent: int | None) -> None:
    texts = members(json.dumps(value, indent=indent))

    assert list(texts) == list(value)
    assert json.loads(object_text(texts)) == value


@given(JSON, INDENT)
def test_what_is_decoded_and_encoded_again_says_the_same(value: object, indent: int | None) -> None:
    assert json.loads(encoded(decoded(json.dumps(value, indent=indent)))) == value


@given(st.text(max_size=40))
def test_text_is_accepted_exactly_when_it_is_json(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(ValueError, match=r"\S"):
            fragments(text)
        return
    found = fragments(text)
    assert ([one.value for one in found] if isinstance(found, list) else found.value) == expected


def test_numbers_and_escapes_stay_as_they_were_sent() -> None:
    text = ' [ {"a": 1.10, "b": "\\u00e9"} ,2e2] '

    assert fragments(text) == [Fragment('{"a": 1.10, "b": "\\u00e9"}', {"a": 1.1, "b": "é"}), Fragment("2e2", 200.0)]
    assert members('{"a": 1.10, "b": "\\u00e9"}') == {"a": "1.10", "b": '"\\u00e9"'}


@pytest.mark.parametrize(
    "text", ["", "[", "[1", "[1,", "[1,]", "[1 2]", "{", "{} {}", "[] 1", "NaN", "[Infinity]", "[-Infinity]"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        fragments(text)


def test_of_a_repeated_member_the_last_counts() -> None:
    assert members('{"a": 1, "a": 2}') == {"a": "2"}
