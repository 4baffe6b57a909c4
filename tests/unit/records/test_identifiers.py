"""Identifiers are compared in one form, and an erased one is known again without being readable."""

from __future__ import annotations

import pytest

from coursebridge.records.identifiers import Identifier, digest, identifier, usable


@pytest.mark.parametrize("value", ["Ada@Example.com", " ada@example.com ", "ADA@EXAMPLE.COM"])
def test_addresses_are_compared_without_regard_to_case(value: str) -> None:
    assert identifier("email", value) == Identifier("email", "ada@example.com")


def test_user_names_are_compared_as_they_are() -> None:
    assert identifier("username", " Ada ") == Identifier("username", "Ada")


def test_one_spelling_of_a_letter_is_every_spelling_of_it() -> None:
    assert identifier("username", "e\u0301") == identifier("username", "\u00e9")


@pytest.mark.parametrize(("value", "expected"), [("a", True), ("", False), (" ", False), (None, False)])
def test_an_identifier_says_something(value: str | None, expected: bool) -> None:
    assert usable(value) is expected


def test_an_endless_identifier_is_nobodys() -> None:
    assert usable("é" * 256)
    assert not usable("é" * 257)


def test_a_digest_depends_on_kind_value_and_key() -> None:
    digests = {
        digest(identifier("email", "a@example.com"), "k"),
        digest(identifier("username", "a@example.com"), "k"),
        digest(identifier("email", "b@example.com"), "k"),
        digest(identifier("email", "a@example.com"), "other"),
    }

    assert len(digests) == 4
    assert digest(identifier("email", "A@example.com"), "k") in digests
