"""Integrations over the API: settings, versions, schedules, removal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from coursebridge import secret_values
from coursebridge.integrations.models import IntegrationSettings
from coursebridge.integrations.schedules import Schedules
from coursebridge.storage import keys
from coursebridge.webhooks.targets import TargetStore, secret_name
from unit.admin.conftest import GOOD_PAIR

if TYPE_CHECKING:
    from coursebridge.integrations.models import Integration
    from unit.admin.conftest import Api


def schedules() -> dict[str, Any]:
    client = boto3.client("scheduler")
    names = [one["Name"] for one in client.list_schedules(GroupName="test")["Schedules"]]
    return {name.partition("-")[2]: client.get_schedule(GroupName="test", Name=name) for name in names}


def test_a_new_integration_has_the_defaults_and_its_webhook_secret_this_once(api: Api) -> None:
    made = api.integration()

    assert (made["name"], made["status"], made["learner_identification"]) == ("Acme", "active", "email")
    assert made["filters"]["asset_types"] == ["COURSE"]
    assert made["credentials"] == {"content": None, "report": None}
    assert made["webhook"]["oauth_server_url"] == "https://api.example.com/oauth2/token"
    assert made["webhook"]["tenant_server_url"] == "https://api.example.com/xapi/statements"
    assert made["webhook"]["user_type"] == "Email"
    assert made["webhook"]["client_secret"]
    assert "webhook" not in api.ask("GET", f"/admin/integrations/{made['id']}")


DEFAULTS: dict[str, Any] = {
    "description": "",
    "filters": {
        "asset_types": ["COURSE"],
        "languages": [],
        "classifications": [],
        "levels": [],
        "min_duration_seconds": None,
        "max_duration_seconds": None,
        "published_after": None,
        "include_urns": [],
        "exclude_urns": [],
        "curated_videos_only": False,
        "licensed_only": True,
    },
    "tags_enabled": False,
    "target_group": None,
    "author_email": None,
    "learner_identification": "email",
    "learner_matching": "open",
    "statement_validation": "lenient",
    "catalog_schedule": {"expression": "cron(10 8 * * ? *)", "timezone": "Europe/Paris", "enabled": True},
    "activity": {
        "enabled": True,
        "schedule": {"expression": "cron(40 5 * * ? *)", "timezone": "Europe/Paris", "enabled": True},
        "lookback_days": 14,
    },
    "archive_limit_percent": 20,
}
"""The default of every setting but the name."""

OTHERS: dict[str, Any] = {
    "description": "Ours",
    "filters": {**DEFAULTS["filters"], "asset_types": ["VIDEO"], "licensed_only": False},
    "tags_enabled": True,
    "target_group": "sales",
    "author_email": "author@example.com",
    "learner_identification": "username",
    "learner_matching": "directory",
    "statement_validation": "strict",
    "catalog_schedule": {"expression": "rate(1 day)", "timezone": "UTC", "enabled": False},
    "activity": {**DEFAULTS["activity"], "enabled": False, "lookback_days": 90},
    "archive_limit_percent": 5,
}


def test_every_setting_has_its_default(api: Api) -> None:
    made = api.integration(name="Acme")

    assert DEFAULTS.keys() | {"name"} == IntegrationSettings.model_fields.keys()
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("setting", DEFAULTS)
def test_null_is_the_default(api: Api, setting: str) -> None:
    made = api.integration(**OTHERS)
    assert made[setting] == OTHERS[setting] != DEFAULTS[setting]

    changed = api.ask("PATCH", f"/admin/integrations/{made['id']}", {setting: None})

    assert {name: changed[name] for name in DEFAULTS} == {**OTHERS, setting: DEFAULTS[setting]}


def test_the_item_has_every_setting_flat_and_times_as_text(api: Api) -> None:
    made = api.integration(learner_identification="external_id", filters={"published_after": "2024-01-01T00:00:00Z"})

    item = api.table.get(keys.integration(made["id"])) or {}
    assert item["entity"] == "integration"
    assert item["learner_identification"] == "external_id"
    assert (item["learner_matching"], item["statement_validation"]) == ("open", "lenient")
    assert item["statistics_since"] == item["created_at"]
    assert item["statistics_since"].endswith("Z")
    assert item["filters"]["published_after"] == "2024-01-01T00:00:00.000Z"


def test_integrations_are_listed_by_age_page_after_page(api: Api) -> None:
    names = [api.integration(name=f"Account {n}")["name"] for n in range(3)]

    first = api.ask("GET", "/admin/integrations", query={"limit": "2"})
    second = api.ask("GET", "/admin/integrations", query={"limit": "2", "cursor": first["next"]})

    assert [one["name"] for one in first["items"] + second["items"]] == names
    assert second["next"] is None


def test_a_cursor_that_was_tampered_with_is_refused(api: Api) -> None:
    assert api.send("GET", "/admin/integrations", query={"cursor": "eyJhbGciOiJIUzI1NiJ9.e30.x"}).status == 400


def test_a_patch_changes_what_it_names_and_null_goes_back_to_the_default(api: Api) -> None:
    made = api.integration(target_group="Sales", filters={"languages": ["en"], "levels": ["BEGINNER"]})
    patch = {"target_group": None, "filters": {"languages": None, "levels": ["ADVANCED"]}, "archive_limit_percent": 5}

    changed = api.ask("PATCH", f"/admin/integrations/{made['id']}", patch)

    assert changed["target_group"] is None
    assert changed["filters"] == {**made["filters"], "languages": [], "levels": ["ADVANCED"]}
    assert changed["archive_limit_percent"] == 5
    assert changed["etag"] != made["etag"]


def test_a_merge_patch_may_call_itself_so(api: Api) -> None:
    made = api.integration()
    headers = {"Content-Type": "application/merge-patch+json"}

    assert api.ask("PATCH", f"/admin/integrations/{made['id']}", {"name": "B"}, headers=headers)["name"] == "B"


def test_a_patch_that_changes_nothing_leaves_the_version_and_the_audit_alone(api: Api) -> None:
    made = api.integration()

    same = api.ask("PATCH", f"/admin/integrations/{made['id']}", {"name": "Acme"})

    assert same["etag"] == made["etag"]
    assert [one["action"] for one in api.ask("GET", "/admin/audit")["items"]] == ["integration.created"]


def test_a_patch_that_changes_nothing_puts_schedules_that_are_lost(api: Api) -> None:
    made = api.integration()
    kept = schedules()
    for one in kept.values():
        boto3.client("scheduler").delete_schedule(GroupName="test", Name=one["Name"])

    api.ask("PATCH", f"/admin/integrations/{made['id']}", {})

    assert schedules().keys() == kept.keys()


def test_a_patch_that_changes_nothing_leaves_the_schedules_of_a_change_beside_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/admin/integrations/{api.integration()['id']}"
    put, changes = Schedules.keep, [{"catalog_schedule": {"expression": "cron(0 6 * * ? *)"}}]

    def meets_a_change(self: Schedules, integration: Integration) -> None:
        if changes:
            api.ask("PATCH", path, changes.pop())
        put(self, integration)

    monkeypatch.setattr(Schedules, "keep", meets_a_change)

    same = api.ask("PATCH", path, {})

    assert same["catalog_schedule"]["expression"] == "cron(0 6 * * ? *)"
    assert schedules()["catalog-incremental"]["ScheduleExpression"] == "cron(0 6 * * ? *)"


LOOSE = [
    ("filters.licensed_only", {"filters": {"licensed_only": "yes"}}),
    ("filters.curated_videos_only", {"filters": {"curated_videos_only": 1}}),
    ("filters.min_duration_seconds", {"filters": {"min_duration_seconds": "60"}}),
    ("filters.max_duration_seconds", {"filters": {"max_duration_seconds": True}}),
    ("tags_enabled", {"tags_enabled": "yes"}),
    ("archive_limit_percent", {"archive_limit_percent": "20"}),
    ("catalog_schedule.enabled", {"catalog_schedule": {"enabled": "on"}}),
    ("activity.enabled", {"activity": {"enabled": 0}}),
    ("activity.lookback_days", {"activity": {"lookback_days": "30"}}),
]


@pytest.mark.parametrize(("field", "settings"), LOOSE, ids=[field for field, _ in LOOSE])
def test_a_setting_of_another_type_is_refused(api: Api, field: str, settings: dict[str, Any]) -> None:
    made = api.integration()

    created = api.send("POST", "/admin/integrations", {"name": "A", **settings})
    patched = api.send("PATCH", f"/admin/integrations/{made['id']}", settings)

    assert (created.status, patched.status) == (400, 400)
    assert [error["field"] for error in created.json["errors"]] == [field]
    assert {error["field"] for error in patched.json["errors"]} == {field}


@pytest.mark.parametrize("spelled", ["{}", '"{}"', 'W/"{}"', '"x", "{}"'])
def test_a_patch_of_the_present_version_passes(api: Api, spelled: str) -> None:
    made = api.integration()
    headers = {"If-Match": spelled.format(made["etag"])}

    assert api.send("PATCH", f"/admin/integrations/{made['id']}", {"name": "B"}, headers=headers).status == 200


def test_a_patch_of_a_stale_version_is_refused(api: Api) -> None:
    made = api.integration()
    api.ask("PATCH", f"/admin/integrations/{made['id']}", {"name": "B"})

    stale = api.send("PATCH", f"/admin/integrations/{made['id']}", {"name": "C"}, headers={"If-Match": made["etag"]})

    assert stale.status == 412
    assert stale.headers["Content-Type"] == "application/problem+json"
    assert api.ask("GET", f"/admin/integrations/{made['id']}")["name"] == "B"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"filters": {"levels": ["EASY"]}}, "filters.levels[0]"),
        ({"filters": {"minimum": 1}}, "filters.minimum"),
        ({"filters": {"asset_types": []}}, "filters.asset_types"),
        ({"catalog_schedule": {"expression": "cron(61 8 * * ? *)"}}, "catalog_schedule.expression"),
        ({"catalog_schedule": {"expression": "every day"}}, "catalog_schedule.expression"),
        ({"catalog_schedule": {"timezone": "Europe/Atlantis"}}, "catalog_schedule.timezone"),
        ({"activity": {"lookback_days": 15}}, "activity.lookback_days"),
        ({"linkedin_url": "https://elsewhere.example.com"}, "linkedin_url"),
    ],
)
def test_a_wrong_setting_is_named(api: Api, settings: Any, field: str) -> None:
    created = api.send("POST", "/admin/integrations", {"name": "Acme", **settings})
    made = api.integration()
    patched = api.send("PATCH", f"/admin/integrations/{made['id']}", settings)

    for answer in (created, patched):
        assert answer.status == 400
        assert field in {error["field"] for error in answer.json["errors"]}


def test_fields_that_contradict_each_other_after_a_patch_are_refused(api: Api) -> None:
    made = api.integration(filters={"min_duration_seconds": 600})

    answer = api.send("PATCH", f"/admin/integrations/{made['id']}", {"filters": {"max_duration_seconds": 60}})

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "filters")


@pytest.mark.parametrize("body", [None, "", "[]", "nonsense", '"text"'])
def test_a_body_that_is_no_settings_is_refused(api: Api, body: str | None) -> None:
    assert api.send("POST", "/admin/integrations", body).status == 400


def test_schedules_follow_the_settings(api: Api) -> None:
    made = api.integration(catalog_schedule={"expression": "cron(0 6 * * ? *)", "timezone": "Asia/Tokyo"})
    asleep = schedules()
    api.ask("PUT", f"/admin/integrations/{made['id']}/credentials/content", GOOD_PAIR)
    api.ask("PATCH", f"/admin/integrations/{made['id']}", {"activity": {"enabled": False}})
    awake = schedules()

    assert {name: one["State"] for name, one in asleep.items()} == {
        "catalog-incremental": "DISABLED", "catalog-full": "DISABLED", "activity-incremental": "DISABLED",
    }  # fmt: skip
    assert awake["catalog-incremental"]["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert awake["catalog-full"]["ScheduleExpression"] == "cron(0 18 ? * SUN *)"
    assert awake["catalog-full"]["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    assert {name: one["State"] for name, one in awake.items()} == {
        "catalog-incremental": "ENABLED", "catalog-full": "ENABLED", "activity-incremental": "DISABLED",
    }  # fmt: skip
    sent = json.loads(awake["catalog-incremental"]["Target"]["Input"])
    assert (sent["integration_id"], sent["mode"], sent["trigger"]) == (made["id"], "incremental", "schedule")


def test_an_active_integration_is_deleted_only_by_force(api: Api) -> None:
    made = api.integration()

    assert api.send("DELETE", f"/admin/integrations/{made['id']}").status == 409
    api.ask("DELETE", f"/admin/integrations/{made['id']}", query={"force": "true"}, expect=204)
    assert api.send("GET", f"/admin/integrations/{made['id']}").status == 404
    assert schedules() == {}
    assert api.table.get(keys.client(made["webhook"]["client_id"])) is None


def test_every_change_is_noted_with_who_and_from_what_to_what(api: Api) -> None:
    made = api.integration()
    api.ask("PATCH", f"/admin/integrations/{made['id']}", {"filters": {"languages": ["de"]}})

    newest, first = api.ask("GET", "/admin/audit")["items"]

    assert (first["action"], first["actor"], first["subject"]) == ("integration.created", "first", made["id"])
    assert newest["action"] == "integration.updated"
    assert newest["changes"] == [{"field": "filters.languages", "from": [], "to": ["de"]}]
    assert newest["integration_id"] == made["id"]


def test_an_integration_that_is_deleted_takes_its_outbound_webhooks_and_their_secrets_along(api: Api) -> None:
    integration_id = api.integration()["id"]
    url = {"url": "https://lms.example.com/hooks"}
    webhook = api.ask("POST", f"/admin/integrations/{integration_id}/webhooks", url, expect=201)

    api.ask("DELETE", f"/admin/integrations/{integration_id}", query={"force": "true"}, expect=204)

    assert list(TargetStore(api.table, integration_id).all()) == []
    assert secret_values.read_or_empty(secret_name("test/", integration_id, webhook["id"])) == {}


def test_filters_name_so_many_urns_and_no_more(api: Api) -> None:
    path = f"/admin/integrations/{api.integration()['id']}/filters"
    urns = [f"urn:li:lyndaCourse:{number}" for number in range(1001)]

    api.ask("PUT", path, {"exclude_urns": urns}, expect=400)
    saved = api.ask("PUT", path, {"exclude_urns": urns[:1000]})

    assert len(json.dumps(saved)) > 1000


def test_an_integration_larger_than_the_table_takes_is_refused(api: Api) -> None:
    urns = [f"urn:li:lyndaCourse:{number:0>200}" for number in range(1000)]
    lists = dict.fromkeys(("include_urns", "exclude_urns", "classifications"), urns)

    api.ask("POST", "/admin/integrations", {"name": "Acme", "filters": lists}, expect=413)
