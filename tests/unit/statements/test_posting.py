"""POST and PUT /xapi/statements."""

from __future__ import annotations

import base64
import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coursebridge.observability import logger
from coursebridge.storage import keys
from xapi_builders import VOIDED, changed, statement, voiding

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.statements.conftest import Api

EVENTS = Path(__file__).resolve().parents[3] / "events"
UUID = "6a9fefbb-3517-4b92-9d5e-5710aaba924f"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = ("id", "timestamp", "actor", "verb", "object", "result", "context", "attachments", "authority")
ONE_TABLE = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_statement_is_stored_as_received(api: Api) -> None:
    """XAPI-00146, XAPI-00147."""
    text = json.dumps(statement(id="s1")).replace('"100"', "39.0")

    answer = api.post(text)

    assert (answer.status, answer.json) == (200, ["s1"])
    assert (api.stored("s1") or {})["raw"] == text


def test_the_stored_item_is_what_apply_lists_and_the_sweep_read(api: Api) -> None:
    whole = statement(id=UUID.upper())
    api.post(whole)
    item = api.stored(UUID) or {}
    stored = item["stored_at"]

    assert {name: value for name, value in item.items() if name not in {"raw", "digest", "stored_at", "GSI2PK"}} == {
        "PK": f"STATEMENT#acme#{UUID}",
        "SK": "STATEMENT",
        "GSI1PK": "STATEMENTS#acme",
        "GSI1SK": f"{stored}#{UUID}",
        "GSI2SK": f"{stored}#{UUID}",
        "GSI3PK": "PENDING#acme",
        "GSI3SK": f"received###{stored}#{UUID}",
        "integration_id": "acme",
        "statement_id": UUID,
        "timestamp": whole["timestamp"],
        "verb": whole["verb"]["id"],
        "object_id": "urn:li:lyndaCourse:252",
        "actor": {"type": "email", "value": "learner@example.com"},
        "outcome": "received",
        "reason": None,
        "learner_id": None,
        "attempt_id": None,
        "client_id": "client-of-acme",
        "request_id": "request-1",
    }


def test_the_event_of_the_gateway_is_taken_as_it_comes(api: Api) -> None:
    event = json.loads((EVENTS / "api-post-statement.json").read_text())

    assert api.post(event["body"]).status == 200


def test_a_batch_answers_its_ids_in_order(api: Api) -> None:
    batch = [statement(id=f"s{number}") for number in (3, 1, 2)]

    assert api.post(batch).json == ["s3", "s1", "s2"]
    assert api.count() == 3


def test_an_empty_batch_is_success(api: Api) -> None:
    assert (api.post([]).status, api.post([]).json) == (200, [])


def test_an_element_of_a_batch_keeps_its_own_text(api: Api) -> None:
    first, second = json.dumps(statement(id="s1"), indent=1), json.dumps(statement(id="s2")).replace('"100"', "1.10")
    api.post(f"[ {first} ,\n{second}]")

    assert [(api.stored(id_) or {})["raw"] for id_ in ("s1", "s2")] == [first, second]


@pytest.mark.parametrize(
    "differently",
    [
        {},
        {"headers": {"Content-Type": "text/plain"}},
        {"headers": {"Content-Type": "application/json; charset=utf-8"}},
        {"headers": {"X-Experience-API-Version": "1.0"}},
        {"headers": {"X-Experience-API-Version": "1.0.0"}},
        {"query": {"utm": "1"}},
    ],
)
def test_linkedin_may_send_it_in_many_ways(api: Api, differently: dict[str, Any]) -> None:
    assert api.post(statement(), **differently).status == 200


def test_a_base64_body_and_a_byte_order_mark_are_read(api: Api) -> None:
    body = base64.b64encode(b"\xef\xbb\xbf" + json.dumps(statement(id="é"), ensure_ascii=False).encode()).decode()

    assert api.post(body, isBase64Encoded=True).json == ["é"]


