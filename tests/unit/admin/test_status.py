"""Status and self-test: whether an integration needs attention, and whether both directions work."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import httpx
import pytest

from coursebridge.admin import status, wiring
from coursebridge.admin.selftest import Selftest
from coursebridge.auth import wiring as auth
from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Unavailable
from coursebridge.integrations import day_limit
from coursebridge.integrations.store import IntegrationStore
from coursebridge.linkedin import assets
from coursebridge.linkedin.errors import CredentialsRefused, DayLimit, KeyMissing, UnusableAnswer
from coursebridge.records.identifiers import normalised
from coursebridge.storage import keys
from coursebridge.storage.runs import RunStore
from coursebridge.storage.unknown_courses import Asked, UnknownCourseStore
from coursebridge.storage.unplaced_people import UnplacedPeopleStore, UnplacedPerson
from run_records import put_run
from unit.admin.conftest import GOOD_PAIR
from unit.admin.statements import held, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table
    from unit.admin.conftest import Api

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def status_of(api: Api, integration_id: str) -> Any:
    return api.ask("GET", f"/admin/integrations/{integration_id}/status")


def connected(api: Api, **settings: Any) -> str:
    integration_id: str = api.integration(**settings)["id"]
    api.ask("PUT", f"/admin/integrations/{integration_id}/credentials/content", GOOD_PAIR)
    return integration_id


def test_a_connected_integration_without_troubles_is_healthy(api: Api) -> None:
    found = status_of(api, connected(api))

    assert (found["healthy"], found["reasons"], found["held_count"]) == (True, [], 0)
    assert found["credentials"]["content"]["client_id"] == GOOD_PAIR["client_id"]
    assert found["credentials"]["content"]["age_days"] == 0
    assert [secret["n"] for secret in found["webhook_secrets"]] == [1]
    assert datetime.fromisoformat(found["syncs"]["catalog"]["next_run_at"]) > utc_now()


def test_an_integration_without_a_key_pair_is_told_so(api: Api) -> None:
    found = status_of(api, api.integration()["id"])

    assert found["healthy"] is False
    assert "There is no LinkedIn key pair" in found["reasons"][0]
    assert found["syncs"]["catalog"]["enabled"] is False


def test_held_statements_are_counted_by_reason(api: Api) -> None:
    integration_id = connected(api)
    for n in range(3):
        held(api.table, integration_id, f"s{n}", "learner_unknown", f"email:{n}@example.com")
    held(api.table, integration_id, "s9", "course_unknown", "urn:li:lyndaCourse:9")

    found = status_of(api, integration_id)

    assert found["held"] == {"learner_unknown": 3, "course_unknown": 1}
    assert found["held_count"] == 4
    assert [reason.split()[0] for reason in found["reasons"]] == ["3"]
    assert any(note.startswith("1 statements wait for their course") for note in found["notes"])


def test_people_in_reports_who_have_no_records_are_noted(api: Api) -> None:
    integration_id = connected(api)
    ids = [frozenset({normalised("external_id", f"E{number}")}) for number in range(3)]
    people = tuple(UnplacedPerson(one, "2026-03-01T00:00:00.000Z") for one in ids[:2])
    left = UnplacedPerson(ids[2], "2026-03-01T00:00:00.000Z", "learner_inactive")
    UnplacedPeopleStore(api.table, integration_id).change(lambda before: replace(before, people=(*people, left)))

    found = status_of(api, integration_id)

    assert any(note.startswith("3 people in LinkedIn's activity reports") for note in found["notes"])
    assert any("(1 learner_inactive, 2 learner_unknown)" in note for note in found["notes"])


def test_a_course_that_linkedin_did_not_give_needs_attention(api: Api) -> None:
    integration_id = connected(api)
    for number in range(3):
        held(api.table, integration_id, f"s{number}", "course_unknown", f"urn:li:lyndaCourse:{number}")
    asked = Asked(rfc3339(NOON), rfc3339(NOON))
    given_not = {"urn:li:lyndaCourse:0": asked, "urn:li:lyndaCourse:1": asked, "urn:li:lyndaCourse:9": asked}
    UnknownCourseStore(api.table, integration_id).put(given_not, NOON)

    found = status_of(api, integration_id)

    assert (found["healthy"], found["held"]) == (False, {"course_unknown": 3})
    assert [reason[:62] for reason in found["reasons"]] == [
        "2 statements are held because LinkedIn, asked for their course"
    ]
    assert [note.split(".")[0] for note in found["notes"]] == ["1 statements wait for their course"]


def test_a_statement_about_no_course_of_linkedins_needs_attention(api: Api) -> None:
    integration_id = connected(api)
    held(api.table, integration_id, "s1", "course_unknown", "https://example.com/courses/1")

    found = status_of(api, integration_id)

    assert (len(found["reasons"]), found["notes"]) == (1, [])
    assert "include_urns" in found["reasons"][0]


@pytest.mark.parametrize("detail", ["LinkedIn's limit is reached", "LinkedIn's limit is reached."])
def test_a_failed_sync_is_told_with_what_went_wrong(api: Api, detail: str) -> None:
    integration_id = connected(api)
    runs = RunStore(api.table, integration_id, "catalog")
    day_limit.note(runs, DayLimit("..."), utc_now())
    put_run(runs, run("r1", "failed", [{"code": "linkedin_day_limit", "detail": detail}]))
    runs.remember(last_run_id="r1", last_status="failed")

    found = status_of(api, integration_id)

    assert found["reasons"] == ["The last catalog sync failed: LinkedIn's limit is reached."]
    assert (found["throttling"]["in_force"], found["throttling"]["kinds"]) == (True, ["catalog"])


UNLISTED = {"code": "unlisted_but_available", "detail": "courses are not listed any more"}
UNREAD = {"code": "linkedin_unusable_answer", "detail": "LinkedIn answered 500 (COURSE en, page at 110)."}


def unclean(api: Api, *statuses: str) -> tuple[str, RunStore]:
    """Put a run that succeeded but was not clean, with ranges of these statuses; return its integration and store."""
    integration_id = connected(api)
    runs = RunStore(api.table, integration_id, "catalog")
    put_run(runs, run("r1", "succeeded", [UNLISTED, UNREAD]) | {"clean": False})
    ranges: list[Any] = [{"number": n, "status": status, "settled": True} for n, status in enumerate(statuses)]
    runs.add_ranges("r1", ranges, utc_now())
    runs.remember(last_run_id="r1", last_status="succeeded")
    return integration_id, runs


def test_a_sync_that_could_not_read_everything_is_told_with_what_is_missing(api: Api) -> None:
    integration_id, _ = unclean(api, "done", "partial")

    found = status_of(api, integration_id)

    assert found["reasons"] == [
        "The last catalog sync could not read everything: LinkedIn answered 500 (COURSE en, page at 110). "
        "Redriving the run r1 reads what failed again."
    ]
    assert (found["healthy"], found["syncs"]["catalog"]["last_success_at"]) == (False, None)
    setup = api.ask("GET", f"/admin/integrations/{integration_id}")["setup"]
    assert {step["id"]: step["state"] for step in setup}["first_catalog_sync"] == "to_do"


def test_a_doubt_that_no_redrive_would_clear_away_does_not_ask_for_one(api: Api) -> None:
    integration_id, _ = unclean(api, "done")

    [reason] = status_of(api, integration_id)["reasons"]

    assert reason.endswith("page at 110).")


def test_a_sync_that_could_not_read_everything_is_told_while_another_is_under_way(api: Api) -> None:
    integration_id, runs = unclean(api, "partial")
    runs.begin(run("r2", "running", []), utc_now())

    found = status_of(api, integration_id)

    assert (found["syncs"]["catalog"]["running"], len(found["reasons"])) == (True, 1)
    assert "could not read everything" in found["reasons"][0]
    assert "Redriving" not in found["reasons"][0]


def test_a_failure_is_told_with_its_own_cause_while_another_run_is_under_way(api: Api) -> None:
    integration_id = connected(api)
    runs = RunStore(api.table, integration_id, "catalog")
    put_run(runs, run("r1", "failed", [{"code": "x", "detail": "LinkedIn was down"}]))
    runs.remember(last_run_id="r1", last_status="failed")
    runs.begin(run("r2", "running", []), utc_now())

    assert status_of(api, integration_id)["reasons"] == ["The last catalog sync failed: LinkedIn was down."]


def test_a_run_that_waits_for_confirmation_keeps_an_admin_up(api: Api) -> None:
    integration_id = connected(api)
    runs = RunStore(api.table, integration_id, "catalog")
    put_run(runs, run("r1", "needs_confirmation", []) | {"pending_archive": 12})
    runs.remember(last_run_id="r1", last_status="needs_confirmation")

    assert "would archive 12 courses" in status_of(api, integration_id)["reasons"][0]


FRIDAY = datetime(2026, 3, 6, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "in_time", "late"),
    [
        ("cron(10 8 * * ? *)", FRIDAY + timedelta(hours=47), FRIDAY + timedelta(hours=49)),
        ("cron(10 8 ? * MON-FRI *)", datetime(2026, 3, 10, 8, 0, tzinfo=UTC), datetime(2026, 3, 10, 8, 11, tzinfo=UTC)),
        ("rate(6 hours)", FRIDAY + timedelta(hours=12), FRIDAY + timedelta(hours=13)),
        ("cron(10 8 1 1 ? 2020)", FRIDAY + timedelta(days=400), None),
    ],
)
def test_a_sync_that_missed_two_of_its_times_is_overdue(
    api: Api, expression: str, in_time: datetime, late: datetime | None
) -> None:
    schedule = {"expression": expression, "timezone": "UTC", "enabled": True}
    integration_id = connected(api, catalog_schedule=schedule, activity={"schedule": schedule})
    integration = IntegrationStore(api.table).get(integration_id)
    for kind in ("catalog", "activity"):
        RunStore(api.table, integration_id, kind).remember(last_success_at=rfc3339(FRIDAY))

    def overdue(now: datetime) -> list[str]:
        seen = status.observe(api.table, integration, now)
        return [text.split()[1] for text in status.troubles(seen) if "overdue" in text]

    assert overdue(in_time) == []
    assert late is None or overdue(late) == ["catalog", "activity"]


@pytest.mark.parametrize(("days", "kinds"), [(0.1, []), (3, ["catalog", "activity"])])
def test_a_sync_that_never_succeeded_is_overdue_two_times_after_the_first_key_pair(
    api: Api, days: float, kinds: list[str]
) -> None:
    integration = IntegrationStore(api.table).get(connected(api))
    saved_at = integration.credentials.since()
    assert saved_at is not None
    long_before = integration.model_copy(update={"created_at": saved_at - timedelta(days=90)})

    seen = status.observe(api.table, long_before, saved_at + timedelta(days=days))

    assert [text.split()[1] for text in status.troubles(seen) if "overdue" in text] == kinds


OFF = {"expression": "cron(10 8 * * ? *)", "timezone": "Europe/Paris", "enabled": False}
RATE = {**OFF, "expression": "rate(6 hours)", "enabled": True}
LAST_TIME = {**OFF, "expression": "cron(0 8 1 10 ? 2099)", "enabled": True}
PAST = {**OFF, "expression": "cron(10 8 1 1 ? 2020)", "enabled": True}


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({"catalog_schedule": OFF}, ["catalog"]),
        ({"activity": {"schedule": OFF}}, ["activity"]),
        ({"catalog_schedule": PAST, "activity": {"schedule": PAST}}, ["catalog", "activity"]),
        ({"activity": {"enabled": False}}, []),
        ({"catalog_schedule": RATE, "activity": {"enabled": False}}, []),
        ({"catalog_schedule": LAST_TIME, "activity": {"enabled": False}}, []),
    ],
)
def test_an_integration_whose_sync_nothing_starts_needs_attention(api: Api, settings: Any, kinds: list[str]) -> None:
    integration_id = connected(api)
    api.ask("PATCH", f"/admin/integrations/{integration_id}", settings)

    found = status_of(api, integration_id)

    assert [reason.split()[1] for reason in found["reasons"]] == kinds
    assert found["healthy"] is not bool(kinds)
    assert any("reports are switched off" in note for note in found["notes"]) is (not kinds)


def test_without_a_key_pair_nobody_is_told_that_all_is_well(api: Api) -> None:
    found = status_of(api, api.integration()["id"])

    assert found["healthy"] is False
    assert found["reasons"] == [
        "There is no LinkedIn key pair: nothing can be fetched, and no sync starts automatically."
    ]


def test_statements_that_wait_too_long_are_told(api: Api) -> None:
    integration_id = connected(api)
    stored(api.table, integration_id, "s1", waiting_since=rfc3339(utc_now() - timedelta(hours=1)))

    assert status_of(api, integration_id)["reasons"][0].startswith("Statements have been waiting to be applied since")


def test_a_switched_off_integration_is_no_trouble(api: Api) -> None:
    integration_id = api.integration()["id"]
    api.ask("POST", f"/admin/integrations/{integration_id}/deactivate")

    found = status_of(api, integration_id)

    assert found["healthy"] is True
    assert found["notes"][0].startswith("The integration is not active")


def run(run_id: str, state: str, errors: list[dict[str, str]]) -> Any:
    now = rfc3339(utc_now())
    return {
        "id": run_id, "kind": "catalog", "mode": "full", "trigger": "admin", "status": state, "started_at": now,
        "finished_at": now, "errors": errors, "throttled": 0, "pending_archive": 0,
    }  # fmt: skip


# --- self-test


@pytest.fixture
def selftest(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """A function that runs a self-test of a connected integration, with the given parts replaced."""
    integration_id = connected(api)

    def run_it(**changed: Any) -> dict[str, Any]:
        kept = IntegrationStore(api.table).get(integration_id)
        parts: dict[str, Any] = {
            "integration": kept,
            "webhook": wiring.clients().get(kept.webhook_client_id),
            "table": api.table,
            "tokens": auth.tokens(),
            "mint": lambda scope: scope,
            "linkedin": lambda _scope: LinkedIn(),
            "http": httpx.Client(transport=httpx.MockTransport(public_api(api.table, integration_id))),
            "base_url": "https://api.example.com",
            "time_is_up": lambda: False,
            **changed,
        }
        found = Selftest(**parts).run()
        return {"ok": found["ok"], **{step["id"]: step for step in found["steps"]}}

    return run_it


class LinkedIn:
    """A LinkedIn that answers with an empty page."""

    def get(self, *_arguments: object, **_options: object) -> Any:
        return {"elements": [], "paging": {"start": 0, "count": 1, "total": 0, "links": []}}


def public_api(table: Table, integration_id: str) -> Callable[[httpx.Request], httpx.Response]:
    """Return a stand-in for the public API of this system, which settles statements at once."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            return httpx.Response(400, json={"error": "invalid_request"})
        auth.access().grant(request.headers["authorization"], "xapi:write")
        statement = json.loads(request.content)
        stored(table, integration_id, statement["id"], outcome="ignored")
        return httpx.Response(200, json=[statement["id"]])

    return answer


