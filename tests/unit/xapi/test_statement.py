"""Facts, ids, and what even the least demanding check refuses."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.xapi import actors, lenient
from coursebridge.xapi.actors import Identifier
from coursebridge.xapi.statement import Facts, facts_of, read, statement_id, timestamp_text, voids
from xapi_builders import COMPLETED, PROGRESS, PROGRESSED, changed, statement, voiding

EVENTS = Path(__file__).resolve().parents[3] / "events"
STORED = datetime(2021, 9, 1, tzinfo=UTC)
UPPER = "6A9FEFBB-3517-4B92-9D5E-5710AABA924F"


def facts(whole: dict[str, Any]) -> Facts:
    assert lenient.errors(whole) == []
    return read(whole, "s1", STORED)


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


def test_the_recorded_progress_statement_is_understood() -> None:
    assert facts(event("statement-progressed")) == Facts(
        statement_id="s1",
        timestamp=datetime(2021, 8, 18, 4, 44, 23, 764000, UTC),
        email="bolobala@example.com",
        account_name=None,
        verb_id=PROGRESSED,
        object_id="urn:li:lyndaCourse:1222",
        object_type="Activity",
        progress=39,
        duration_seconds=None,
        is_completion=False,
    )


def test_the_recorded_completion_statement_is_understood() -> None:
    found = facts(event("statement-completed"))

    assert (found.is_completion, found.progress, found.duration_seconds) == (True, 100, 270)


@pytest.mark.parametrize(
    ("verb", "completion", "is_completion"),
    [
        (COMPLETED, True, True),
        (COMPLETED, None, True),
        (COMPLETED, False, True),
        (PROGRESSED, True, True),
        (PROGRESSED, "true", True),
        (PROGRESSED, False, False),
        (PROGRESSED, None, False),
        ("http://example.com/verbs/odd", None, False),
    ],
)
def test_verb_or_result_makes_a_completion(verb: str, completion: object, is_completion: bool) -> None:
    whole = statement(verb={"id": verb}, result={"completion": completion})

    assert facts(whole).is_completion is is_completion


def test_odd_results_say_nothing() -> None:
    odd = {"completion": "maybe", "duration": "a while", "extensions": {PROGRESS: "many"}}

    assert said(facts(statement(verb={"id": PROGRESSED}, result=odd))) == (False, None, None)


def said(found: Facts) -> tuple[bool, int | None, int | None]:
    return found.is_completion, found.progress, found.duration_seconds


@pytest.mark.parametrize("result", [None, [], "done", {"extensions": []}, {"extensions": None}])
def test_a_result_of_another_type_says_nothing(result: object) -> None:
    assert said(facts(statement(verb={"id": PROGRESSED}) | {"result": result})) == (False, None, None)


@pytest.mark.parametrize(
    ("actor", "identifier", "email", "account"),
    [
        ({"mbox": "mailto:A@Example.com"}, ("email", "A@Example.com"), "A@Example.com", None),
        ({"mbox": "MAILTO: a@example.com "}, ("email", "a@example.com"), "a@example.com", None),
        ({"mbox": "a@example.com"}, ("email", "a@example.com"), "a@example.com", None),
        ({"account": {"homePage": "https://example.com", "name": "E1"}}, ("account", "E1"), None, "E1"),
        ({"account": {"name": " E1 "}}, ("account", "E1"), None, "E1"),
        ({"account": {"name": " "}, "openid": "x:a"}, ("openid", "x:a"), None, None),
        (
            {"mbox": "mailto:a@example.com", "account": {"name": "E1"}},
            ("email", "a@example.com"),
            "a@example.com",
            "E1",
        ),
        ({"mbox_sha1sum": "ab"}, ("mbox_sha1sum", "ab"), None, None),
        ({"openid": "https://example.com/a"}, ("openid", "https://example.com/a"), None, None),
        ({"objectType": "Group", "member": []}, None, None, None),
        ({}, None, None, None),
        ({"mbox": ""}, None, None, None),
        ({"mbox": "mailto:"}, None, None, None),
        ({"mbox": 7, "account": "E1"}, None, None, None),
        ({"mbox": "mailto:\ud800@example.com"}, None, None, None),
        ({"account": {"name": ["E1"]}}, None, None, None),
    ],
)
def test_an_actor_is_filed_under_what_it_is_identified_by(
    actor: dict[str, Any], identifier: tuple[str, str] | None, email: str | None, account: str | None
) -> None:
    found = facts(statement(actor=actor))

    assert actors.identifier(actor) == (Identifier(*identifier) if identifier else None)
    assert (found.email, found.account_name) == (email, account)


def test_the_digest_of_an_identifier_has_no_letter_case() -> None:
    assert Identifier("email", "A@EXAMPLE.com").digest() == Identifier("email", "a@example.com").digest()
    assert Identifier("account", "a@example.com").digest() != Identifier("email", "a@example.com").digest()


def test_the_time_of_storing_stands_in_for_a_missing_timestamp() -> None:
    assert facts(statement() | {"timestamp": None}).timestamp == STORED
    assert timestamp_text({}) is None


def test_facts_are_read_again_from_the_table() -> None:
    whole = statement(id=UPPER)
    item = {"raw": json.dumps(whole), "statement_id": "s1", "stored_at": "2021-09-01T00:00:00.000Z"}

    assert facts_of(item) == facts(whole)


def test_a_uuid_is_kept_in_lower_case_and_any_other_id_as_it_is() -> None:
    assert statement_id({"id": UPPER}) == UPPER.lower()
    assert statement_id({"id": "Not-A-UUID"}) == "Not-A-UUID"


def test_a_statement_without_id_gets_the_same_one_when_it_comes_again() -> None:
    whole = changed(statement(), "id", ...)
    repeat = changed(whole, "timestamp", "2021-08-22T21:49:27.605+02:00")
    later = changed(whole, "timestamp", "2021-08-22T19:49:28Z")

    assert uuid.UUID(statement_id(whole)).version == 5
    assert statement_id(whole) == statement_id(repeat) != statement_id(later)


def test_a_statement_without_id_and_time_gets_a_random_id() -> None:
    whole = changed(changed(statement(), "id", ...), "timestamp", ...)

    assert statement_id(whole, lambda: uuid.UUID(UPPER)) == UPPER.lower()


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ({"objectType": "Activity", "id": "https://example.com/a"}, "https://example.com/a"),
        (
            {"id": "urn:li:lyndaLearningPath:57fbd40f3dd5594c8cb04601"},
            "urn:li:lyndaLearningPath:57fbd40f3dd5594c8cb04601",
        ),
        ({"objectType": "StatementRef", "id": UPPER}, UPPER),
        ({"objectType": "SubStatement"}, None),
        ({"objectType": "Agent", "mbox": "mailto:a@example.com"}, None),
    ],
)
def test_every_kind_of_object_can_be_stored(target: dict[str, Any], found: str | None) -> None:
    assert facts(statement(object=target)).object_id == found


def test_a_voiding_statement_names_what_it_voids() -> None:
    assert voids(voiding(UPPER)) == UPPER.lower()
    assert voids(voiding("x" * 201)) is None
    assert voids(statement()) is None
    assert voids(changed(voiding(UPPER), "object.objectType", "Activity")) is None


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("id", "", "id"),
        ("id", "   ", "id"),
        ("id", 7, "id"),
        ("id", "x" * 201, "id"),
        ("id", "\ud800", "id"),
        ("actor", ..., "actor"),
        ("actor", "a@example.com", "actor"),
        ("verb", ..., "verb"),
        ("verb", COMPLETED, "verb"),
        ("verb.id", ..., "verb.id"),
        ("verb.id", "", "verb.id"),
        ("verb.id", "x" * 2049, "verb.id"),
        ("object", ..., "object"),
        ("object", [], "object"),
        ("object.id", ..., "object.id"),
        ("object.id", 7, "object.id"),
        ("timestamp", "yesterday", "timestamp"),
        ("timestamp", "", "timestamp"),
        ("timestamp", [], "timestamp"),
    ],
)
def test_what_cannot_be_worked_with_is_refused_by_field(path: str, value: object, field: str) -> None:
    assert [error.field for error in lenient.errors(changed(statement(), path, value))] == [field]


@pytest.mark.parametrize("value", [None, 7, "statement", [], True])
def test_a_statement_is_an_object(value: object) -> None:
    assert [error.detail for error in lenient.errors(value)] == ["a statement is a JSON object"]


def nested(levels: int) -> dict[str, Any]:
    inner: Any = 0
    for level in range(levels - 1):
        inner = [inner] if level % 2 else {"x": inner}
    return statement(extra=inner)


@pytest.mark.parametrize(("path", "most"), [("id", 200), ("verb.id", 2048), ("object.id", 2048)])
def test_what_names_something_has_its_bound_in_bytes(path: str, most: int) -> None:
    longest = "é" * (most // 2)

    assert lenient.errors(changed(statement(), path, longest)) == []
    assert [error.field for error in lenient.errors(changed(statement(), path, longest + "e"))] == [path]


def test_a_statement_may_be_a_hundred_levels_deep() -> None:
    assert lenient.errors(nested(lenient.MOST_LEVELS)) == []
    assert [error.field for error in lenient.errors(nested(lenient.MOST_LEVELS + 1))] == [""]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters())
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
NAMES = ("id", "timestamp", "actor", "verb", "object", "result", "context", "extra")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON)))
def test_whatever_passes_the_check_can_be_read(members: dict[str, Any]) -> None:
    whole = statement() | members
    if not lenient.errors(whole):
        found = read(whole, statement_id(whole), STORED)

        assert found == read(json.loads(json.dumps(whole)), found.statement_id, STORED)