def test_an_identical_repeat_changes_nothing(api: Api) -> None:
    whole = statement(id=UUID)
    api.post(whole)
    before = api.stored(UUID)

    repeat = changed(changed(whole, "id", UUID.upper()), "timestamp", "2021-08-22T21:49:27.605+02:00")

    assert api.post(repeat).status == 200
    assert api.stored(UUID) == before


def test_a_repeat_without_id_is_recognised(api: Api) -> None:
    whole = statement(id=None)

    assert api.post(whole).json == api.post(whole).json
    assert api.count() == 1


def test_a_repeat_without_timestamp_is_recognised(api: Api) -> None:
    whole = statement(id="s1", timestamp=None)

    assert [api.post(whole).status, api.post(whole).status, api.count()] == [200, 200, 1]


def test_another_body_under_the_same_id_is_a_conflict(api: Api) -> None:
    """XAPI-00142."""
    api.post(statement(id="s1"))
    before = api.stored("s1")

    answer = api.post([statement(id="s2"), statement(id="s1", verb={"id": "http://example.com/other"})])

    assert (answer.status, answer.json["code"]) == (409, "conflict")
    assert "s1" in answer.json["errors"][0]["detail"]
    assert (api.stored("s1"), api.stored("s2")) == (before, None)


def test_a_batch_that_was_there_in_part_is_completed(api: Api) -> None:
    batch = [statement(id=f"s{number}") for number in range(4)]
    api.post(batch[1])
    api.post(batch[3])

    assert api.post(batch).status == 200
    assert api.count() == 4
    assert api.post(batch).status == 200


def test_the_same_statement_twice_in_a_batch_is_one(api: Api) -> None:
    whole = statement(id="s1")

    assert api.post([whole, whole]).json == ["s1", "s1"]
    assert api.count() == 1


def test_one_id_for_two_statements_in_a_batch_is_refused(api: Api) -> None:
    answer = api.post([statement(id="s1"), statement(id="s1", verb={"id": "http://example.com/other"})])

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "id")
    assert api.count() == 0


def test_one_bad_statement_rejects_the_batch_and_is_named(api: Api) -> None:
    answer = api.post([statement(), changed(statement(), "verb.id", ...), "no statement"])

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (400, ["[1].verb.id", "[2]"])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.count() == 0


def test_a_lone_bad_statement_names_its_field(api: Api) -> None:
    answer = api.post(changed(statement(), "actor", ...))

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (400, ["actor"])


@pytest.mark.parametrize(
    "body", ["", " ", "{", "no json", "[", "NaN", "[1,]", "null", "7", '"s"', "\ud800", "[" * 100_000]
)
def test_what_is_no_statement_is_refused(api: Api, body: str) -> None:
    answer = api.post(body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", ["%", base64.b64encode(b"\xff\xfe").decode()])
def test_a_body_that_cannot_be_decoded_is_refused(api: Api, body: str) -> None:
    assert api.post(body, isBase64Encoded=True).status == 400


def test_no_body_at_all_is_refused(api: Api) -> None:
    assert api.post(None).status == 400


def test_a_hundred_statements_are_taken_and_one_more_are_too_many(api: Api) -> None:
    batch = [statement() for _ in range(101)]

    assert api.post(batch).status == 413
    assert api.count() == 0
    assert api.post(batch[:100]).status == 200


def test_a_statement_larger_than_the_table_takes_is_refused(api: Api) -> None:
    assert api.post(statement(context={"platform": "é" * 200_000})).status == 413
    assert api.post([statement(context={"platform": "x" * 370_000}) for _ in range(11)]).status == 413
    assert api.count() == 0


def test_a_huge_body_is_refused_unread(api: Api) -> None:
    assert api.post("x" * 5_000_001).status == 413


def test_voiding_statements_count_twice(api: Api) -> None:
    assert api.post([voiding(f"t{number}") for number in range(51)]).status == 413
    assert api.post([voiding(f"t{number}") for number in range(50)]).status == 200


def test_attachments_are_refused_with_the_reason(api: Api) -> None:
    answer = api.post("--x", headers={"Content-Type": "multipart/mixed; boundary=x"})

    assert answer.status == 400
    assert "attachments" in answer.json["detail"]


@pytest.mark.parametrize("version", ["", "0.95", "1.1.0", "2.0.0", "1", "1.0.x"])
def test_another_version_is_refused(api: Api, version: str) -> None:
    """XAPI-00331."""
    answer = api.post(statement(), headers={"X-Experience-API-Version": version})

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "X-Experience-API-Version")


