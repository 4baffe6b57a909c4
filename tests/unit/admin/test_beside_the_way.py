"""What happens beside the usual ways: EventBridge refuses, and things are gone or old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from coursebridge import secret_values
from coursebridge.activity import quiet
from coursebridge.admin import status, wiring
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage import keys
from coursebridge.storage.runs import RunStore

if TYPE_CHECKING:
    import pytest

    from unit.admin.conftest import Api


def refusing(code: str) -> Any:
    def refuse(**_request: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "Invalid Schedule Expression"}}, "UpdateSchedule")

    return refuse


def test_an_expression_that_eventbridge_refuses_is_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = api.integration()
    monkeypatch.setattr(wiring.kept_schedules().client, "update_schedule", refusing("ValidationException"))

    answer = api.send(
        "PATCH", f"/admin/integrations/{made['id']}", {"catalog_schedule": {"expression": "cron(0 8 * * ? *)"}}
    )

    assert answer.status == 400
    assert answer.json["errors"] == [{"field": "catalog_schedule.expression", "detail": "Invalid Schedule Expression"}]
    assert api.ask("GET", f"/admin/integrations/{made['id']}")["etag"] == made["etag"]


def test_another_failure_of_eventbridge_is_ours_and_told_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = api.integration()
    monkeypatch.setattr(wiring.kept_schedules().client, "update_schedule", refusing("InternalServerException"))

    answer = api.send("PATCH", f"/admin/integrations/{made['id']}", {"tags_enabled": True})

    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert "Schedule" not in answer.text


def test_schedules_that_are_gone_already_are_no_hindrance(api: Api) -> None:
    made = api.integration()
    client = boto3.client("scheduler")
    for one in client.list_schedules(GroupName="test")["Schedules"]:
        client.delete_schedule(GroupName="test", Name=one["Name"])

    api.ask("DELETE", f"/admin/integrations/{made['id']}", query={"force": "true"}, expect=204)


def test_a_secret_that_is_gone_already_is_deleted_in_silence(api: Api) -> None:
    secret_values.delete("never-was")

    assert secret_values.read_or_empty("never-was") == {}


def test_status_notes_two_live_secrets_and_old_ones(api: Api) -> None:
    made = api.integration()
    api.ask("POST", f"/admin/integrations/{made['id']}/webhook/rotate")
    kept = IntegrationStore(api.table).get(made["id"])

    seen = status.observe(api.table, kept, kept.created_at + timedelta(days=400))
    notes = list(status.notes(seen))

    assert any("delete number 1" in note for note in notes)
    assert any("older than a year" in note for note in notes)


def test_status_does_without_a_webhook_client_and_without_a_run_that_is_gone(api: Api) -> None:
    made = api.integration()
    api.table.delete(keys.client(made["webhook"]["client_id"]))
    runs = RunStore(api.table, made["id"], "catalog")
    runs.remember(last_run_id="gone", last_status="failed")

    found = api.ask("GET", f"/admin/integrations/{made['id']}/status")

    assert found["webhook_secrets"] == []
    assert any("its log tells why" in reason for reason in found["reasons"])
    assert [step["done"] for step in api.ask("GET", f"/admin/integrations/{made['id']}")["setup"]] == [False] * 5


def test_status_tells_silence(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = api.integration()
    judged = quiet.Judgement("quiet", "2026-01-01T08:00:00.000Z", 140)
    monkeypatch.setattr(quiet, "judge", lambda *_arguments: judged)

    reasons = api.ask("GET", f"/admin/integrations/{made['id']}/status")["reasons"]

    assert "LinkedIn has gone quiet: the last statement came 2026-01-01T08:00:00.000Z." in reasons
