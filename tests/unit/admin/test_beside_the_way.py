"""Unusual cases: EventBridge refuses, writers compete, and things are gone or old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from coursebridge import secret_values
from coursebridge.activity import quiet
from coursebridge.admin import status, wiring
from coursebridge.errors import Unavailable
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage import keys
from coursebridge.storage.runs import RunStore
from coursebridge.storage.table import Table
from unit.admin.conftest import GOOD_PAIR

if TYPE_CHECKING:
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


def everything(api: Api) -> list[dict[str, Any]]:
    return [*api.table.client.scan(TableName=api.table.name)["Items"], *schedules()]


def schedules() -> list[Any]:
    return boto3.client("scheduler").list_schedules(GroupName="test")["Schedules"]


@pytest.mark.parametrize(("code", "status"), [("ValidationException", 400), ("InternalServerException", 500)])
def test_what_eventbridge_refuses_to_schedule_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    scheduler, before = wiring.kept_schedules().client, everything(api)
    made: list[Any] = []

    def second_refused(**wanted: Any) -> Any:
        made.append(wanted)
        return refusing(code)() if len(made) > 1 else create(**wanted)

    create = scheduler.create_schedule
    monkeypatch.setattr(scheduler, "create_schedule", second_refused)

    assert api.send("POST", "/admin/integrations", {"name": "Acme"}).status == status
    assert everything(api) == before


def test_a_kill_amid_making_an_integration_leaves_one_that_is_as_good_as_any(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(**_request: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(wiring.kept_schedules().client, "update_schedule", killed)
        with pytest.raises(KeyboardInterrupt):
            api.send("POST", "/admin/integrations", {"name": "Acme"})

    [left] = api.ask("GET", "/admin/integrations")["items"]
    assert len(api.ask("GET", f"/admin/integrations/{left['id']}/webhook")["secrets"]) == 1
    assert schedules() == []
    api.ask("PUT", f"/admin/integrations/{left['id']}/credentials/content", GOOD_PAIR)
    assert len(schedules()) == 3


def test_a_busy_table_takes_no_integration(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_table: Table, _actions: object) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(Table, "transact", busy)

    assert api.send("POST", "/admin/integrations", {"name": "Acme"}).status == 503


@pytest.mark.parametrize(("conflicts", "status"), [(3, 200), (1000, 503)])
def test_a_schedule_that_others_are_changing_is_tried_again(
    api: Api, monkeypatch: pytest.MonkeyPatch, conflicts: int, status: int
) -> None:
    made, scheduler, met = api.integration(), wiring.kept_schedules().client, iter(range(conflicts))
    update = scheduler.update_schedule

    def meet(**wanted: Any) -> Any:
        return update(**wanted) if next(met, None) is None else refusing("ConflictException")()

    monkeypatch.setattr(scheduler, "update_schedule", meet)

    answer = api.send("PATCH", f"/admin/integrations/{made['id']}", {"tags_enabled": True})
    assert answer.status == status


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

    assert any("revoke number 1" in note for note in notes)
    assert any("older than a year" in note for note in notes)


def test_status_does_without_a_webhook_client_and_without_a_run_that_is_gone(api: Api) -> None:
    made = api.integration()
    api.table.delete(keys.client(made["webhook"]["client_id"]))
    runs = RunStore(api.table, made["id"], "catalog")
    runs.remember(last_run_id="gone", last_status="failed")

    found = api.ask("GET", f"/admin/integrations/{made['id']}/status")

    assert found["webhook_secrets"] == []
    assert any("its log says why" in reason for reason in found["reasons"])
    assert [step["done"] for step in api.ask("GET", f"/admin/integrations/{made['id']}")["setup"]] == [False] * 5


def test_status_tells_silence(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = api.integration()
    judged = quiet.Judgement("quiet", "2026-01-01T08:00:00.000Z", 140)
    monkeypatch.setattr(quiet, "judge", lambda *_arguments: judged)

    reasons = api.ask("GET", f"/admin/integrations/{made['id']}/status")["reasons"]

    assert "LinkedIn has gone quiet: the last statement came 2026-01-01T08:00:00.000Z." in reasons
