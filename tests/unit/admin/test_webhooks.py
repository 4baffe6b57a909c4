"""Outbound webhooks over the admin API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge import clients
from coursebridge.clock import utc_now
from coursebridge.settings import settings
from coursebridge.webhooks.deliveries import DeliveryStore, delivery_of
from coursebridge.webhooks.targets import TargetStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unit.admin.conftest import Api

HOOK = {"url": "https://lms.example.com/hook", "event_types": ["AttemptCompleted"], "description": "LMS"}


@pytest.fixture
def root(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The path of the webhooks of an integration."""
    monkeypatch.setenv("WEBHOOK_QUEUE_URL", clients.sqs().create_queue(QueueName="deliveries")["QueueUrl"])
    settings.cache_clear()
    yield f"/admin/integrations/{api.integration()['id']}/webhooks"
    settings.cache_clear()


def create(api: Api, root: str, **fields: Any) -> Any:
    return api.ask("POST", root, {**HOOK, **fields}, expect=201)


def test_a_webhook_shows_its_secret_once(api: Api, root: str) -> None:
    made = create(api, root)

    assert made["secret"].startswith("whsec_")
    assert {name: made[name] for name in HOOK} == HOOK
    assert "secret" not in api.ask("GET", f"{root}/{made['id']}")
    assert [one["id"] for one in api.ask("GET", root)["items"]] == [made["id"]]


def test_a_webhook_is_changed_rotated_and_deleted(api: Api, root: str) -> None:
    made = create(api, root)
    one = f"{root}/{made['id']}"

    changed = api.ask("PATCH", one, {"enabled": False, "event_types": []})
    rotated = api.ask("POST", f"{one}/rotate")
    left = api.ask("DELETE", f"{one}/secrets/1")

    assert (changed["enabled"], changed["event_types"], changed["url"]) == (False, [], HOOK["url"])
    assert rotated["secret"] != made["secret"]
    assert [secret["n"] for secret in left["secrets"]] == [2]
    api.ask("DELETE", f"{one}/secrets/2", expect=409)
    api.ask("DELETE", one, expect=204)
    api.ask("GET", one, expect=404)


def test_a_delivery_is_listed_and_replayed(api: Api, root: str) -> None:
    made, integration_id = create(api, root), root.split("/")[3]
    target = TargetStore(api.table, integration_id).get(made["id"])
    assert target is not None
    detail = {
        "version": "1",
        "id": "e1",
        "time": "2026-03-01T10:00:00.000Z",
        "integration_id": integration_id,
        "data": {},
    }
    delivery = delivery_of({"detail-type": "AttemptCompleted", "detail": detail}, target, utc_now())
    DeliveryStore(api.table, integration_id).add(delivery)
    deliveries = f"{root}/{made['id']}/deliveries"

    (listed,) = api.ask("GET", deliveries, query={"status": "pending"})["items"]
    replayed = api.ask("POST", f"{deliveries}/{listed['id']}/replay", expect=202)

    assert (listed["message_id"], listed["tries"], replayed["status"]) == ("e1", [], "pending")
    assert api.ask("GET", deliveries, query={"status": "failed"})["items"] == []
    api.ask("POST", f"{deliveries}/nothing/replay", expect=404)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "http://lms.example.com"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"event_types": ["Nothing"]}, "event_types[0]"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_webhook_is_refused_by_field(api: Api, root: str, fields: dict[str, Any], field: str) -> None:
    assert api.ask("POST", root, {**HOOK, **fields}, expect=400)["errors"][0]["field"] == field


def test_an_integration_nobody_knows_has_none(api: Api, root: str) -> None:
    api.ask("GET", "/admin/integrations/nobody/webhooks", expect=404)


def test_another_integrations_admin_reaches_none(api: Api, root: str) -> None:
    api.as_client({"admin:read", "admin:write"}, "other").ask("GET", root, expect=403)
