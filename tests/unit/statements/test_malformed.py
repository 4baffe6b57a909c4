"""Malformed statements: each is refused with a reason, or stored so that it can be applied and read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coursebridge.apply.judge import Rules, at_first_sight, evidence_of
from coursebridge.xapi.query import READERS
from coursebridge.xapi.statement import facts_of
from xapi_builders import changed, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from answers import Answer
    from unit.statements.conftest import Api

MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RULES = Rules("email", "open", "2000-01-01T00:00:00.000Z")
VERSION = {"X-Experience-API-Version": "1.0.3"}
WHOLE = statement(
    context={
        "registration": "2c9a1b52-55bb-4b4c-8d83-9e1c0a3b7a11",
        "instructor": {"mbox": "mailto:i@example.com"},
        "contextActivities": {"parent": [{"id": "urn:li:lyndaCourse:1"}]},
        "language": "en-US",
        "extensions": {"https://example.com/x": 1},
    },
    attachments=[],
    version="1.0.0",
)
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *("", " ", "\x00", "\ud800", "é" * 3000, "mailto:", "urn:", "-1", "1e999", "2021-13-45", "P1Y", "x" * 300),
        *(10**30, -1, 0.1, float("inf"), True, None, [], {}, [[]], {"": {}}, {"id": None}, [None]),
    ]
)
JUNK = ODD | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value: dict[str, Any], way: str = "") -> Iterator[str]:
    """Yield the dotted paths of the members at any depth, except those whose names hold a dot."""
    for name, inner in value.items():
        if "." not in name:
            yield f"{way}{name}"
            if isinstance(inner, dict):
                yield from places(inner, f"{way}{name}.")


PLACES = sorted({*places(WHOLE), "stored", "authority", "colour", "result.score", "object.definition.choices"})
WRONG = st.dictionaries(st.sampled_from(PLACES), st.just(...) | JUNK, min_size=1, max_size=3)


def made_wrong(changes: dict[str, Any]) -> dict[str, Any]:
    """Return a statement with these members replaced or removed, the innermost first, while they still exist."""
    whole = WHOLE
    for place, value in sorted(changes.items(), key=lambda change: -change[0].count(".")):
        whole = changed(whole, place, value)
    return whole


def assert_refused_or_usable(api: Api, answer: Answer) -> None:
    if answer.status != 200:
        assert answer.status in {400, 409, 413}, answer.text
        assert answer.json["detail"]
        return
    for id_ in answer.json:
        item = api.stored(id_.lower()) or api.stored(id_)
        assert item is not None
        facts = facts_of(item)
        if at_first_sight(facts, RULES) is None:
            evidence_of(facts)
        for format_ in ("exact", "canonical", "ids"):
            query = {"statementId": id_, "format": format_}
            assert api.call("GET", query=query, headers=VERSION).status == 200


@MANY
@given(changes=WRONG)
def test_a_lenient_integration_refuses_it_or_can_use_it(api: Api, changes: dict[str, Any]) -> None:
    assert_refused_or_usable(api, api.post(made_wrong(changes)))


@MANY
@given(changes=WRONG)
def test_a_strict_integration_refuses_it_or_can_use_it(strict_api: Api, changes: dict[str, Any]) -> None:
    assert_refused_or_usable(strict_api, strict_api.post(made_wrong(changes), headers=VERSION))


@MANY
@given(at=st.integers(0, 400), cut=st.integers(0, 40), filling=st.text(max_size=5))
def test_a_damaged_text_is_refused_or_can_be_used(api: Api, at: int, cut: int, filling: str) -> None:
    text = json.dumps(WHOLE)

    assert_refused_or_usable(api, api.post(text[:at] + filling + text[at + cut :]))


@MANY
@given(query=st.dictionaries(st.sampled_from([*READERS, "more", "x"]), st.text(max_size=40), min_size=1, max_size=3))
def test_any_query_is_answered_or_refused(api: Api, query: dict[str, str]) -> None:
    assert api.get(**query).status in {200, 400, 404}


@pytest.mark.parametrize("validation", ["lenient", "strict"])
def test_the_statement_they_start_from_is_taken(connect: Callable[..., Api], validation: str) -> None:
    api = connect(validation=validation)

    assert api.post(WHOLE, headers=VERSION).status == 200
