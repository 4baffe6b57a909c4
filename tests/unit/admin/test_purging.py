"""Purging deletes all that a deleted integration left behind, and nothing of any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

import purge_handler
from coursebridge.admin.purging import Purge, StillThere
from coursebridge.auth import registry
from coursebridge.errors import Unavailable
from coursebridge.records.identifiers import Identifier
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner
from coursebridge.storage.runs import RunStore
from coursebridge.storage.table import Table
from run_records import put_run
from unit.admin.conftest import Context
from unit.admin.statements import held
from unit.admin.test_security import everything_in

if TYPE_CHECKING:
    from unit.admin.conftest import Api


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purge_handler.time.sleep", lambda _seconds: None)


NOW = "2026-01-01T00:00:00.000Z"
BUCKET = "test-bucket"


def fill(api: Api, integration_id: str) -> None:
    """Put items and objects of every kind for an integration."""
    table = api.table
    known = DatedIdentifier("email", "a@example.com", NOW)
    learner = Learner(integration_id, "learner-1", NOW, identifiers=(known,))
    other = DatedIdentifier("email", "b@example.com", NOW)
    merged = Learner(integration_id, "learner-2", NOW, identifiers=(other,), merged_into="learner-1")
    erasing = Learner(integration_id, "learner-3", NOW, erasing_at=NOW)
    identity = IdentityItem(integration_id, Identifier("email", "a@example.com")).held_by("learner-1", NOW)
    held(table, integration_id, "s1", "course_unknown", "urn:li:lyndaCourse:1")
    runs = RunStore(table, integration_id, "catalog")
    put_run(runs, {"id": "r1", "kind": "catalog"})
    runs.remember(last_run_id="r1")
    table.put_many(
        [
            learner.to_item(),
            merged.to_item(),
            erasing.to_item(),
            identity.to_item(),
            *(
                {**key.item(), "id": "x"}
                for key in (
                    keys.course(integration_id, "urn:li:lyndaCourse:1"),
                    keys.course_detail(integration_id, "urn:li:lyndaCourse:1"),
                    keys.course_overlay(integration_id, "urn:li:lyndaCourse:1"),
                    keys.classification(integration_id, "urn:li:skill:1"),
                    keys.record(integration_id, "learner-1", "urn:li:lyndaCourse:1"),
                    keys.path_override(integration_id, "learner-1", "p1"),
                    keys.voiding(integration_id, "s1"),
                    keys.run_range(integration_id, "r1", 0),
                    keys.library_entry(integration_id, "sales", "urn:li:lyndaCourse:1"),
                    keys.path(integration_id, "p1"),
                    keys.webhook_delivery(integration_id, "d1"),
                    keys.export(integration_id, "e1"),
                )
            ),
        ]
    )
    s3 = boto3.client("s3")
    for key in (f"search/{integration_id}.sqlite", f"runs/{integration_id}/r1/0", f"exports/{integration_id}/e1/a.csv"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")


def purge(api: Api, integration_id: str, **options: Any) -> Purge:
    return Purge(api.table, boto3.client("s3"), BUCKET, integration_id, **options)


def left(api: Api, integration_id: str) -> list[str]:
    """Return the keys of items and objects that still name an integration, except in the audit."""
    items = [
        f"{item['PK']} {item['SK']}"
        for item in everything_in(api)
        if integration_id in item["PK"] and not item["PK"].startswith("AUDIT#")
    ]
    objects = boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return items + [found["Key"] for found in objects if integration_id in found["Key"]]


def test_everything_an_integration_left_is_deleted_and_nothing_of_another(api: Api) -> None:
    mine, other = api.integration()["id"], api.integration()["id"]
    for integration_id in (mine, other):
        fill(api, integration_id)
    untouched = left(api, other)
    api.ask("DELETE", f"/admin/integrations/{mine}", query={"force": "true"}, expect=204)
    [(function, event)] = api.functions.asked
    assert (function, event) == ("purge", {"integration_id": mine})

    assert purge_handler.lambda_handler(event, Context(left_millis=900_000)) == {"done": True}  # type: ignore[arg-type]

    assert left(api, mine) == []
    assert left(api, other) == untouched
    assert purge(api, mine).run() is True


def test_what_was_taken_in_before_everybody_knew_is_deleted_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, "gone")
    pauses: list[float] = []
    of_another_function = Table(boto3.client("dynamodb"), api.table.name)

    def statement_comes(seconds: float) -> None:
        pauses.append(seconds)
        held(of_another_function, "gone", "late", "course_unknown", "urn:li:lyndaCourse:1")

    monkeypatch.setattr("purge_handler.time.sleep", statement_comes)

    assert purge_handler.lambda_handler({"integration_id": "gone"}, Context(left_millis=900_000)) == {"done": True}  # type: ignore[arg-type]

    assert pauses == [purge_handler.REMEMBERED_SECONDS]
    assert purge_handler.REMEMBERED_SECONDS > registry.REMEMBERED_SECONDS
    assert left(api, "gone") == []


def test_nothing_is_deleted_while_the_integration_exists(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    integration_id = api.integration()["id"]
    fill(api, integration_id)
    before = left(api, integration_id)

    with pytest.raises(StillThere):
        purge_handler.lambda_handler({"integration_id": integration_id}, Context(left_millis=900_000))  # type: ignore[arg-type]

    assert left(api, integration_id) == before


def test_what_there_is_no_time_for_is_left_to_the_next_invocation(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, "gone")
    monkeypatch.setattr("coursebridge.admin.purging.SHARE", 1)
    hurried = Context(left_millis=0)

    passes = 1
    while not purge_handler.lambda_handler({"integration_id": "gone"}, hurried)["done"]:  # type: ignore[arg-type]
        passes += 1
        assert passes < 100

    assert left(api, "gone") == []
    assert passes > 5
    assert {name for name, _ in api.functions.asked} == {"test"}


def test_what_is_left_goes_in_shares_that_are_worth_a_call(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, "gone")
    monkeypatch.setattr("coursebridge.admin.purging.SHARE", 2)

    assert purge(api, "gone").run()

    assert left(api, "gone") == []


def test_a_file_that_s3_does_not_delete_is_left_to_another_try(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, "gone")
    left_over = purge(api, "gone")
    refused = {"Errors": [{"Key": "search/gone.sqlite", "Code": "InternalError"}]}
    monkeypatch.setattr(left_over.s3, "delete_objects", lambda **_: refused)

    with pytest.raises(Unavailable):
        left_over.run()
