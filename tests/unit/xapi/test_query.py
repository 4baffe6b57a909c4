"""Parameters of GET /xapi/statements, and what they mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.errors import InvalidRequest
from coursebridge.xapi.matching import matches
from coursebridge.xapi.query import READERS, Query
from xapi_builders import COMPLETED, statement

UUID = "6a9fefbb-3517-4b92-9d5e-5710aaba924f"
A, B = {"mbox": "mailto:a@example.com"}, {"mbox": "mailto:b@example.com"}
ACCOUNT = {"account": {"homePage": "https://example.com", "name": "a"}}


def refused(**parameters: str) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        Query.read(parameters)
    return [error.field for error in refusal.value.errors]


def test_every_parameter_is_read() -> None:
    query = Query.read(
        {
            "agent": json.dumps(A),
            "verb": COMPLETED,
            "activity": "urn:li:lyndaCourse:1",
            "registration": UUID.upper(),
            "related_activities": "true",
            "related_agents": "false",
            "since": "2021-08-22T21:49:27 02:00",
            "until": "2021-08-22T19:49:27Z",
            "limit": "5",
            "ascending": "true",
            "format": "ids",
            "attachments": "false",
        }
    )

    assert query == Query(
        agent=A,
        verb=COMPLETED,
        activity="urn:li:lyndaCourse:1",
        registration=UUID,
        related_activities=True,
        since="2021-08-22T19:49:27.000Z",
        until="2021-08-22T19:49:27.000Z",
        limit=5,
        ascending=True,
        format="ids",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("agent", "a@example.com"),
        ("agent", "{}"),
        ("agent", "[]"),
        ("agent", "[" * 10_000),
        ("verb", "completed"),
        ("verb", ""),
        ("activity", "course"),
        ("registration", "1"),
        ("since", "yesterday"),
        ("until", ""),
        ("limit", "-1"),
        ("limit", "many"),
        ("limit", "1.5"),
        ("limit", "9" * 10),
        ("ascending", "yes"),
        ("related_agents", "TRUE"),
        ("related_activities", ""),
        ("format", "full"),
        ("attachments", "1"),
        ("statementId", ""),
        ("voidedStatementId", "\ud800"),
        ("statementID", UUID),
        ("actor", "{}"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, text: str) -> None:
    """XAPI-00012."""
    assert refused(**{name: text}) == [name]


@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
@pytest.mark.parametrize(
    "other", ["verb", "activity", "limit", "since", "until", "ascending", "registration", "related_agents"]
)
def test_an_id_goes_with_format_and_attachments_only(name: str, other: str) -> None:
    """XAPI-00150, XAPI-00151."""
    valid = {
        "limit": "1",
        "ascending": "true",
        "related_agents": "true",
        "registration": UUID,
        "since": "2021-01-01",
        "until": "2021-01-01",
    }

    assert refused(**{name: UUID, other: valid.get(other, COMPLETED)}) == [name]
    assert Query.read({name: UUID, "format": "ids", "attachments": "false"}).format == "ids"


def test_the_two_ids_exclude_each_other() -> None:
    assert refused(statementId=UUID, voidedStatementId=UUID) == ["statementId"]


@given(st.dictionaries(st.sampled_from(list(READERS)), st.text()))
def test_any_text_is_read_or_refused(parameters: dict[str, str]) -> None:
    try:
        query = Query.read(parameters)
    except InvalidRequest:
        return
    assert matches(statement(), query) in {True, False}


SUB = {
    "objectType": "SubStatement",
    "actor": B,
    "object": {"id": "a:sub"},
    "context": {"contextActivities": {"other": {"id": "a:other"}}},
}


@pytest.mark.parametrize(
    ("members", "query", "found"),
    [
        ({}, Query(), True),
        ({}, Query(verb=COMPLETED), True),
        ({}, Query(verb=COMPLETED + "x"), False),
        ({}, Query(activity="urn:li:lyndaCourse:252"), True),
        ({}, Query(activity="urn:li:lyndaCourse:253"), False),
        ({"object": {"objectType": "StatementRef", "id": "a:1"}}, Query(activity="a:1"), False),
        ({"context": {"registration": UUID.upper()}}, Query(registration=UUID), True),
        ({"context": {"registration": 7}}, Query(registration=UUID), False),
        ({}, Query(registration=UUID), False),
        ({"context": {"contextActivities": {"parent": {"id": "a:p"}}}}, Query(activity="a:p"), False),
        (
            {"context": {"contextActivities": {"parent": {"id": "a:p"}}}},
            Query(activity="a:p", related_activities=True),
            True,
        ),
        (
            {"context": {"contextActivities": {"parent": [{"id": "a:p"}]}}},
            Query(activity="a:p", related_activities=True),
            True,
        ),
        ({"object": SUB}, Query(activity="a:sub"), False),
        ({"object": SUB}, Query(activity="a:sub", related_activities=True), True),
        ({"object": SUB}, Query(activity="a:other", related_activities=True), True),
        ({"actor": A}, Query(agent={"mbox": "mailto:A@EXAMPLE.COM"}), True),
        ({"actor": A}, Query(agent=B), False),
        ({"actor": {}}, Query(agent=A), False),
        ({"actor": ACCOUNT}, Query(agent=ACCOUNT), True),
        ({"actor": ACCOUNT}, Query(agent={"account": {"homePage": "https://other.example.com", "name": "a"}}), False),
        ({"object": {"objectType": "Agent", **A}}, Query(agent=A), False),
        ({"object": {"objectType": "Agent", **A}}, Query(agent=A, related_agents=True), True),
        ({"actor": {"objectType": "Group", "member": [A]}}, Query(agent=A, related_agents=True), True),
        ({"context": {"instructor": A}}, Query(agent=A, related_agents=True), True),
        ({"context": {"team": {"member": "odd"}}}, Query(agent=A, related_agents=True), False),
        ({"authority": A}, Query(agent=A, related_agents=True), True),
        ({"object": SUB}, Query(agent=B, related_agents=True), True),
    ],
)
def test_a_statement_is_meant_or_not(members: dict[str, Any], query: Query, found: bool) -> None:
    """XAPI-00164, XAPI-00176 to XAPI-00181."""
    assert matches(statement(**members), query) is found