def test_every_answer_carries_version_and_consistency(api: Api) -> None:
    """XAPI-00153, XAPI-00333."""
    for answer in (api.post(statement()), api.post("{"), api.call("DELETE"), api.call("GET", path="/xapi/other")):
        assert answer.headers["X-Experience-API-Version"] == "1.0.3"
        assert answer.headers["X-Experience-API-Consistent-Through"].endswith("Z")


def test_put_stores_under_the_id_of_the_request(api: Api) -> None:
    """XAPI-00143, XAPI-00144."""
    whole = statement(id=None)
    answer = api.put(UUID.upper(), whole)

    assert (answer.status, answer.text) == (204, "")
    assert json.loads((api.stored(UUID) or {})["raw"]) == whole
    assert api.put(UUID, {**whole, "id": UUID}).status == 204


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ({}, statement(), "statementId"),
        ({"statementId": ""}, statement(), "statementId"),
        ({"statementId": "x" * 201}, statement(id=None), "statementId"),
        ({"statementId": "s1", "other": "1"}, statement(id="s1"), "other"),
        ({"statementId": "s1"}, statement(id="s2"), "id"),
        ({"statementId": "s1"}, statement(id="s1", actor=None), "actor"),
    ],
)
def test_put_names_what_is_wrong(api: Api, query: dict[str, str], body: object, field: str) -> None:
    """XAPI-00145."""
    answer = api.call("PUT", body, query=query)

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (400, [field])


def test_put_takes_no_array(api: Api) -> None:
    assert api.put("s1", [statement(id="s1")]).status == 400


def test_put_of_another_body_is_a_conflict(api: Api) -> None:
    api.put("s1", statement(id="s1"))

    assert api.put("s1", statement(id="s1", result={"completion": False})).status == 409


def test_a_strict_integration_takes_no_id_that_is_no_uuid(strict_api: Api) -> None:
    version = {"X-Experience-API-Version": "1.0.3"}
    answer = strict_api.call("PUT", statement(id=None), query={"statementId": "s1"}, headers=version)

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (400, ["statementId"])
    assert strict_api.call("PUT", statement(id=None), query={"statementId": UUID}, headers=version).status == 204


def test_a_strict_integration_takes_valid_statements(strict_api: Api) -> None:
    assert strict_api.post(statement(), headers={"X-Experience-API-Version": "1.0.3"}).status == 200


@pytest.mark.parametrize(
    ("body", "options", "field"),
    [
        (statement(id="s1"), {}, "id"),
        (statement(extra=1), {}, "extra"),
        ([statement(), statement(result={"completion": "true"})], {}, "[1].result.completion"),
        (statement(), {"headers": {}}, "X-Experience-API-Version"),
        (statement(), {"query": {"method": "PUT"}}, "method"),
    ],
)
def test_a_strict_integration_refuses_the_rest(
    strict_api: Api, body: object, options: dict[str, Any], field: str
) -> None:
    answer = strict_api.post(body, **{"headers": {"X-Experience-API-Version": "1.0.3"}, **options})

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (400, [field])
    assert strict_api.count() == 0


def test_who_may_write_needs_not_read(connect: Callable[..., Api]) -> None:
    writer = connect(scope="xapi:write")

    assert writer.post(statement()).status == 200
    assert writer.get().status == 403


