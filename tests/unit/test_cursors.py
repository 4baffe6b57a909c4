from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.auth.signing import SigningKeys
from coursebridge.cursors import Cursors
from coursebridge.errors import InvalidRequest

OLD, NEW = {"kid": "k1", "key": "o" * 64}, {"kid": "k2", "key": "n" * 64}


def cursors(*keys: dict[str, str]) -> Cursors:
    held = list(keys or (NEW,))
    return Cursors(SigningKeys(lambda **_: {"keys": held}))


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.text())
def test_a_position_comes_back_as_it_was_sealed(position: dict[str, object], context: str) -> None:
    assert cursors().open(cursors().seal(position, context), context) == position


def test_a_cursor_outlives_the_rotation_of_keys() -> None:
    assert cursors(OLD, NEW).open(cursors(OLD).seal({"at": 1}, "list"), "list") == {"at": 1}


def test_a_cursor_signed_with_a_key_that_is_gone_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        cursors(NEW).open(cursors(OLD).seal({}, "list"), "list")


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not a cursor of this list") as refusal:
        cursors().open(cursors().seal({}, "one list"), "another")

    assert refusal.value.errors[0].field == "cursor"


@pytest.mark.parametrize(
    "claims",
    [{}, {"aud": "coursebridge-cursor"}, {"aud": "coursebridge", "ctx": "", "pos": {}}, {"aud": "x", "ctx": ""}],
)
def test_another_token_of_the_same_key_is_no_cursor(claims: dict[str, object]) -> None:
    token = jwt.encode(claims, NEW["key"], algorithm="HS256", headers={"kid": "k2"})

    with pytest.raises(InvalidRequest):
        cursors().open(token, "list")


@given(st.text())
def test_any_text_that_was_not_sealed_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        cursors().open(text, "list")