def test_a_self_test_in_which_all_is_well_leaves_no_statement_behind(
    api: Api, selftest: Callable[..., dict[str, Any]]
) -> None:
    found = selftest()

    states = {name: step["state"] for name, step in found.items() if name != "ok"}
    assert found["ok"] is True
    assert states.pop("report_token") == "skipped"
    assert set(states.values()) == {"ok"}
    [integration] = api.ask("GET", "/admin/integrations")["items"]
    assert api.ask("GET", f"/admin/integrations/{integration['id']}/statements")["items"] == []


def test_a_step_that_fails_says_why_and_what_to_do_and_the_others_go_on(
    selftest: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_scope: str) -> None:
        raise CredentialsRefused("invalid_client", "Client authentication failed")

    def without_report_key(scope: str) -> LinkedIn:
        if scope == "report":
            raise KeyMissing("report", "Not enough permissions")
        return LinkedIn()

    monkeypatch.setattr(assets, "classifications_page", Mock(side_effect=UnusableAnswer("LinkedIn answered 500")))

    found = selftest(mint=refuse, linkedin=without_report_key)

    assert found["ok"] is False
    assert found["content_token"]["state"] == "failed"
    assert "Client authentication failed" in found["content_token"]["why"]
    assert "Re-copy both values" in found["content_token"]["remedy"]
    assert "Report key" in found["reports"]["remedy"]
    assert found["classifications"]["remedy"].startswith("Try again later")
    assert found["statement"]["state"] == "ok"


