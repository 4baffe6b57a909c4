"""Compressed courses and elements stay readable for as long as the table lives."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge import json_text
from coursebridge.storage.packing import WORDS, pack, unpack

COURSE = json_text.canonical(
    {
        "classifications": [{"name": "Excel", "paths": [[]], "type": "TOPIC", "urn": "urn:li:lyndaCategory:7001"}],
        "locale": "en_US",
        "title": "Excel",
        "type": "COURSE",
        "urn": "urn:li:lyndaCourse:252",
    }
)


@given(st.binary(max_size=5_000))
def test_what_was_packed_comes_out_again(text: bytes) -> None:
    assert unpack(pack(text)) == text


def test_what_lies_in_tables_stays_readable() -> None:
    kept = bytes.fromhex(
        "783fb67fa4d9039a8c5215839237ac7a5172ad4806662048d10b9240ee671053f31918404a239837806e8534a0614d52"
        "980544bbd8c8d448a91600f6e73a53"
    )

    assert unpack(kept) == COURSE, "the words were changed: courses that were written with the old ones are lost"


def test_a_course_takes_less_room_than_it_would_without_the_words() -> None:
    assert len(pack(COURSE)) < len(zlib.compress(COURSE)) / 2


@given(st.data())
def test_a_text_that_is_not_whole_is_refused(data: st.DataObject) -> None:
    packed = pack(COURSE)
    cut = data.draw(st.integers(0, len(packed) - 1))

    with pytest.raises(zlib.error):
        unpack(packed[:cut])


def test_other_words_are_told_apart() -> None:
    packing = zlib.compressobj(zdict=WORDS + b"more")
    packed = packing.compress(COURSE) + packing.flush()

    with pytest.raises(zlib.error):
        unpack(packed)
