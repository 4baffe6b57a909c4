"""Key pairs and the webhook over the API."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import boto3
import pytest

from coursebridge import clients
from coursebridge.admin import setup, wiring
from coursebridge.admin.situation import Situation
from coursebridge.clock import rfc3339, utc_now
from coursebridge.integrations import day_limit
from coursebridge.integrations.models import CredentialNotes, Integration
from coursebridge.linkedin.errors import (
    DayLimit,
    NoSuchEntity,
    RequestRefused,
    Throttled,
    Unreachable,
    UnusableAnswer,
)
from coursebridge.storage.runs import RunStore
from unit.admin.conftest import GOOD_PAIR
from unit.admin.statements import held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.linkedin.credentials import Scope
    from coursebridge.linkedin.errors import LinkedInError
    from unit.admin.conftest import Api


SCOPES = ("content", "report")
SAVING = ("PutSecretValue", "CreateSecret")


def kept(integration_id: str) -> dict[str, dict[str, str]]:
    """Return the key pairs in Secrets Manager, by scope."""
    client = boto3.client("secretsmanager")
    start = f"test/integrations/{integration_id}/credentials/"
    names = [one["Name"] for one in client.list_secrets()["SecretList"] if one["Name"].startswith(start)]
    held = {name.removeprefix(start): client.get_secret_value(SecretId=name)["SecretString"] for name in names}
    read = {scope: json.loads(text) for scope, text in held.items()}
    return {scope: {name: pair[name] for name in GOOD_PAIR} for scope, pair in read.items() if pair}


@contextmanager
def at_the_first(moment: str, what: Callable[[], object]) -> Iterator[None]:
    """Call ``what`` when botocore first emits an event, ``moment``, about the write of a secret."""
    events = clients.secretsmanager().meta.events
    due = [what]

    def happen(**_: object) -> None:
        if due:
            due.pop()()

    for operation in SAVING:
        events.register(f"{moment}.secretsmanager.{operation}", happen)
    try:
        yield
    finally:
        for operation in SAVING:
            events.unregister(f"{moment}.secretsmanager.{operation}", happen)
    assert not due


@pytest.mark.parametrize("scope", ["content", "report"])
def test_a_key_pair_is_trimmed_tested_kept_and_masked(api: Api, scope: str) -> None:
    integration_id = api.integration()["id"]
    pasted = {name: f"  {value}\n" for name, value in GOOD_PAIR.items()}

    answered = api.ask("PUT", f"/admin/integrations/{integration_id}/credentials/{scope}", pasted)["credentials"]

    other = {"content": "report", "report": "content"}[scope]
    assert kept(integration_id) == {scope: GOOD_PAIR}
    assert (answered[scope]["client_id"], answered[scope]["client_secret"]) == (GOOD_PAIR["client_id"], "••••")
    assert answered[scope]["verified_at"].endswith("Z")
    assert answered[other] is None


def test_a_pair_that_gets_no_token_changes_nothing_and_says_why(api: Api) -> None:
    path = f"/admin/integrations/{api.integration()['id']}/credentials/content"
    api.ask("PUT", path, GOOD_PAIR)

    refused = api.send("PUT", path, {**GOOD_PAIR, "client_secret": "planted-wrong"})

    assert (refused.status, refused.json["code"]) == (400, "linkedin_invalid_client")
    assert "Client authentication failed" in refused.json["detail"]
    assert refused.json["cause"]
    assert refused.json["remedy"]
    assert "planted-wrong" not in refused.text
    assert kept(path.split("/")[3])["content"] == GOOD_PAIR


NO_RUN = [
    (Unreachable("ConnectError"), "Try again"),
    (UnusableAnswer("LinkedIn answered 500"), "Try again later"),
    (Throttled("slow down"), "Try again in a minute"),
    (DayLimit("DAY"), "after midnight UTC"),
    (NoSuchEntity("no such path"), "LinkedInOAuthUrl"),
    (RequestRefused(413, "too large"), "report it"),
]


@pytest.mark.parametrize(("error", "remedy"), NO_RUN, ids=[type(error).__name__ for error, _ in NO_RUN])
def test_a_pair_that_cannot_be_tried_is_told_with_a_remedy_that_speaks_of_no_run(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: LinkedInError, remedy: str
) -> None:
    monkeypatch.setattr(wiring, "verify", Mock(side_effect=error))

    refused = api.send("PUT", f"/admin/integrations/{api.integration()['id']}/credentials/content", GOOD_PAIR)

    assert (refused.status, refused.json["code"]) == (502, error.reason)
    assert remedy in refused.json["remedy"]
    assert not re.search(r"\b([Rr]edrive|run)\b", refused.json["remedy"])


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        ({"client_id": " ", "client_secret": "x"}, "client_id"),
        ({"client_id": "x", "client_secret": "  "}, "client_secret"),
        ({"client_id": "x"}, "client_secret"),
    ],
)
def test_an_incomplete_pair_is_refused_with_the_field(api: Api, pair: dict[str, str], field: str) -> None:
    answer = api.send("PUT", f"/admin/integrations/{api.integration()['id']}/credentials/content", pair)

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, field)


def test_a_scope_there_is_not_is_refused(api: Api) -> None:
    assert api.send("PUT", f"/admin/integrations/{api.integration()['id']}/credentials/video", GOOD_PAIR).status == 400


def test_a_forgotten_pair_is_gone_and_the_other_one_stays(api: Api) -> None:
    integration_id = api.integration()["id"]
    path = f"/admin/integrations/{integration_id}/credentials"
    for scope in ("content", "report"):
        api.ask("PUT", f"{path}/{scope}", GOOD_PAIR)

    for _ in range(2):
        api.ask("DELETE", f"{path}/content", expect=204)

    assert kept(integration_id) == {"report": GOOD_PAIR}
    assert api.ask("GET", f"/admin/integrations/{integration_id}")["credentials"]["content"] is None


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("moment", ["before-parameter-build", "after-call"])
@pytest.mark.parametrize("scope", SCOPES)
def test_of_two_admins_who_save_key_pairs_at_once_none_loses_theirs(
    api: Api, moment: str, scope: str, is_first: bool
) -> None:
    path = f"/admin/integrations/{api.integration()['id']}"
    if not is_first:
        for one in SCOPES:
            api.ask("PUT", f"{path}/credentials/{one}", {**GOOD_PAIR, "client_id": "78before"})
    other = {**GOOD_PAIR, "client_id": "78other"}

    with at_the_first(moment, lambda: api.ask("PUT", f"{path}/credentials/{scope}", other)):
        api.ask("PUT", f"{path}/credentials/content", GOOD_PAIR)

    held = {name: pair["client_id"] for name, pair in kept(path.split("/")[3]).items()}
    notes = api.ask("GET", path)["credentials"]
    assert {name: note["client_id"] for name, note in notes.items() if note} == held
    assert held.get(scope) in ({"78other"} if scope == "report" else {"78other", GOOD_PAIR["client_id"]})
    assert scope == "content" or held["content"] == GOOD_PAIR["client_id"]


def test_a_forgotten_pair_can_be_saved_again(api: Api) -> None:
    integration_id = api.integration()["id"]
    path = f"/admin/integrations/{integration_id}/credentials/report"

    api.ask("PUT", path, GOOD_PAIR)
    api.ask("DELETE", path, expect=204)
    api.ask("PUT", path, GOOD_PAIR)

    assert kept(integration_id) == {"report": GOOD_PAIR}


def test_deleting_an_integration_deletes_its_secrets(api: Api) -> None:
    integration_id = api.integration()["id"]
    for scope in SCOPES:
        api.ask("PUT", f"/admin/integrations/{integration_id}/credentials/{scope}", GOOD_PAIR)

    api.ask("DELETE", f"/admin/integrations/{integration_id}", query={"force": "true"}, expect=204)

    names = {one["Name"] for one in boto3.client("secretsmanager").list_secrets()["SecretList"]}
    assert not any("/integrations/" in name for name in names)


@pytest.mark.parametrize(
    ("identification", "user_type"), [("email", "Email"), ("username", "Username"), ("external_id", "ID")]
)
def test_the_webhook_names_the_user_type_that_fits(api: Api, identification: str, user_type: str) -> None:
    made = api.integration(learner_identification=identification)

    found = api.ask("GET", f"/admin/integrations/{made['id']}/webhook")

    assert (found["user_type"], found["client_id"]) == (user_type, made["webhook"]["client_id"])
    assert "client_secret" not in found
    assert user_type in made["setup"][3]["text"]


def test_the_webhook_warns_when_statements_come_with_the_other_kind_of_actor(api: Api) -> None:
    integration_id = api.integration()["id"]
    path = f"/admin/integrations/{integration_id}/webhook"
    assert api.ask("GET", path)["warning"] is None

    held(api.table, integration_id, "s1", "actor_mismatch", "")

    assert "User Type" in api.ask("GET", path)["warning"]


def test_a_webhook_secret_is_rotated_and_the_old_one_revoked(api: Api) -> None:
    made = api.integration()
    path = f"/admin/integrations/{made['id']}/webhook"

    rotated = api.ask("POST", f"{path}/rotate")
    assert rotated["client_secret"] != made["webhook"]["client_secret"]
    assert [secret["n"] for secret in rotated["secrets"]] == [1, 2]
    api.ask("DELETE", f"{path}/secrets/1", expect=204)
    assert [secret["n"] for secret in api.ask("GET", path)["secrets"]] == [2]
    assert api.send("DELETE", f"{path}/secrets/2").status == 409


def test_setup_says_what_is_done_and_what_is_to_do(api: Api) -> None:
    made = api.integration()
    api.ask("PUT", f"/admin/integrations/{made['id']}/credentials/content", GOOD_PAIR)
    held(api.table, made["id"], "s1", "course_unknown", "urn:li:lyndaCourse:252")

    def states(integration: Any) -> dict[str, str]:
        return {step["id"]: step["state"] for step in integration["setup"]}

    assert set(states(made).values()) == {"to_do"}
    assert states(api.ask("GET", f"/admin/integrations/{made['id']}")) == {
        "content_credentials": "done", "report_credentials": "done", "first_catalog_sync": "to_do",
        "webhook": "done", "first_statement": "done",
    }  # fmt: skip
    assert "Access content and reports via API" in made["setup"][0]["text"]


CONTENT_ONLY = {**GOOD_PAIR, "client_id": "78only-content"}
REPORT_ONLY = {**GOOD_PAIR, "client_id": "78only-report"}


def done(integration: Any) -> set[str]:
    return {step["id"].removesuffix("_credentials") for step in integration["setup"] if step["done"]}


@pytest.mark.parametrize(
    ("scope", "pair", "granted", "missing"),
    [
        ("content", GOOD_PAIR, {"content": True, "report": True}, None),
        ("content", CONTENT_ONLY, {"content": True, "report": False}, "Report"),
        ("report", CONTENT_ONLY, {"content": True, "report": False}, "Report"),
        ("content", REPORT_ONLY, {"content": False, "report": True}, "Content"),
    ],
)
def test_a_saved_pair_is_tried_for_all_that_it_serves(
    api: Api, scope: str, pair: dict[str, str], granted: dict[str, bool], missing: str | None
) -> None:
    path = f"/admin/integrations/{api.integration()['id']}"

    saved = api.ask("PUT", f"{path}/credentials/{scope}", pair)

    assert saved["credentials"][scope]["scopes"] == granted
    assert done(api.ask("GET", path)) == {name for name, given in granted.items() if given}
    assert (f"lacks the {missing} key" in saved["warning"]) if missing else saved["warning"] is None


def test_a_pair_is_tried_only_for_what_the_other_does_not_serve(api: Api) -> None:
    path = f"/admin/integrations/{api.integration()['id']}/credentials"
    api.ask("PUT", f"{path}/report", REPORT_ONLY)

    saved = api.ask("PUT", f"{path}/content", CONTENT_ONLY)

    assert saved["warning"] is None
    assert saved["credentials"]["content"]["scopes"] == {"content": True, "report": None}
    assert done(saved) == {"content", "report"}


def test_reports_that_are_switched_off_are_not_tried(api: Api) -> None:
    made = api.integration(activity={"enabled": False})

    saved = api.ask("PUT", f"/admin/integrations/{made['id']}/credentials/content", CONTENT_ONLY)

    assert saved["warning"] is None


def test_a_pair_that_cannot_be_tried_proves_nothing_until_a_sync_succeeds(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(*_given: object) -> Callable[[Scope], LinkedInClient]:
        return lambda _scope: Mock(get=Mock(side_effect=DayLimit("APPLICATION DAY limit")))

    monkeypatch.setattr(wiring, "trial", trial)
    integration_id = api.integration()["id"]

    saved = api.ask("PUT", f"/admin/integrations/{integration_id}/credentials/content", GOOD_PAIR)

    assert saved["credentials"]["content"]["scopes"] == {"content": None, "report": None}
    assert "Try again after midnight UTC." in saved["warning"]
    assert done(saved) == set()
    RunStore(api.table, integration_id, "activity").remember(last_success_at=rfc3339(utc_now()))
    assert done(api.ask("GET", f"/admin/integrations/{integration_id}")) == {"report"}


def test_a_pair_that_took_long_to_verify_is_saved_without_a_trial(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "time_is_up", lambda _invocation: lambda: True)

    saved = api.ask("PUT", f"/admin/integrations/{api.integration()['id']}/credentials/content", GOOD_PAIR)

    assert saved["credentials"]["content"]["scopes"] == {"content": None, "report": None}
    assert "did not answer (in time)" in saved["warning"]


def test_a_pair_saved_before_pairs_were_tried_is_proven_by_syncs() -> None:
    at = utc_now()
    notes = CredentialNotes.model_validate({"content": {"client_id": "78old", "verified_at": at}})
    settings = {"id": "acme", "name": "Acme", "statistics_since": at, "created_at": at, "updated_at": at}
    integration = Integration(credentials=notes, **settings)
    later = {"last_success_at": rfc3339(at + timedelta(days=1))}

    found = setup.steps(integration, Situation({"catalog": later, "activity": {}}, None, None, 0))  # type: ignore[dict-item]

    assert done({"setup": list(found)}) >= {"content"}


def test_an_integration_without_reports_needs_no_report_key(api: Api) -> None:
    steps = [step["id"] for step in api.integration(activity={"enabled": False})["setup"]]

    assert "report_credentials" not in steps


def test_a_key_pair_that_is_saved_may_ask_at_once_whatever_limit_the_last_one_met(api: Api) -> None:
    integration_id = api.integration()["id"]
    runs = RunStore(api.table, integration_id, "activity")
    day_limit.note(runs, DayLimit("APPLICATION DAY limit"), utc_now())
    throttling = f"/admin/integrations/{integration_id}/status"
    assert api.ask("GET", throttling)["throttling"]["kinds"] == ["activity"]

    api.ask("PUT", f"/admin/integrations/{integration_id}/credentials/report", GOOD_PAIR)

    assert api.ask("GET", throttling)["throttling"]["in_force"] is False