def test_who_may_read_may_not_write(connect: Callable[..., Api]) -> None:
    reader = connect(scope="xapi:read")

    assert reader.get().status == 200
    answer = reader.post(statement())
    assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")
    assert 'scope="xapi:write"' in answer.headers["WWW-Authenticate"]


def test_without_a_good_token_nobody_is_served(api: Api) -> None:
    answer = api.post(statement(), headers={"Authorization": "Bearer forged"})

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_client_of_no_integration_is_told_so(connect: Callable[..., Api]) -> None:
    answer = connect(integration_id=None).post(statement())

    assert answer.status == 403
    assert "integration" in answer.json["detail"]


def test_the_client_of_a_deleted_integration_is_told_so(connect: Callable[..., Api]) -> None:
    caller = connect()
    caller.table.delete(keys.integration("acme"))

    assert caller.post(statement()).status == 403


def test_integrations_share_no_statements(connect: Callable[..., Api]) -> None:
    acme, other = connect(), connect(integration_id="other")

    assert acme.post(statement(id="s1")).status == 200
    assert other.post(statement(id="s1", result=None)).status == 200
    assert other.get(statementId="s1").json.get("result") is None


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_told_what_is_taken(api: Api, method: str) -> None:
    answer = api.call(method)

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT"


@pytest.mark.parametrize("path", ["/xapi/activities/state", "/xapi/statements/s1", "/xapi"])
def test_other_resources_do_not_exist(api: Api, path: str) -> None:
    assert api.call("GET", path=path).status == 404


def test_no_log_line_holds_a_person_or_a_statement(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", printed)
    api.post(statement(actor={"mbox": "mailto:somebody@example.com"}))
    api.post(statement(actor={"mbox": "mailto:somebody@example.com"}, verb=None))
    api.post("somebody@example.com")

    assert "statements taken" in printed.getvalue()
    assert "somebody" not in printed.getvalue()


def test_what_was_stored_repeated_and_refused_is_counted(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    whole = statement()
    for body in (whole, whole, "{"):
        api.post(body)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counts = {name: line[name] for line in printed for name in line if name.startswith("Statements")}

    assert counts == {"StatementsStored": [1.0], "StatementsRepeated": [1.0], "StatementsRefused": [1.0]}


@ONE_TABLE
@given(body=JSON | st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, JSON))))
def test_any_json_is_answered(api: Api, body: object) -> None:
    assert api.post(body).status in {200, 400, 409}


@ONE_TABLE
@given(text=st.text())
def test_any_text_is_answered(api: Api, text: str) -> None:
    assert api.post(text).status in {200, 400}


@ONE_TABLE
@given(members=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, JSON)), min_size=1, max_size=4))
def test_a_batch_is_stored_whole_or_not_at_all_and_a_repeat_adds_nothing(
    api: Api, members: list[dict[str, Any]]
) -> None:
    batch = [statement() | some for some in members]
    before = api.count()
    first = api.post(batch)
    after = api.count()

    assert first.status in {200, 400, 409}
    assert after == before or first.status == 200
    if first.status == 200 and all("timestamp" in one and "id" in one for one in batch):
        assert len(first.json) == len(batch)


@ONE_TABLE
@given(members=st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, JSON)))
def test_a_statement_sent_again_is_success_and_adds_nothing(api: Api, members: dict[str, Any]) -> None:
    whole = statement() | members
    if api.post(whole).status == 200 and (whole["id"] is not None or whole["timestamp"] is not None):
        count = api.count()

        assert (api.post(whole).status, api.count()) == (200, count)


def test_a_voiding_verb_on_something_else_is_stored_and_voids_nothing(api: Api) -> None:
    api.post(statement(id="s1"))

    assert api.post(statement(verb={"id": VOIDED}, object={"id": "s1"})).status == 200
    assert api.get(statementId="s1").status == 200
