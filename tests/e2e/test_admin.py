"""Administration over real HTTP: keys, clients, rotation, status, self-test, and access rights."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from connector import SANDBOX_PAIR, Caller, Connection, event, eventually
from local import rotation

if TYPE_CHECKING:
    from running_stack import RunningStack


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module")
def connection(admin: Caller) -> Connection:
    made = Connection(admin)
    made.connect()
    return made


def statement(**members: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {**event("statement-progressed.json"), "id": str(uuid.uuid4()), **members}
    return whole


def test_the_self_test_finds_both_directions_well(connection: Connection) -> None:
    found = connection.admin.ask("POST", f"/admin/integrations/{connection.id}/selftest")

    states = {step["id"]: (step["state"], step["why"]) for step in found["steps"] if step["id"] != "report_token"}
    assert set(states.values()) == {("ok", None)}, states
    assert connection.admin.every(f"/admin/integrations/{connection.id}/statements") == []


def test_a_wrong_key_pair_is_refused_with_linkedins_words_cause_and_remedy(connection: Connection) -> None:
    wrong = {**SANDBOX_PAIR, "client_secret": "wrong"}
    problem = connection.admin.ask("PUT", f"/admin/integrations/{connection.id}/credentials/content", 400, json=wrong)

    assert problem["code"].startswith("linkedin_")
    assert problem["detail"]
    assert problem["cause"]
    assert "Re-copy" in problem["remedy"]
    kept = connection.admin.ask("GET", f"/admin/integrations/{connection.id}")["credentials"]["content"]
    assert kept["client_id"] == SANDBOX_PAIR["client_id"]


def test_a_rotated_webhook_secret_overlaps_with_the_one_before(admin: Caller) -> None:
    connection = Connection(admin)
    connection.linkedin.token()
    rotated = admin.ask("POST", f"/admin/integrations/{connection.id}/webhook/rotate")
    new = Caller(admin.http, rotated["client_id"], rotated["client_secret"])

    assert connection.linkedin.send("POST", "/xapi/statements", json=statement()).status_code == 200
    assert new.send("POST", "/xapi/statements", json=statement()).status_code == 200
    admin.ask("DELETE", f"/admin/integrations/{connection.id}/webhook/secrets/1", 204)
    eventually(
        lambda: connection.linkedin.send("POST", "/xapi/statements", json=statement()).status_code,
        lambda status: status == 401,
    )
    assert new.send("POST", "/xapi/statements", json=statement()).status_code == 200


def test_a_revoked_client_is_dead_within_a_minute(connection: Connection) -> None:
    made = connection.admin.ask(
        "POST", "/admin/clients", 201, json={"scopes": ["learning:read"], "integration_id": connection.id}
    )
    caller = Caller(connection.admin.http, made["client_id"], made["client_secret"])
    path = f"/learning/{connection.id}/courses"
    assert caller.send("GET", path).status_code == 200

    connection.admin.ask("DELETE", f"/admin/clients/{made['client_id']}", 204)

    eventually(lambda: caller.send("GET", path).status_code, lambda status: status == 401, patience=60)


def test_the_signing_keys_are_rotated_without_a_failed_request(connection: Connection, stack: RunningStack) -> None:
    failures: list[str] = []
    posted: list[int] = []
    stop = threading.Event()

    def post_all_the_time() -> None:
        caller = Connection(connection.admin).linkedin
        while not stop.is_set():
            if len(posted) % 3 == 0:
                caller.forget_token()
            answer = caller.send("POST", "/xapi/statements", json=statement())
            posted.append(answer.status_code)
            if answer.status_code != 200:
                failures.append(answer.text)

    poster = threading.Thread(target=post_all_the_time)
    poster.start()
    eventually(lambda: len(posted), lambda number: number > 5)
    kids = [rotation.rotate_keys(stack.outputs) for _ in range(2)]
    enough = len(posted) + 20
    eventually(lambda: len(posted), lambda number: number > enough)
    stop.set()
    poster.join()

    assert failures == []
    assert kids[1][:-1] == kids[0]


def test_status_tells_what_is_held(admin: Caller) -> None:
    connection = Connection(admin, learner_matching="directory")
    connection.connect()
    sent = statement()
    connection.post(sent)
    connection.outcome(sent["id"])

    found = admin.ask("GET", f"/admin/integrations/{connection.id}/status")

    assert (found["healthy"], found["held"]) == (False, {"learner_unknown": 1})
    [listed] = admin.every(f"/admin/integrations/{connection.id}/statements", outcome="held", reason="learner_unknown")
    assert listed["id"] == sent["id"]


def test_another_rule_for_learners_releases_what_was_held(admin: Caller) -> None:
    connection = Connection(admin, learner_matching="directory")
    sent = statement(object={"objectType": "Activity", "id": "urn:li:lyndaCourse:404404"})
    connection.post(sent)
    assert connection.outcome(sent["id"]) == ("held", "learner_unknown")

    admin.ask("PATCH", f"/admin/integrations/{connection.id}", json={"learner_matching": "open"})

    eventually(lambda: connection.statement(sent["id"])["reason"], lambda reason: reason == "course_unknown")


def test_filters_are_previewed_then_saved_and_deactivating_archives_everything(
    admin: Caller, stack: RunningStack
) -> None:
    connection = Connection(admin, filters={"languages": ["fr"]})
    connection.connect()
    run = connection.sync()
    assert run["status"] == "succeeded", run
    [beginner, other] = [
        len([c for c in connection.courses(status="active") if (c["level"] == "BEGINNER") is is_beginner])
        for is_beginner in (True, False)
    ]
    filters = {"languages": ["fr"], "levels": ["BEGINNER"]}

    preview = admin.ask("POST", f"/admin/integrations/{connection.id}/filters/preview", json=filters)
    assert (preview["archived"], preview["restored"], preview["kept"]) == (other, 0, beginner)
    assert len(connection.courses(status="active")) == beginner + other

    saved = admin.ask("PUT", f"/admin/integrations/{connection.id}/filters", json=filters)
    assert (saved["applied"]["archived"], saved["applied"]["complete"]) == (other, True)
    assert len(connection.courses(status="active")) == beginner

    admin.ask("POST", f"/admin/integrations/{connection.id}/deactivate")
    assert connection.courses(status="active") == []
    assert {c["archived_reason"] for c in connection.courses(status="archived")} == {"filtered", "deactivated"}
    admin.ask("POST", f"/admin/integrations/{connection.id}/activate")
    assert len(connection.courses(status="active")) == beginner


def test_a_deleted_integration_is_gone_with_its_clients_and_its_data(admin: Caller, stack: RunningStack) -> None:
    connection = Connection(admin)
    connection.connect()
    sent = statement(object={"objectType": "Activity", "id": "urn:li:lyndaCourse:404404"})
    connection.post(sent)
    connection.outcome(sent["id"])
    admin.ask("DELETE", f"/admin/integrations/{connection.id}", 409)
    admin.ask("POST", f"/admin/integrations/{connection.id}/deactivate")
    admin.ask("DELETE", f"/admin/integrations/{connection.id}", 204)

    assert admin.send("GET", f"/admin/integrations/{connection.id}").status_code == 404
    refused = connection.lms.http.post("/oauth2/token", data=connection.lms.form)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    key = {"PK": {"S": f"STATEMENT#{connection.id}#{sent['id']}"}, "SK": {"S": "STATEMENT"}}
    eventually(
        lambda: stack.aws.dynamodb.get_item(TableName=stack.outputs.table_name, Key=key),
        lambda answer: "Item" not in answer,
    )


def test_a_run_without_a_key_pair_is_refused_with_the_remedy(admin: Caller) -> None:
    connection = Connection(admin)
    problem = admin.ask("POST", f"/admin/integrations/{connection.id}/runs", 409, json={"kind": "catalog"})

    assert "key pair" in problem["detail"]
