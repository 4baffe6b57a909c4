"""Statements over the API: finding them, explaining their outcomes, and replaying them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.apply.release import release_for_identities
from coursebridge.clock import utc_now
from coursebridge.records.identifiers import digest, normalised
from coursebridge.secret_values import pseudonym_key
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner
from unit.admin.statements import held, stored

if TYPE_CHECKING:
    from unit.admin.conftest import Api

HELD_FOR = "email:learner@example.com"


@pytest.fixture
def integration_id(api: Api) -> str:
    """An integration with statements of every outcome."""
    made: str = api.integration()["id"]
    stored(api.table, made, "new")
    for n in range(3):
        held(api.table, made, f"held{n}", "learner_unknown", HELD_FOR)
    held(api.table, made, "waiting", "course_unknown", "urn:li:lyndaCourse:252")
    for n in range(2):
        stored(api.table, made, f"ignored{n}", outcome="ignored")
    stored(api.table, made, "applied", outcome="applied")
    return made


def listed(api: Api, integration_id: str, **query: str) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.ask("GET", f"/admin/integrations/{integration_id}/statements", query={**query, **cursor})
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


@pytest.mark.parametrize("limit", ["1", "2", "50"])
@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, {"new", "held0", "held1", "held2", "waiting", "ignored0", "ignored1", "applied"}),
        ({"outcome": "received"}, {"new"}),
        ({"outcome": "held"}, {"held0", "held1", "held2", "waiting"}),
        ({"outcome": "held", "reason": "learner_unknown"}, {"held0", "held1", "held2"}),
        ({"reason": "course_unknown"}, {"waiting"}),
        ({"outcome": "ignored"}, {"ignored0", "ignored1"}),
        ({"reason": "verb_unknown"}, {"ignored0", "ignored1"}),
        ({"outcome": "applied"}, {"applied"}),
        ({"outcome": "applied", "reason": "verb_unknown"}, set()),
    ],
)
def test_statements_are_found_by_outcome_and_reason(
    api: Api, integration_id: str, query: dict[str, str], ids: set[str], limit: str
) -> None:
    found = listed(api, integration_id, limit=limit, **query)

    assert sorted(one["id"] for one in found) == sorted(ids)


def test_a_reason_that_there_is_not_is_refused(api: Api, integration_id: str) -> None:
    path = f"/admin/integrations/{integration_id}/statements"
    answered = api.ask("GET", path, expect=400, query={"reason": "unknown"})

    assert answered["errors"][0]["field"] == "reason"
    assert "'learner_unknown'" in answered["errors"][0]["detail"]
    assert "'already_completed'" in answered["errors"][0]["detail"]


def test_a_page_that_took_too_long_to_fill_is_answered_as_it_is(
    api: Api, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coursebridge.admin.statements.MOST_READS", 1)

    found = listed(api, integration_id, limit="1", outcome="applied")

    assert [one["id"] for one in found] == ["applied"]


def test_what_is_held_is_listed_by_its_reason_and_by_what_it_waits_for(api: Api, integration_id: str) -> None:
    held(api.table, integration_id, "late", "learner_unknown", "email:a@example.com")

    found = listed(api, integration_id, outcome="held")

    assert [one["id"] for one in found] == ["waiting", "late", "held0", "held1", "held2"]


def test_a_statement_in_a_list_says_why_in_words_and_leaves_its_text_out(api: Api, integration_id: str) -> None:
    [found] = listed(api, integration_id, reason="course_unknown")

    assert found["explanation"] == "the course is not in the catalogue yet"
    assert found["actor"] == {"type": "email", "value": "learner@example.com"}
    assert "raw" not in found


def test_a_single_statement_comes_as_it_was_received(api: Api, integration_id: str) -> None:
    found = api.ask("GET", f"/admin/integrations/{integration_id}/statements/applied")

    assert found["raw"]["actor"]["mbox"] == "mailto:learner@example.com"
    assert found["outcome"] == "applied"


@pytest.mark.parametrize(("method", "path"), [("GET", "exact"), ("POST", "exact/replay")])
def test_a_single_statement_keeps_its_numbers_and_letters(
    api: Api, integration_id: str, method: str, path: str
) -> None:
    raw = '{"result": {"score": {"raw": 1.10, "max": 1e400}}, "id":"\\u00e9"}'
    item = held(api.table, integration_id, "exact", "learner_unknown", HELD_FOR)
    api.table.put({**item, "raw": raw})

    answer = api.send(method, f"/admin/integrations/{integration_id}/statements/{path}")

    assert f'"raw":{raw}' in answer.text
    assert answer.json["id"] == "exact"


def test_a_statement_of_an_erased_person_has_no_text(api: Api, integration_id: str) -> None:
    item = stored(api.table, integration_id, "emptied", outcome="ignored")
    api.table.put({**item, "raw": None})

    assert api.ask("GET", f"/admin/integrations/{integration_id}/statements/emptied")["raw"] is None


def test_a_statement_whose_id_has_a_slash_is_read_and_replayed(api: Api, integration_id: str) -> None:
    held(api.table, integration_id, "2026/7", "learner_unknown", HELD_FOR)
    path = f"/admin/integrations/{integration_id}/statements/2026/7"

    assert api.ask("GET", path)["id"] == "2026/7"
    assert api.ask("POST", f"{path}/replay", expect=202)["outcome"] == "received"


@pytest.mark.parametrize("path", ["statements/nowhere", "statements/nowhere/replay"])
def test_a_statement_there_is_not_is_not_found(api: Api, integration_id: str, path: str) -> None:
    method = "POST" if path.endswith("replay") else "GET"

    assert api.send(method, f"/admin/integrations/{integration_id}/{path}").status == 404


def test_an_integration_there_is_not_has_no_statements(api: Api) -> None:
    assert api.send("GET", "/admin/integrations/nowhere/statements").status == 404


@pytest.mark.parametrize("statement_id", ["held0", "ignored0", "applied"])
def test_a_replayed_statement_is_on_its_way_again(api: Api, integration_id: str, statement_id: str) -> None:
    path = f"/admin/integrations/{integration_id}/statements/{statement_id}/replay"

    answered = api.ask("POST", path, expect=202)

    assert (answered["outcome"], answered["reason"]) == ("received", None)
    assert statement_id in {one["id"] for one in listed(api, integration_id, outcome="received")}
    assert api.ask("GET", "/admin/audit")["items"][0]["action"] == "statement.replayed"


def test_everything_held_for_a_reason_is_replayed_at_once(api: Api, integration_id: str) -> None:
    path = f"/admin/integrations/{integration_id}/statements/replay"

    assert api.ask("POST", path, {"reason": "learner_unknown"}, expect=202) == {"replayed": 3, "held": 0}
    assert api.send("POST", path, {"reason": "already_completed"}).status == 400


def test_an_identifier_becomes_a_learners_and_what_is_held_for_it_is_counted(api: Api, integration_id: str) -> None:
    api.table.put(Learner(integration_id, "learner-1", "2026-01-01T00:00:00.000Z").to_item())
    body = {"type": "email", "value": "Learner@Example.com", "learner_id": "learner-1"}

    answered = api.ask("POST", f"/admin/integrations/{integration_id}/identities", body, expect=201)

    assert answered == {**body, "replayed": 3, "taken_from": []}
    assert api.table.get(keys.identity(integration_id, "email", "learner@example.com"))
    assert release_for_identities(api.table, integration_id, {HELD_FOR}, utc_now()) == 3
    [entry] = [one for one in api.ask("GET", "/admin/audit")["items"] if one["action"] == "identity.assigned"]
    assert {change["field"]: change["to"] for change in entry["changes"]} == {
        "type": "email",
        "replayed": 3,
        "taken_from": [],
    }
    assert "example.com" not in str(entry).lower()


def test_an_identifier_that_is_taken_from_another_learner_says_from_whom(api: Api, integration_id: str) -> None:
    for name in ("first", "second"):
        api.table.put(Learner(integration_id, name, "2026-01-01T00:00:00.000Z").to_item())
    body = {"type": "email", "value": "learner@example.com"}
    path = f"/admin/integrations/{integration_id}/identities"
    api.ask("POST", path, {**body, "learner_id": "first"}, expect=201)

    assert api.ask("POST", path, {**body, "learner_id": "second"}, expect=201)["taken_from"] == ["first"]
    entry = api.ask("GET", "/admin/audit")["items"][0]
    assert {"field": "taken_from", "from": None, "to": ["first"]} in entry["changes"]


def test_an_identifier_of_an_erased_person_is_not_given_by_accident(api: Api, integration_id: str) -> None:
    api.table.put(Learner(integration_id, "learner-1", "2026-01-01T00:00:00.000Z").to_item())
    erased = normalised("email", "learner@example.com")
    api.table.put(keys.tombstone(integration_id, digest(erased, pseudonym_key())).item())
    body = {"type": "email", "value": "learner@example.com", "learner_id": "learner-1"}
    path = f"/admin/integrations/{integration_id}/identities"

    assert api.send("POST", path, body).status == 409
    assert api.send("POST", path, {**body, "after_erasure": True}).status == 201


def test_an_identifier_is_not_given_to_a_learner_there_is_not(api: Api, integration_id: str) -> None:
    body = {"type": "email", "value": "a@example.com", "learner_id": "nobody"}

    assert api.send("POST", f"/admin/integrations/{integration_id}/identities", body).status == 404


def test_another_way_to_recognise_learners_releases_who_was_not(api: Api, integration_id: str) -> None:
    api.ask("PATCH", f"/admin/integrations/{integration_id}", {"learner_identification": "username"})

    assert {one["reason"] for one in listed(api, integration_id, outcome="held")} == {"course_unknown"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [("email", "no-at"), ("email", "two words@example.com"), ("username", "a\nb"), ("external_id", "  ")],
)
def test_an_identifier_that_nobody_can_have_is_refused(api: Api, integration_id: str, kind: str, value: str) -> None:
    body = {"type": kind, "value": value, "learner_id": "learner-1"}

    refused = api.ask("POST", f"/admin/integrations/{integration_id}/identities", body, expect=400)

    assert [error["field"] for error in refused["errors"]] == ["value"]


def test_an_address_that_is_copied_from_a_statement_is_taken_without_its_scheme(api: Api, integration_id: str) -> None:
    api.table.put(Learner(integration_id, "learner-1", "2026-01-01T00:00:00.000Z").to_item())
    body = {"type": "email", "value": " MAILTO:learner@example.com", "learner_id": "learner-1"}

    answered = api.ask("POST", f"/admin/integrations/{integration_id}/identities", body, expect=201)

    assert (answered["value"], answered["replayed"]) == ("learner@example.com", 3)
