"""The learner directory over HTTP: holding and assigning statements, imports, merges, explanations and erasure."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from connector import Caller, Connection, eventually
from pushing import AT, completion, progress
from shelf import Shelf

if TYPE_CHECKING:
    from running_stack import RunningStack

HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module")
def courses(stack: RunningStack) -> tuple[str, str]:
    first, second = Shelf(stack.sandbox, "da_DK").put(0, 1)
    return first, second


@pytest.fixture(scope="module")
def connection(admin: Caller, courses: tuple[str, str]) -> Connection:
    """An integration with two courses that accepts only learners of its directory."""
    connection = Connection(admin, learner_matching="directory", filters={"languages": ["da_DK"]})
    connection.connect()
    assert connection.sync()["status"] == "succeeded"
    return connection


def learning(connection: Connection, method: str, path: str, expect: int = 200, **options: Any) -> Any:
    return connection.lms.ask(method, f"/learning/{connection.id}{path}", expect, **options)


def add(connection: Connection, **members: Any) -> str:
    learner_id: str = learning(connection, "POST", "/learners", 201, json=members)["id"]
    return learner_id


def applied(connection: Connection, statement: dict[str, Any]) -> dict[str, Any]:
    """Wait until a statement is applied, and return it with its outcome."""
    return eventually(lambda: connection.statement(statement["id"]), lambda found: found["outcome"] == "applied")


def test_an_unknown_person_is_held_and_applied_by_itself_once_assigned(
    connection: Connection, courses: tuple[str, str]
) -> None:
    statement = completion("private", courses[0])
    connection.post(statement)
    assert connection.outcome(statement["id"]) == ("held", "learner_unknown")
    ann = add(connection, email="ann@example.com")

    identity = {"type": "email", "value": "Private@example.com", "learner_id": ann}
    connection.admin.ask("POST", f"/admin/integrations/{connection.id}/identities", 201, json=identity)

    assert applied(connection, statement)["learner_id"] == ann
    [attempt] = connection.attempts("ann@example.com")
    assert (attempt["status"], attempt["completion_statement_id"]) == ("completed", statement["id"])
    later = progress("private", courses[1], 40)
    connection.post(later)
    assert applied(connection, later)["learner_id"] == ann


def test_an_unknown_person_is_applied_by_itself_once_imported_and_again_changes_nothing(
    connection: Connection, courses: tuple[str, str]
) -> None:
    statement = completion("imported7", courses[0])
    connection.post(statement)
    assert connection.outcome(statement["id"]) == ("held", "learner_unknown")
    rows = "external_id,email,name,groups\n" + "".join(
        f"E{n},imported{n}@example.com,Person {n},sales;all\n" for n in range(150)
    )
    csv: Any = {"content": rows + "E999,nonsense,,\n", "headers": {"Content-Type": "text/csv"}}

    first = learning(connection, "POST", "/learners/import", **csv)
    again = learning(connection, "POST", "/learners/import", **csv)

    assert first["counts"] == {"created": 150, "updated": 0, "unchanged": 0, "error": 1}
    assert again["counts"] == {"created": 0, "updated": 0, "unchanged": 150, "error": 1}
    assert again["rows"][150]["errors"][0]["field"] == "email"
    applied(connection, statement)
    members = connection.lms.every(f"/learning/{connection.id}/learners", group="sales", limit=40)
    assert len({one["id"] for one in members}) == 150


def test_an_inactive_learner_is_held_and_applied_by_itself_once_active(
    connection: Connection, courses: tuple[str, str]
) -> None:
    leaver = add(connection, email="leaver@example.com", status="inactive")
    statement = completion("leaver", courses[0])
    connection.post(statement)
    assert connection.outcome(statement["id"]) == ("held", "learner_inactive")

    learning(connection, "PATCH", f"/learners/{leaver}", json={"status": "active"})

    applied(connection, statement)


def test_two_who_are_one_are_merged_and_parted_again(connection: Connection, courses: tuple[str, str]) -> None:
    new, old = add(connection, email="new@example.com"), add(connection, email="old@example.com")
    statements = [
        progress("new", courses[0], 20),
        completion("old", courses[0], AT + HOUR),
        progress("old", courses[1], 70),
    ]
    connection.post(*statements)
    for statement in statements:
        applied(connection, statement)
    before = connection.attempts("new@example.com"), connection.attempts("old@example.com")

    learning(connection, "POST", f"/learners/{new}/merge", json={"learner_id": old})
    merged = connection.attempts("new@example.com")
    later = progress("old", courses[1], 90, AT + HOUR)
    connection.post(later)

    assert {(one["course_urn"], one["status"], one["progress"]) for one in merged} == {
        (courses[0], "completed", 100),
        (courses[1], "in_progress", 70),
    }
    assert applied(connection, later)["learner_id"] == new
    assert connection.learner(email="old@example.com") == connection.learner(email="new@example.com")
    learning(connection, "POST", f"/learners/{old}/unmerge")
    assert connection.attempts("new@example.com") == before[0]
    assert [one["progress"] for one in connection.attempts("old@example.com")] == [100, 90]


def test_a_record_is_explained_from_receipt_to_attempt(connection: Connection, courses: tuple[str, str]) -> None:
    statement = completion("why", courses[0])
    connection.post(statement)
    connection.outcome(statement["id"])
    who = {"learner": "email:why@example.com", "course": courses[0]}

    missing = learning(connection, "GET", "/explain", params=who)
    add(connection, email="why@example.com")
    applied(connection, statement)
    there = learning(connection, "GET", "/explain", params=who)

    assert [one["reason"] for one in missing["statements"]] == ["learner_unknown"]
    assert any("identities" in (step["help"] or "") for step in missing["steps"])
    assert all(step["ok"] for step in there["steps"])
    assert there["attempts"][0]["completion_statement_id"] == statement["id"]


def test_an_erased_person_is_gone_and_stays_gone(
    connection: Connection, courses: tuple[str, str], stack: RunningStack
) -> None:
    gone = add(connection, email="struck.out@example.com", username="struck.out.person", name="Struck.out Person")
    statements = [
        completion("Struck.out", courses[0]),
        progress("struck.out", courses[1], 30),
        completion("struck.out", "urn:li:lyndaCourse:404"),
    ]
    connection.post(*statements)
    for statement in statements:
        connection.outcome(statement["id"])
    held = connection.lms.every(f"/learning/{connection.id}/learners/{gone}/export", limit=1)
    assert {one["kind"] for one in held} == {"learner", "record", "statement"}

    learning(connection, "DELETE", f"/learners/{gone}", 204)

    assert connection.post(*statements) == [statement["id"] for statement in statements]
    late = completion("struck.out", courses[0], AT + HOUR)
    connection.post(late)
    assert connection.outcome(late["id"]) == ("ignored", "erased")
    replay = f"/admin/integrations/{connection.id}/statements/{statements[0]['id']}/replay"
    connection.admin.ask("POST", replay, 202)
    assert connection.outcome(statements[0]["id"]) == ("ignored", "erased")
    learning(connection, "GET", f"/learners/{gone}", 404)
    assert connection.learner(email="struck.out@example.com") is None
    pages = stack.aws.dynamodb.get_paginator("scan").paginate(TableName=stack.outputs.table_name)
    kept = [item for page in pages for item in page["Items"] if "struck.out" in json.dumps(item, default=str).lower()]
    assert kept == []
