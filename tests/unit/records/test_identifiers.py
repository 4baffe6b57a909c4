"""Identifiers are compared in one form, and an erased one is recognised without being readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.records.identifiers import KINDS, Identifier, Kind, digest, normalised, usable


@pytest.mark.parametrize("value", ["Ada@Example.com", " ada@example.com ", "ADA@EXAMPLE.COM"])
def test_addresses_are_compared_without_regard_to_case(value: str) -> None:
    assert normalised("email", value) == Identifier("email", "ada@example.com")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stra\u00dfe@x.org", "STRASSE@X.ORG"),  # the sharp s, which is two letters in capitals
        ("stra\u00dfe@x.org", "STRA\u1e9eE@X.ORG"),
        ("\u03bf\u03b4\u03bf\u03c2@x.org", "\u039f\u0394\u039f\u03a3@X.ORG"),  # the final sigma
        ("\u0390@x.org", "\u03aa\u0301@X.ORG"),  # a Greek letter without a capital of one character
        ("\u0130@x.org", "i\u0307@x.org"),  # the dotted Turkish capital I
        ("\u00e9@x.org", "E\u0301@X.ORG"),
    ],
)
def test_these_are_the_same_address(one: str, other: str) -> None:
    assert normalised("email", one) == normalised("email", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u0131@x.org", "i@x.org"),  # the dotless Turkish i, a letter of its own
        ("\u0130@x.org", "i@x.org"),
        ("\u00e9@x.org", "e@x.org"),
        ("\u03ac@x.org", "\u03b1@x.org"),
        ("\uff41@x.org", "a@x.org"),  # a full-width letter
        ("ada+1@x.org", "ada@x.org"),
        ("a.da@x.org", "ada@x.org"),
    ],
)
def test_these_are_not(one: str, other: str) -> None:
    assert normalised("email", one) != normalised("email", other)


@pytest.mark.parametrize("kind", KINDS)
@given(value=st.text())
def test_the_form_in_which_one_is_compared_is_its_own(kind: Kind, value: str) -> None:
    once = normalised(kind, value)

    assert normalised(kind, once.value) == once


# Without combining marks: behind a letter with two accents, capitals order them otherwise. No address has them.
@given(st.text(st.characters(exclude_categories=("Cs", "Mn", "Mc", "Me"), exclude_characters="\u0131")))
def test_an_address_in_capitals_or_in_none_is_the_same(value: str) -> None:
    assert normalised("email", value.upper()) == normalised("email", value) == normalised("email", value.lower())


def test_user_names_are_compared_as_they_are() -> None:
    assert normalised("username", " Ada ") == Identifier("username", "Ada")


def test_one_spelling_of_a_letter_is_every_spelling_of_it() -> None:
    assert normalised("username", "e\u0301") == normalised("username", "\u00e9")


@pytest.mark.parametrize(("value", "expected"), [("a", True), ("", False), (" ", False), (None, False)])
def test_an_identifier_says_something(value: str | None, expected: bool) -> None:
    assert usable(value) is expected


def test_an_endless_identifier_is_nobodys() -> None:
    assert usable("é" * 256)
    assert not usable("é" * 257)


@given(st.builds(Identifier, st.sampled_from(KINDS), st.text()))
def test_what_a_held_statement_waits_for_names_the_identifier(identifier: Identifier) -> None:
    assert Identifier.awaiting(identifier.awaited) == identifier


def test_a_digest_depends_on_kind_value_and_key() -> None:
    digests = {
        digest(normalised("email", "a@example.com"), "k"),
        digest(normalised("username", "a@example.com"), "k"),
        digest(normalised("email", "b@example.com"), "k"),
        digest(normalised("email", "a@example.com"), "other"),
    }

    assert len(digests) == 4
    assert digest(normalised("email", "A@example.com"), "k") in digests
