"""Who may reach which route, and that a secret appears only in the answer that created it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import admin_handler
from coursebridge.api import Requires
from coursebridge.auth.clients import digest
from coursebridge.storage.attribute_values import from_wire
from unit.admin.conftest import GOOD_PAIR
from unit.admin.statements import held

if TYPE_CHECKING:
    from unit.admin.conftest import Api

OPEN = {"/admin/openapi.json", "/admin/docs"}
ROUTES = sorted(
    (route.method, route.path, route)
    for route in (*admin_handler.app._static_routes, *admin_handler.app._dynamic_routes)
    if route.path not in OPEN
)
FILLED = {"scope": "content", "n": "1", "run_id": "r1", "sid": "s1"}
NAMES = [f"{method} {path}" for method, path, _ in ROUTES]


def filled(path: str, integration_id: str) -> str:
    values = {"integration": integration_id, **FILLED}
    return re.sub(r"<(\w+)>", lambda match: values.get(match[1], "any"), path)


def scope_of(route: Any) -> Requires:
    [found] = [middleware for middleware in route.middlewares if isinstance(middleware, Requires)]
    return found


@pytest.mark.parametrize(("method", "path", "route"), ROUTES, ids=NAMES)
def test_without_a_token_nobody_learns_what_a_request_should_look_like(
    api: Api, method: str, path: str, route: Any
) -> None:
    answer = api.send(method, filled(path, "any"), "nonsense", headers={"Authorization": ""})

    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path", "route"), ROUTES, ids=NAMES)
def test_a_token_with_every_other_scope_is_told_which_it_lacks(api: Api, method: str, path: str, route: Any) -> None:
    needed = scope_of(route).scope
    others = {"xapi:all", "learning:read", "learning:write", "admin:read", "admin:write"} - {needed}

    answer = api.as_client(others).send(method, filled(path, "any"), "nonsense")

    assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")
    assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "route"), [one for one in ROUTES if one[:2] != ("GET", "/admin/integrations")]
)
def test_an_admin_of_one_integration_reaches_neither_another_nor_what_is_about_all(
    api: Api, method: str, path: str, route: Any
) -> None:
    everything = {"admin:read", "admin:write"}
    query = {"integration_id": "another"} if path == "/admin/audit" else None

    answer = api.as_client(everything, "mine").send(method, filled(path, "another"), "nonsense", query=query)

    assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_an_admin_of_one_integration_lists_that_one_alone(api: Api) -> None:
    own, _another = api.integration(name="Own"), api.integration(name="Another")
    bound = api.as_client({"admin:read"}, own["id"])

    page = bound.ask("GET", "/admin/integrations")

    assert ([one["id"] for one in page["items"]], page["next"]) == ([own["id"]], None)
    assert api.as_client({"admin:read"}, "gone").send("GET", "/admin/integrations").status == 404


def test_an_admin_of_one_integration_reads_its_audit_alone(api: Api) -> None:
    own, _another = api.integration(name="Own"), api.integration(name="Another")
    bound = api.as_client({"admin:read"}, own["id"])

    for query in (None, {"integration_id": own["id"]}):
        [entry] = bound.ask("GET", "/admin/audit", query=query)["items"]
        assert (entry["action"], entry["subject"]) == ("integration.created", own["id"])


def test_the_answer_for_another_integration_does_not_tell_whether_it_exists(api: Api) -> None:
    existing = api.integration()["id"]
    bound = api.as_client({"admin:read"}, "mine")

    answers = [bound.send("GET", f"/admin/integrations/{one}") for one in (existing, "nowhere")]

    assert answers[0].text == answers[1].text


def test_every_route_needs_a_scope_of_the_admin_api() -> None:
    assert {scope_of(route).scope for _, _, route in ROUTES} == {"admin:read", "admin:write"}
    changing = {scope_of(route).scope for method, path, route in ROUTES if method != "GET" and "preview" not in path}
    assert changing == {"admin:write"}


def test_no_secret_is_anywhere_but_in_the_answer_that_made_it(
    api: Api, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    made = api.integration()
    path = f"/admin/integrations/{made['id']}"
    api.ask("PUT", f"{path}/credentials/content", GOOD_PAIR)
    refused = {**GOOD_PAIR, "client_secret": "planted-wrong-secret"}
    api.send("PUT", f"{path}/credentials/report", refused)
    api.send("PUT", f"{path}/credentials/report", {**refused, "planted": "field"})
    rotated = api.ask("POST", f"{path}/webhook/rotate")
    client = api.ask("POST", "/admin/clients", {"scopes": ["learning:read"]}, expect=201)
    again = api.ask("POST", f"/admin/clients/{client['client_id']}/rotate")
    held(api.table, made["id"], "s1", "learner_unknown", "email:a@example.com")
    planted = {
        GOOD_PAIR["client_secret"],
        refused["client_secret"],
        made["webhook"]["client_secret"],
        rotated["client_secret"],
        client["client_secret"],
        again["client_secret"],
        "first-secret",
        "s" * 64,
        digest(client["client_id"], client["client_secret"]),
    }

    logged = "".join(capsys.readouterr()) + caplog.text
    answers = "".join(read_everything(api, made["id"], client["client_id"]))
    table = json.dumps(everything_in(api), default=str)

    assert [secret for secret in planted if secret in logged] == []
    assert [secret for secret in planted if secret in answers] == []
    digests = {digest(client["client_id"], client["client_secret"])}
    assert [secret for secret in planted - digests if secret in table] == []


def read_everything(api: Api, integration_id: str, client_id: str) -> list[str]:
    """Return the answer of every GET route."""
    texts = []
    for method, path, _ in ROUTES:
        if method == "GET":
            where = filled(path, integration_id).replace("any", client_id)
            texts.append(api.send("GET", where).text)
    return texts


def everything_in(api: Api) -> list[Any]:
    """Return every item of the table."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=api.table.name)
    return [from_wire(item) for page in pages for item in page["Items"]]
