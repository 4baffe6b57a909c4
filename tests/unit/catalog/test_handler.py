"""The function as deployed, with secrets, table, bucket and LinkedIn: a small catalogue from plan to search."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest

import catalog_sync_handler
from catalog_lab import BASE_URL, SECRETS, InProcess, integration
from coursebridge import clients
from coursebridge.activity import wiring as activities
from coursebridge.activity.planning import WAITING
from coursebridge.catalog import wiring
from coursebridge.catalog.search.publishing import Replica
from coursebridge.catalog.search.querying import Question
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage import keys
from coursebridge.storage.runs import RunStore
from policies import refused, watched
from sandbox.app import build
from sandbox.settings import Settings
from sandbox.world import World
from unit.conftest import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.integrations.models import Filters
    from coursebridge.storage.table import Table

REMEMBERING = (wiring.api_http, wiring.oauth_http, wiring._tokens)


@pytest.fixture
def world() -> World:
    return World(Settings(size=6, locales=("en_US",), element_bytes=2000))


@pytest.fixture
def function(deployed: Table, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that invokes the handler; LinkedIn is a sandbox in this process."""
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
    pair = json.dumps({"client_id": "sandbox-both", "client_secret": SECRETS["sandbox-both"]})
    clients.secretsmanager().create_secret(Name="stack/integrations/acme/credentials/content", SecretString=pair)
    for name, value in {
        "BUCKET_NAME": "bucket",
        "SECRET_PREFIX": "stack/",
        "LINKEDIN_OAUTH_URL": BASE_URL,
        "LINKEDIN_API_URL": BASE_URL,
        "CATALOG_STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:catalog",
    }.items():
        monkeypatch.setenv(name, value)
    transport = InProcess(build(world))
    monkeypatch.setattr(wiring, "http_client", lambda url: httpx.Client(transport=transport, base_url=url))
    IntegrationStore(deployed).add(integration())
    for remembering in REMEMBERING:
        remembering.cache_clear()

    def invoke(task: str, **event: Any) -> dict[str, Any]:
        context: Any = Context()
        answer: dict[str, Any] = catalog_sync_handler.lambda_handler(
            {"task": task, "integration_id": "acme", **event}, context
        )
        return answer

    yield invoke
    for remembering in REMEMBERING:
        remembering.cache_clear()
    transport.close()


def synced(function: Any) -> dict[str, Any]:
    planned: dict[str, Any] = function("plan", run_id=None, mode="full", trigger="schedule", execution="arn")
    numbers = planned["ranges"]
    while True:
        for number in numbers:
            function("range", run_id=planned["run_id"], number=number)
        numbers = function("settle", run_id=planned["run_id"])["ranges"]
        if not numbers:
            break
    return {**planned, **function("finish", run_id=planned["run_id"])}


def test_a_catalogue_is_synced_and_can_be_searched(function: Any) -> None:
    assert synced(function)["status"] == "succeeded"

    replica = Replica(clients.s3(), "bucket", "acme")
    index = replica.index()
    assert index is not None
    assert len(index.ask(Question()).courses) == 6
    replica.close()


def test_an_index_that_was_lost_with_the_bucket_comes_back_with_the_next_sync(function: Any) -> None:
    synced(function)
    clients.s3().delete_object(Bucket="bucket", Key="search/acme.sqlite")
    synced(function)

    with closing(Replica(clients.s3(), "bucket", "acme")) as replica:
        assert replica.index() is not None


def test_the_token_is_shared_through_a_secret_of_its_own(function: Any, world: World) -> None:
    synced(function)

    [secret] = [
        one["Name"]
        for one in clients.secretsmanager().list_secrets()["SecretList"]
        if one["Name"].endswith("integrations/acme/tokens")
    ]
    assert secret == "stack/integrations/acme/tokens"
    assert world.requests.report()["counts"]["POST /oauth/v2/accessToken"] == 1
    for remembering in REMEMBERING:
        remembering.cache_clear()
    synced(function)
    assert world.requests.report()["counts"]["POST /oauth/v2/accessToken"] == 1


def test_a_run_that_a_task_gives_up_is_closed(function: Any) -> None:
    planned = function("plan", run_id=None, mode="full", trigger="schedule", execution="arn")

    assert function("fail", run_id=planned["run_id"], error="States.Timeout") == {"status": "failed"}
    assert function("plan", run_id=None, mode="full", trigger="schedule", execution="arn2")["goes_on"]


def test_filters_are_tried_without_being_saved(function: Any) -> None:
    synced(function)
    wanted: Filters = integration(filters={"languages": ["de"]}).filters

    told = wiring.preview(integration(), wanted)

    assert (told["archived"], told["kept"]) == (6, 0)


def test_a_run_can_be_started_through_the_state_machine(function: Any) -> None:
    control = wiring.run_control("acme")
    role = "arn:aws:iam::123456789012:role/test"
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    machine = clients.stepfunctions().create_state_machine(
        name="catalog", definition=json.dumps(definition), roleArn=role
    )
    assert machine["stateMachineArn"] == "arn:aws:states:eu-west-1:123456789012:stateMachine:catalog"

    assert control.start("full", "admin").is_new


def test_courses_of_other_languages_are_brought_where_statements_or_reports_wait_for_them(
    function: Any, deployed: Table, world: World
) -> None:
    store = IntegrationStore(deployed)
    store.replace(store.get("acme"), integration(filters={"languages": ["de"]}))
    of_statement, of_report, *_ = (world.catalogue.urn(asset) for asset in world.catalogue.handles())
    pending = keys.pending("acme", "held", "course_unknown", of_statement, "2026-01-01T00:00:00.000Z", "s1")
    item = {"entity": "statement", "statement_id": "s1", "awaited": of_statement}
    deployed.put({**keys.statement("acme", "s1").item(), **item, "GSI3PK": pending.pk, "GSI3SK": pending.sk})
    RunStore(deployed, "acme", "activity").remember(waiting_run="r1")
    activities.context("acme").staging("r1").put_json(WAITING, {of_report: "2026-01-01T00:00:00.000Z"})

    synced(function)

    found = wiring.context("acme").courses.all()
    assert {one.urn: one.archived_reason for one in found} == {of_statement: "filtered", of_report: "filtered"}


def test_a_retired_course_that_a_statement_waits_for_is_brought(
    function: Any, deployed: Table, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = next(iter(world.catalogue.handles()))
    world.catalogue.retire(asset, 1_700_000_000_000)
    urn = world.catalogue.urn(asset)
    pending = keys.pending("acme", "held", "course_unknown", urn, "2026-01-01T00:00:00.000Z", "s1")
    item = {"entity": "statement", "statement_id": "s1", "awaited": urn}
    deployed.put({**keys.statement("acme", "s1").item(), **item, "GSI3PK": pending.pk, "GSI3SK": pending.sk})

    with watched(deployed) as calls:
        synced(function)

    stored = wiring.context("acme").courses.get(urn)
    assert stored is not None
    assert (stored.status, stored.archived_reason) == ("archived", "retired")
    assert ("Query", "GSI3", "PENDING#acme") in calls
    assert refused("CatalogSyncFunction", calls) == []
