"""GET and HEAD /xapi/statements, and /xapi/about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email import message_from_string
from typing import TYPE_CHECKING, Any

import pytest

import statements_handler
from coursebridge import settings
from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.cursors import cursors
from coursebridge.statements import searching
from coursebridge.statements.searching import MOST_FOUND
from coursebridge.storage import statement_outcomes
from coursebridge.storage.table import Page, Table
from unit.conftest import Context
from xapi_builders import COMPLETED, PROGRESSED, request, statement, voiding

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.statements.conftest import Api

UUID = "6a9fefbb-3517-4b92-9d5e-5710aaba924f"
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], datetime]:
    """A clock that advances by a second with every reading."""
    looks = iter(range(1_000_000))

    def now() -> datetime:
        return START + timedelta(seconds=next(looks))

    monkeypatch.setattr(statements_handler, "utc_now", now)
    return now


def send(api: Api, *statements: dict[str, Any]) -> None:
    for one in statements:
        assert api.post(one).status == 200


def pages(api: Api, **query: str) -> list[list[str]]:
    """Return the ids, page by page."""
    answer = api.get(**query).json
    found = [[one["id"] for one in answer["statements"]]]
    while answer["more"]:
        path, _, more = answer["more"].partition("?more=")
        answer = api.call("GET", path=path, query={"more": more}).json
        found.append([one["id"] for one in answer["statements"]])
    return found


def test_a_statement_comes_back_with_what_the_receiver_adds(api: Api) -> None:
    """XAPI-00156, XAPI-00158, XAPI-00165."""
    whole = statement(id=UUID)
    send(api, whole)
    stored = (api.stored(UUID) or {})["stored_at"]

    answer = api.get(statementId=UUID.upper())

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert parse_rfc3339(stored).strftime("%a, %d %b %Y %H:%M:%S GMT") == answer.headers["Last-Modified"]
    assert answer.json == {
        **whole,
        "stored": stored,
        "version": "1.0.0",
        "authority": {
            "objectType": "Agent",
            "account": {"homePage": "https://api.example.com/oauth2/token", "name": "client-of-acme"},
        },
    }


def test_head_answers_as_get_without_a_body(api: Api) -> None:
    send(api, statement(id=UUID))
    head = api.call("HEAD", query={"statementId": UUID})

    assert (head.status, head.text) == (200, "")
    assert head.headers["Last-Modified"] == api.get(statementId=UUID).headers["Last-Modified"]


def test_an_unknown_statement_is_not_found(api: Api) -> None:
    assert api.get(statementId=UUID).status == 404
    assert api.get(voidedStatementId=UUID).status == 404


def test_nothing_found_is_an_empty_list(api: Api) -> None:
    """XAPI-00149, XAPI-00154."""
    answer = api.get()

    assert (answer.status, answer.json) == (200, {"statements": [], "more": ""})


def test_statements_come_newest_first_unless_asked(api: Api, clock: object) -> None:
    """XAPI-00166."""
    send(api, *(statement(id=f"s{number}") for number in range(3)))

    assert api.ids() == ["s2", "s1", "s0"]
    assert api.ids(ascending="true") == ["s0", "s1", "s2"]


def test_since_is_after_and_until_is_at_or_before(api: Api, clock: object) -> None:
    """XAPI-00174, XAPI-00175."""
    send(api, *(statement(id=f"s{number}") for number in range(3)))
    stored = (api.stored("s1") or {})["stored_at"]

    assert api.ids(since=stored) == ["s2"]
    assert api.ids(until=stored) == ["s1", "s0"]
    assert api.ids(since=stored, until=stored) == []
    assert api.ids(since=rfc3339(parse_rfc3339(stored) - timedelta(milliseconds=1))) == ["s2", "s1"]


@pytest.mark.parametrize("more", [{}, {"agent": '{"mbox": "mailto:a.learner@example.com"}'}])
def test_a_time_that_ends_before_it_begins_holds_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    """DynamoDB, unlike moto, refuses a range whose upper bound is below its lower bound."""
    send(api, statement(id="s0"))
    query = Table.query

    def as_dynamodb(table: Table, pk: str, **options: Any) -> Page:
        low, high = options["between"]
        assert low <= high
        return query(table, pk, **options)

    monkeypatch.setattr(Table, "query", as_dynamodb)

    answer = api.get(since="2030-01-01T00:00:00Z", until="2020-01-01T00:00:00Z", **more)

    assert (answer.status, answer.json) == (200, {"statements": [], "more": ""})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"verb": PROGRESSED}, ["s2"]),
        ({"activity": "a:1"}, ["s1"]),
        ({"registration": UUID.upper()}, ["s0"]),
        ({"agent": json.dumps({"mbox": "mailto:B@example.com"})}, ["s2", "s1"]),
        ({"agent": json.dumps({"mbox": "mailto:b@example.com"}), "verb": COMPLETED}, ["s1"]),
        ({"agent": json.dumps({"mbox": "mailto:b@example.com"}), "ascending": "true"}, ["s1", "s2"]),
        ({"agent": json.dumps({"mbox": "mailto:nobody@example.com"})}, []),
        ({"agent": json.dumps({"mbox": "mailto:teacher@example.com"})}, []),
        ({"agent": json.dumps({"mbox": "mailto:teacher@example.com"}), "related_agents": "true"}, ["s0"]),
    ],
)
def test_filters_find_what_they_say(api: Api, clock: object, query: dict[str, str], found: list[str]) -> None:
    """XAPI-00164, XAPI-00176 to XAPI-00181."""
    person = {"mbox": "mailto:b@example.com"}
    context = {"registration": UUID, "instructor": {"mbox": "mailto:teacher@example.com"}}
    send(
        api,
        statement(id="s0", context=context),
        statement(id="s1", actor=person, object={"id": "a:1"}),
        statement(id="s2", actor=person, verb={"id": PROGRESSED}),
    )

    assert api.ids(**query) == found


@pytest.mark.parametrize("query", [{}, {"agent": json.dumps({"mbox": "mailto:learner@example.com"})}])
@pytest.mark.parametrize("ascending", ["true", "false"])
@pytest.mark.parametrize("page", [2, 3, 100])
def test_more_goes_on_where_the_page_ended(
    api: Api, clock: object, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], ascending: str, page: int
) -> None:
    """XAPI-00173."""
    monkeypatch.setattr(searching, "PAGE", page)
    ids = [f"s{number}" for number in range(7)]
    send(api, *(statement(id=id_) for id_ in ids))

    found = pages(api, limit="3", ascending=ascending, **query)

    assert found == ([ids[:3], ids[3:6], ids[6:]] if ascending == "true" else [ids[:3:-1], ids[3:0:-1], ids[:1]])


@pytest.mark.parametrize(
    ("public_url", "path"),
    [("https://api.example.com/learning/", "/learning/xapi/statements"), ("", "/xapi/statements")],
)
def test_more_is_a_full_path(api: Api, monkeypatch: pytest.MonkeyPatch, public_url: str, path: str) -> None:
    monkeypatch.setenv("API_PUBLIC_URL", public_url)
    settings.settings.cache_clear()
    send(api, statement(), statement())
    answer = api.get(limit="1").json
    home = answer["statements"][0]["authority"]["account"]["homePage"]

    assert answer["more"].startswith(f"{path}?more=")
    assert home == f"{public_url.rstrip('/') or 'https://api.example.com'}/oauth2/token"


def test_a_long_way_without_a_find_is_gone_in_several_requests(
    api: Api, clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "PAGE", 2)
    monkeypatch.setattr(searching, "MOST_EXAMINED", 4)
    send(api, statement(id="s0", verb={"id": PROGRESSED}), *(statement(id=f"s{n}") for n in range(1, 6)))

    assert pages(api, verb=PROGRESSED) == [[], ["s0"]]


def test_without_a_limit_a_page_is_bounded(api: Api) -> None:
    for _ in range(2):
        assert api.post([statement() for _ in range(60)]).status == 200

    assert [len(page) for page in pages(api)] == [MOST_FOUND, 20]
    assert [len(page) for page in pages(api, limit="1000")] == [MOST_FOUND, 20]


@pytest.mark.parametrize("most", [1000, 1])
def test_large_statements_make_short_pages_of_one_at_least(
    api: Api, clock: object, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(searching, "MOST_BYTES", most)
    send(api, *(statement(id=f"s{n}", context={"platform": "x" * 400}) for n in range(3)))

    assert pages(api) == [["s2"], ["s1"], ["s0"]]


def test_a_statement_weighs_what_its_escapes_do(api: Api, clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_BYTES", 4000)
    send(api, *(statement(id=f"s{n}", context={"platform": "語" * 400}) for n in range(2)))

    assert pages(api) == [["s1"], ["s0"]]


def test_a_cursor_that_was_tampered_with_is_refused(api: Api) -> None:
    send(api, statement(), statement())
    more = api.get(limit="1").json["more"].partition("?more=")[2]
    head, body, signature = more.split(".")

    for forged in (more[:-4] + "AAAA", f"{head}.{body[:-2]}.{signature}", "x", "", "é"):
        answer = api.get(more=forged)
        assert (answer.status, answer.json["errors"][0]["field"]) == (400, "more")


def test_a_cursor_of_another_integration_is_refused(connect: Callable[..., Api]) -> None:
    acme, other = connect(), connect(integration_id="other")
    send(acme, statement(), statement())
    more = acme.get(limit="1").json["more"].partition("?more=")[2]

    assert other.get(more=more).status == 400


def test_an_access_token_is_no_cursor(api: Api) -> None:
    assert api.get(more=api.token).status == 400
    assert api.call("GET", headers={"Authorization": f"Bearer {cursors().seal({}, 'x')}"}).status == 401


@pytest.mark.parametrize("order", ["voiding first", "voiding last", "one batch"])
def test_a_voided_statement_is_hidden_but_for_who_asks_for_it(api: Api, clock: object, order: str) -> None:
    """XAPI-00018, XAPI-00155, XAPI-00157, XAPI-00162, XAPI-00163."""
    target, void = statement(id=UUID), voiding(UUID.upper(), id="v1")
    if order == "one batch":
        assert api.post([target, void]).status == 200
    else:
        send(api, *((void, target) if order == "voiding first" else (target, void)))

    assert api.ids() == ["v1"]
    assert api.get(statementId=UUID).status == 404
    assert api.get(voidedStatementId=UUID).json["id"] == UUID
    assert api.get(voidedStatementId="v1").status == 404


def test_a_voiding_statement_cannot_be_voided(api: Api, clock: object) -> None:
    """XAPI-00016."""
    send(api, statement(id=UUID), voiding(UUID, id="v1"), voiding("v1", id="v2"))

    assert api.ids() == ["v2", "v1"]
    assert api.get(statementId="v1").status == 200


def test_a_statement_that_was_erased_is_gone_and_a_repeat_does_not_bring_it_back(api: Api) -> None:
    whole = statement(id="s1")
    send(api, whole)
    api.table.transact([statement_outcomes.empty(api.table, api.stored("s1") or {}, "2026-01-01T00:00:00.000Z")])
    emptied = api.stored("s1")
    send(api, whole)

    assert api.ids() == []
    assert api.get(statementId="s1").status == 404
    assert api.stored("s1") == emptied


def test_an_answer_is_consistent_through_what_it_holds(api: Api) -> None:
    """XAPI-00152, XAPI-00160."""
    send(api, statement(id="s1"))
    stored = (api.stored("s1") or {})["stored_at"]

    for answer in (api.get(), api.get(statementId="s1")):
        assert answer.headers["X-Experience-API-Consistent-Through"] >= stored


@pytest.mark.parametrize("format_", ["exact", "ids", "canonical"])
def test_every_format_is_answered(api: Api, format_: str) -> None:
    """XAPI-00168."""
    send(api, statement(id="s1"))

    answer = api.get(format=format_)

    assert (answer.status, "display" in answer.json["statements"][0]["verb"]) == (200, format_ != "ids")


@pytest.mark.parametrize("format_", ["exact", "ids", "canonical"])
def test_the_deepest_statement_that_is_taken_can_be_given_out(api: Api, format_: str) -> None:
    inner: Any = {}
    for _ in range(96):
        inner = {"x": inner}
    send(api, statement(id="s1", context={"contextActivities": {"parent": inner}}))

    assert api.get(format=format_, related_agents="true", related_activities="true", activity="a:1").status == 200
    assert api.get(format=format_, statementId="s1").status == 200


def test_unknown_parameters_are_refused(api: Api) -> None:
    answer = api.get(actor="a", stored="b")

    assert (answer.status, [error["field"] for error in answer.json["errors"]]) == (400, ["actor", "stored"])


@pytest.mark.parametrize("query", [{}, {"statementId": UUID}])
def test_with_attachments_the_statements_are_the_first_part_of_a_message_and_the_only_one(
    api: Api, query: dict[str, str]
) -> None:
    """XAPI-00161."""
    send(api, statement(id=UUID))
    plain = api.get(**query, attachments="false")

    answer = api.get(**query, attachments="true")

    message = message_from_string(f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n{answer.text}")
    parts: Any = message.get_payload()
    [part] = parts
    assert (message.get_content_type(), part.get_content_type()) == ("multipart/mixed", "application/json")
    assert json.loads(part.get_payload()) == plain.json
    assert plain.headers["Content-Type"] == "application/json"


def test_who_asserts_a_statement_is_the_client_that_sent_it_whatever_it_says(api: Api) -> None:
    send(api, statement(id=UUID, authority={"mbox": "mailto:somebody@example.com"}))
    [shown] = api.get().json["statements"]

    assert api.ids(agent=json.dumps(shown["authority"]), related_agents="true") == [UUID]
    assert api.ids(agent=json.dumps({"mbox": "mailto:somebody@example.com"}), related_agents="true") == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_about_is_open_to_everybody_in_every_version(deployed: object, method: str) -> None:
    event = request(method, "/xapi/about", headers={"X-Experience-API-Version": "0.95"})
    answer = statements_handler.lambda_handler(event, Context())  # type: ignore[arg-type]
    about = '{"version":["1.0.0","1.0.1","1.0.2","1.0.3"],"extensions":{}}'

    assert (answer["statusCode"], answer["body"]) == (200, "" if method == "HEAD" else about)
