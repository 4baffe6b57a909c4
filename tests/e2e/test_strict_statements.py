"""Strict validation of statements: every breach of a rule is refused, and the field is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector import Caller, Connection
from pushing import XAPI
from xapi_builders import changed, statement

if TYPE_CHECKING:
    from running_stack import RunningStack

HOME_PAGE = "https://www.linkedin.com/learning"
REGISTRATION = "2c9a1b52-55bb-4b4c-8d83-9e1c0a3b7a11"


@pytest.fixture(scope="module")
def strict(stack: RunningStack) -> Connection:
    admin = Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)
    return Connection(admin, statement_validation="strict")


VERSIONED = {"X-Experience-API-Version": "1.0.3"}
BREACHES: list[tuple[str, Any, str]] = [
    ("id", "no-uuid", "id"),
    ("timestamp", "2026-01-01", "timestamp"),
    ("timestamp", "2026-01-01T00:00:00-00:00", "timestamp"),
    ("actor.mbox", "learner@example.com", "actor.mbox"),
    ("actor.mbox", ..., "actor"),
    ("actor.account", {"homePage": HOME_PAGE, "name": "x"}, "actor"),
    ("actor.nickname", "x", "actor.nickname"),
    ("actor.objectType", "Robot", "actor"),
    ("actor", {"objectType": "Group"}, "actor"),
    ("verb.id", "completed", "verb.id"),
    ("verb.display", {"not a language": "x"}, "verb.display"),
    ("verb.display", "completed", "verb.display"),
    ("object.id", "no iri", "object.id"),
    ("object.definition.type", "course", "object.definition.type"),
    ("object.definition.choices", [{"id": "a"}], "object.definition"),
    ("object", {"objectType": "StatementRef", "id": "x"}, "object"),
    ("result.completion", "true", "result.completion"),
    ("result.duration", "a while", "result.duration"),
    ("result.score", {"scaled": 2}, "result.score.scaled"),
    ("result.score", {"raw": 5, "min": 6, "max": 7}, "result.score"),
    ("result.extensions", {"progress": 39}, "result.extensions"),
    ("context", {"registration": "x"}, "context.registration"),
    ("context", {"language": "not a language"}, "context.language"),
    ("context", {"contextActivities": {"uncle": []}}, "context.contextActivities"),
    ("version", "2.0.0", "version"),
    ("authority", {"objectType": "Group", "member": []}, "authority"),
    ("attachments", [{"usageType": "x"}], "attachments"),
    ("colour", "blue", "colour"),
]


@pytest.mark.parametrize(("path", "value", "named"), BREACHES)
def test_a_strict_integration_refuses_a_breach_and_names_it(
    strict: Connection, path: str, value: Any, named: str
) -> None:
    answer = strict.linkedin.send("POST", XAPI, json=changed(statement(), path, value), headers=VERSIONED)

    assert answer.status_code == 400, answer.text
    fields = [error["field"] for error in answer.json()["errors"]]
    assert any(field.startswith(named) for field in fields), fields


def test_a_strict_integration_takes_what_keeps_every_rule(strict: Connection) -> None:
    assert strict.linkedin.ask("POST", XAPI, json=statement(id=REGISTRATION), headers=VERSIONED) == [REGISTRATION]


def test_a_strict_integration_wants_the_version(strict: Connection) -> None:
    for headers in ({}, {"X-Experience-API-Version": "0.95"}, {"X-Experience-API-Version": "2.0.0"}):
        answer = strict.linkedin.send("POST", XAPI, json=statement(), headers=headers)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "X-Experience-API-Version"
