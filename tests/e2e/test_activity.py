"""Reports repair what the push missed: the sandbox withholds statements, and one activity sync corrects the records.

`COURSEBRIDGE_LEARNERS=1000` runs it at the size of a company; the default is quick.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from connector import Caller, Connection, eventually
from coursebridge.clock import from_millis, rfc3339

if TYPE_CHECKING:
    from running_stack import RunningStack

LEARNERS = int(os.environ.get("COURSEBRIDGE_LEARNERS", "40"))
LOCALE = "ja_JP"
COURSES = 5
PLAN = {
    "learners": LEARNERS,
    "first_learner": 70_000,
    "domain": "activity.example.com",
    "per_learner": 2,
    "completed": 0.5,
    "days": 20,
    "withhold_completed": 0.05,
    "withhold_progress": 0.2,
    "seed": 7,
}
# The shares above are random, so it can happen that no completion is withheld. For these learners, all are.
SURELY_WITHHELD = {
    **PLAN,
    "learners": 2,
    "first_learner": 90_000,
    "completed": 1.0,
    "withhold_completed": 1.0,
    "withhold_progress": 0.0,
}
Truth = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Story:
    """A connection, the truth, the records before the repair, and the run that repaired them."""

    connection: Connection
    truth: Truth
    before: Truth
    run: dict[str, Any]


@pytest.fixture(scope="module")
def connection(stack: RunningStack) -> Connection:
    """An integration with the courses of one language, whose statistics were configured long ago."""
    admin = Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)
    made = Connection(admin, filters={"languages": [LOCALE]}, activity={"lookback_days": 30})
    made.connect()
    assert made.sync()["status"] == "succeeded"
    stack.aws.dynamodb.update_item(
        TableName=stack.outputs.table_name,
        Key={"PK": {"S": f"INTEGRATION#{made.id}"}, "SK": {"S": "INTEGRATION"}},
        UpdateExpression="SET statistics_since = :long_ago",
        ExpressionAttributeValues={":long_ago": {"S": "2020-01-01T00:00:00.000Z"}},
    )
    return made


@pytest.fixture(scope="module")
def story(stack: RunningStack, connection: Connection) -> Story:
    """Learning that is only partly pushed, then one activity sync."""
    stack.sandbox.delete("/_sandbox/truth/activity").raise_for_status()
    wanted: dict[str, str | int] = {"type": "COURSE", "locale": LOCALE, "availability": "AVAILABLE", "limit": COURSES}
    wanted["licensed"] = "true"
    assets = stack.sandbox.get("/_sandbox/truth/assets", params=wanted).json()["items"]
    target = {
        "oauth_url": connection.made["webhook"]["oauth_server_url"],
        "statements_url": connection.made["webhook"]["tenant_server_url"],
        "client_id": connection.made["webhook"]["client_id"],
        "client_secret": connection.made["webhook"]["client_secret"],
    }
    for plan in (PLAN, SURELY_WITHHELD):
        pushed = stack.sandbox.post(
            "/_sandbox/push", json={**plan, **target, "urns": [one["urn"] for one in assets]}, timeout=600
        )
        assert pushed.status_code == 200, pushed.text
        outcome = pushed.json()
        assert set(outcome["statuses"]) == {"200"}, outcome
    eventually(lambda: _unjudged(connection), lambda left: not left, patience=90 + LEARNERS)
    truth = {(one["learner"]["email"], one["content_urn"]): one for one in outcome["truth"]}
    before = _records(connection, truth)
    return Story(connection, truth, before, connection.sync(kind="activity"))


def _unjudged(connection: Connection) -> list[Any]:
    page = connection.admin.ask(
        "GET", f"/admin/integrations/{connection.id}/statements", params={"outcome": "received"}
    )
    items: list[Any] = page["items"]
    return items


def _records(connection: Connection, truth: Truth) -> Truth:
    """Return the one attempt of each learner at each course."""
    emails = {
        one["id"]: one["email"] for one in connection.lms.every(f"/learning/{connection.id}/learners", limit=1000)
    }
    found: Truth = {}
    for urn in {urn for _, urn in truth}:
        path = f"/learning/{connection.id}/courses/{quote(urn, safe='')}/attempts"
        for attempt in connection.lms.every(path, limit=1000):
            key = (emails[attempt["learner_id"]], urn)
            assert key not in found, "one attempt each"
            found[key] = attempt
    return found


def _differs(true: dict[str, Any], attempt: dict[str, Any] | None) -> bool:
    if attempt is None:
        return True
    if true["completed_at"] is not None:
        return bool(attempt["completed_at"] != rfc3339(from_millis(true["completed_at"])))
    return bool(attempt["progress"] != true["progress"])


def test_the_push_missed_something(story: Story) -> None:
    assert any(_differs(true, story.before.get(key)) for key, true in story.truth.items())


def test_after_one_sync_every_record_is_true(story: Story) -> None:
    after = _records(story.connection, story.truth)

    assert story.run["status"] == "succeeded", story.run
    assert {key for key, true in story.truth.items() if _differs(true, after.get(key))} == set()
    assert {key: one["status"] for key, one in after.items()} == {
        key: "completed" if true["completed_at"] else "in_progress" for key, true in story.truth.items()
    }
    assert {key: one["reported_seconds_viewed"] for key, one in after.items()} == {
        key: true["seconds_viewed"] for key, true in story.truth.items()
    }


def test_the_run_says_exactly_how_many_it_repaired(story: Story) -> None:
    missed = [key for key, true in story.truth.items() if _differs(true, story.before.get(key))]
    completions = [key for key in missed if story.truth[key]["completed_at"]]

    assert story.run["repairs"]["completions"] == len(completions)
    assert story.run["repairs"]["total"] == len(missed)
    assert story.run["drift_percent"] == pytest.approx(100 * len(missed) / len(story.truth), abs=0.01)
    counts = story.run["counts"]
    assert counts["read"] == len(story.truth) == sum(count for name, count in counts.items() if name != "read")


def test_what_was_missed_came_from_the_reports(story: Story) -> None:
    after = _records(story.connection, story.truth)
    completions = [
        key for key, true in story.truth.items() if true["completed_at"] and _differs(true, story.before.get(key))
    ]

    assert {after[key]["source"] for key in completions} == {"report"}
    assert {after[key]["completion_statement_id"] for key in completions} == {None}


def test_a_second_sync_repairs_nothing(story: Story) -> None:
    run = story.connection.sync(kind="activity")

    assert run["status"] == "succeeded"
    assert run["repairs"]["total"] == 0
    assert run["counts"]["unchanged"] == run["counts"]["read"] == len(story.truth)


def test_learners_remember_linkedins_own_identifier_and_groups(story: Story) -> None:
    email, _ = next(iter(story.truth))
    learner = story.connection.learner(email=email)

    assert learner is not None
    assert learner["profile_urn"].startswith("urn:li:enterpriseProfile:")
    assert learner["enterprise_groups"] == ["OFFICIAL"]


def test_the_graph_has_everybody_and_everything_they_were_assigned(story: Story) -> None:
    entities = _export(story.connection, "entities")
    relationships = _export(story.connection, "relationships")

    users = {one["_key"]: one["email"] for one in entities if one["_type"] == "linkedin_learning_user"}
    courses = {one["_key"]: one["urn"] for one in entities if one["_type"] == "linkedin_learning_course"}
    keys = {one["_key"] for one in entities}
    assigned = {
        (users[one["_fromEntityKey"]], courses[one["_toEntityKey"]]): one
        for one in relationships
        if one["_class"] == "ASSIGNED"
    }
    assert assigned.keys() == story.truth.keys()
    assert all(one["secondsViewed"] == story.truth[key]["seconds_viewed"] for key, one in assigned.items())
    assert all(one["_fromEntityKey"] in keys and one["_toEntityKey"] in keys for one in relationships)


def test_without_the_report_key_the_run_fails_with_the_remedy(connection: Connection, stack: RunningStack) -> None:
    pair = {"client_id": "only-content", "client_secret": "only-content-secret"}
    stack.sandbox.post("/_sandbox/applications", json={**pair, "keys": ["content"]}).raise_for_status()
    made = Connection(connection.admin)
    made.connect(pair)

    run = made.sync(kind="activity")
    (error,) = run["errors"]

    assert run["status"] == "failed"
    assert error["code"] == "linkedin_report_key_missing"
    assert "Report key" in error["remedy"]


def _export(connection: Connection, what: str) -> list[Any]:
    """Return the lines of an export from all its pages."""
    url: str | None = f"/learning/{connection.id}/graph/{what}?limit=500"
    lines: list[Any] = []
    while url:
        answer = connection.lms.send("GET", url)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        found = answer.text.splitlines()
        assert len(found) <= 500
        lines += map(json.loads, found)
        url = answer.links["next"]["url"] if "next" in answer.links else None
    return lines