@pytest.mark.parametrize("step", ["token_endpoint", "statement"])
def test_a_public_address_that_leads_elsewhere_is_told(selftest: Callable[..., dict[str, Any]], step: str) -> None:
    elsewhere = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(404)))

    found = selftest(http=elsewhere)

    assert (found[step]["state"], found[step]["why"]) == ("failed", "it answers 404")


def test_a_public_address_that_cannot_be_reached_is_told(selftest: Callable[..., dict[str, Any]]) -> None:
    def unreachable(_request: httpx.Request) -> httpx.Response:
        message = "no route"
        raise httpx.ConnectError(message)

    found = selftest(http=httpx.Client(transport=httpx.MockTransport(unreachable)))

    assert "cannot be reached" in found["token_endpoint"]["why"]


def test_a_step_that_meets_a_busy_table_says_so(selftest: Callable[..., dict[str, Any]]) -> None:
    def busy(_scope: str) -> None:
        raise Unavailable("the table is busy, try again")

    assert selftest(mint=busy)["content_token"]["why"] == "the table is busy, try again"


def test_a_self_test_over_the_api_talks_to_linkedin_and_to_our_own_address(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    integration_id = connected(api)
    ours = public_api(api.table, integration_id)
    asked: list[str] = []

    def internet(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "oauth.example.com":
            return httpx.Response(200, json={"access_token": "AQ", "expires_in": 1800})
        if request.url.host == "linkedin.example.com":
            return httpx.Response(200, json=LinkedIn().get())
        return ours(request)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: real(**options, transport=httpx.MockTransport(internet)))

    found = api.ask("POST", f"/admin/integrations/{integration_id}/selftest")

    assert found["ok"] is True, found
    assert set(asked) == {"oauth.example.com", "linkedin.example.com", "api.example.com"}
    [noted, *_] = api.ask("GET", "/admin/audit")["items"]
    assert noted["action"] == "selftest.run"
    assert "content_token: ok" in noted["changes"][0]["to"]


def test_a_self_test_ends_in_time(selftest: Callable[..., dict[str, Any]]) -> None:
    found = selftest(time_is_up=lambda: True)

    assert {step["state"] for name, step in found.items() if name != "ok"} == {"skipped"}


def test_a_statement_that_is_not_judged_is_told_and_removed(
    api: Api, selftest: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coursebridge.admin.selftest.LONGEST_WAIT_SECONDS", 0.01)
    posted = []

    def never_judged(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/token":
            return httpx.Response(400)
        posted.append(json.loads(request.content)["id"])
        return httpx.Response(200)

    found = selftest(http=httpx.Client(transport=httpx.MockTransport(never_judged)))

    [integration] = api.ask("GET", "/admin/integrations")["items"]
    assert found["statement"]["state"] == "failed"
    assert api.table.get(keys.statement(integration["id"], posted[0])) is None
