"""Querying and putting statements over HTTP: every filter of xAPI 1.0.3, voiding, and paging."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from connector import Caller, Connection
from pushing import XAPI, account, activity, agent, completion, reader
from xapi_builders import COMPLETED, PROGRESSED, statement, voiding

if TYPE_CHECKING:
    from running_stack import RunningStack

HOME_PAGE = "https://www.linkedin.com/learning"
REGISTRATION = "2c9a1b52-55bb-4b4c-8d83-9e1c0a3b7a11"
SHARED = "http://example.com/verbs/shared"


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module")
def connection(admin: Caller) -> Connection:
    return Connection(admin)


class Kept:
    """Statements in an integration of their own, stored one by one in the order of `sent`."""

    def __init__(self, admin: Caller) -> None:
        made = Connection(admin)
        self.reader = reader(admin, made.id)
        parent = {"contextActivities": {"parent": activity("urn:li:lyndaCourse:1")}}
        self.sent = [
            statement(actor=agent("ann"), verb={"id": PROGRESSED}, object=activity("urn:li:lyndaCourse:1")),
            statement(
                actor=agent("ann"), object=activity("urn:li:lyndaCourse:1"), context={"registration": REGISTRATION}
            ),
            statement(actor=agent("bob"), verb={"id": PROGRESSED}, object=activity("urn:li:lyndaCourse:2")),
            statement(actor=account("carl"), object=activity("urn:li:lyndaCourse:2")),
            statement(
                actor=agent("ann"),
                verb={"id": SHARED, "display": {"en-US": "shared", "de-DE": "geteilt"}},
                object=activity("urn:li:lyndaCourse:3"),
                context={"instructor": agent("bob"), **parent},
            ),
            statement(actor=agent("bob"), object=activity("urn:li:lyndaCourse:1")),
        ]
        self.sent.append(voiding(self.sent[5]["id"], actor=agent("admin")))
        for one in self.sent:
            made.post(one)
        self.stored = [self.of(number)["stored"] for number in range(5)]

    def of(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.reader.ask("GET", XAPI, params={"statementId": self.sent[number]["id"]})
        return found

    def numbers(self, statements: list[dict[str, Any]]) -> list[int]:
        ids = [one["id"] for one in self.sent]
        return [ids.index(one["id"]) for one in statements]

    def pages(self, **params: str) -> list[list[int]]:
        """Return all pages of an answer by following `more`."""
        pages = []
        answer = self.reader.ask("GET", XAPI, params=params)
        while True:
            pages.append(self.numbers(answer["statements"]))
            if not answer["more"]:
                return pages
            answer = self.reader.ask("GET", str(self.reader.http.base_url.join(answer["more"])))


@pytest.fixture(scope="module")
def kept(admin: Caller) -> Kept:
    return Kept(admin)


QUERIES: dict[str, tuple[dict[str, str], list[int]]] = {
    "nothing": ({}, [6, 4, 3, 2, 1, 0]),
    "ascending": ({"ascending": "true"}, [0, 1, 2, 3, 4, 6]),
    "agent by mbox": ({"agent": json.dumps(agent("ann"))}, [4, 1, 0]),
    "agent in capitals": ({"agent": json.dumps({"mbox": "mailto:ANN@EXAMPLE.COM"})}, [4, 1, 0]),
    "agent by account": ({"agent": json.dumps(account("carl"))}, [3]),
    "agent of another home page": ({"agent": json.dumps(account("carl", "https://example.com"))}, []),
    "agent nobody knows": ({"agent": json.dumps(agent("nobody"))}, []),
    "related agents": ({"agent": json.dumps(agent("bob")), "related_agents": "true"}, [4, 2]),
    "verb": ({"verb": COMPLETED}, [3, 1]),
    "activity": ({"activity": "urn:li:lyndaCourse:1"}, [1, 0]),
    "related activities": ({"activity": "urn:li:lyndaCourse:1", "related_activities": "true"}, [4, 1, 0]),
    "registration": ({"registration": REGISTRATION.upper()}, [1]),
    "several at once": ({"agent": json.dumps(agent("ann")), "verb": PROGRESSED, "ascending": "true"}, [0]),
    "agent, ascending": ({"agent": json.dumps(agent("ann")), "ascending": "true"}, [0, 1, 4]),
    "no limit": ({"limit": "0"}, [6, 4, 3, 2, 1, 0]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_finds_what_it_means_newest_first(kept: Kept, name: str) -> None:
    params, expected = QUERIES[name]

    assert kept.pages(**params) == [expected]


def test_since_is_after_and_until_is_not_after(kept: Kept) -> None:
    assert kept.pages(since=kept.stored[1], until=kept.stored[3]) == [[3, 2]]
    assert kept.pages(since=kept.stored[1], agent=json.dumps(agent("ann"))) == [[4]]
    assert kept.pages(until=kept.stored[1]) == [[1, 0]]


def test_more_leads_from_page_to_page_to_the_end(kept: Kept) -> None:
    assert [number for page in kept.pages(limit="2") for number in page] == [6, 4, 3, 2, 1, 0]
    assert kept.pages(limit="2", ascending="true")[0] == [0, 1]
    assert max(map(len, kept.pages(limit="2"))) == 2
    assert kept.pages(limit="1", agent=json.dumps(agent("ann"))) == [[4], [1], [0]]


def test_more_that_was_tampered_with_is_refused(kept: Kept) -> None:
    more = kept.reader.ask("GET", XAPI, params={"limit": "2"})["more"]

    answer = kept.reader.send("GET", str(kept.reader.http.base_url.join(more))[:-3] + "AAA")

    assert answer.status_code == 400


def test_a_statement_comes_back_as_it_was_sent_with_what_a_receiver_adds(kept: Kept) -> None:
    answer = kept.reader.send("GET", XAPI, params={"statementId": kept.sent[3]["id"].upper()})
    found = answer.json()

    assert {name: found[name] for name in kept.sent[3]} == kept.sent[3]
    assert found.keys() - kept.sent[3].keys() == {"stored", "authority", "version"}
    assert answer.headers["X-Experience-API-Version"] == "1.0.3"
    assert answer.headers["X-Experience-API-Consistent-Through"] >= found["stored"]


def test_a_voided_statement_is_found_as_voided_only(kept: Kept) -> None:
    voided = kept.sent[5]["id"]

    assert kept.reader.send("GET", XAPI, params={"statementId": voided}).status_code == 404
    assert kept.reader.ask("GET", XAPI, params={"voidedStatementId": voided})["id"] == voided
    assert kept.reader.send("GET", XAPI, params={"voidedStatementId": kept.sent[0]["id"]}).status_code == 404


def test_ids_and_canonical_are_shorter(kept: Kept) -> None:
    params = {"verb": SHARED, "limit": "1"}
    [ids] = kept.reader.ask("GET", XAPI, params={**params, "format": "ids"})["statements"]
    [canonical] = kept.reader.ask(
        "GET", XAPI, params={**params, "format": "canonical"}, headers={"Accept-Language": "de"}
    )["statements"]

    assert ids["verb"] == {"id": SHARED}
    assert canonical["verb"]["display"] == {"de-DE": "geteilt"}


BAD_QUERIES: dict[str, dict[str, str]] = {
    "unknown parameter": {"colour": "blue"},
    "agent that is no JSON": {"agent": "ann"},
    "agent without identifier": {"agent": "{}"},
    "verb that is no IRI": {"verb": "completed"},
    "time that is none": {"since": "yesterday"},
    "negative limit": {"limit": "-1"},
    "boolean that is none": {"ascending": "perhaps"},
    "unknown format": {"format": "short"},
    "id and another filter": {"statementId": REGISTRATION, "verb": COMPLETED},
    "both ids": {"statementId": REGISTRATION, "voidedStatementId": REGISTRATION},
    "registration that is no UUID": {"registration": "7"},
}


@pytest.mark.parametrize("name", BAD_QUERIES)
def test_a_bad_query_is_refused_and_the_parameter_named(kept: Kept, name: str) -> None:
    answer = kept.reader.send("GET", XAPI, params=BAD_QUERIES[name])

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} & BAD_QUERIES[name].keys()


def test_linkedins_own_client_reads_nothing(connection: Connection) -> None:
    assert connection.linkedin.send("GET", XAPI).status_code == 403


def test_about_is_open_to_everybody(stack: RunningStack) -> None:
    assert "1.0.3" in stack.http.get("/xapi/about").json()["version"]


def test_a_statement_is_put_once_and_repeated_at_will(admin: Caller, connection: Connection) -> None:
    caller = reader(admin, connection.id)
    one = completion("put", "urn:li:lyndaCourse:9")
    at = {"statementId": one["id"]}
    without_id = {name: value for name, value in one.items() if name != "id"}

    assert [caller.send("PUT", XAPI, params=at, json=body).status_code for body in (without_id, one)] == [204, 204]
    assert caller.send("PUT", XAPI, params=at, json={**one, "timestamp": "2031-01-01T00:00:00Z"}).status_code == 409
    assert caller.ask("GET", XAPI, params=at)["actor"] == one["actor"]


def test_a_put_with_a_wrong_id_is_refused(connection: Connection) -> None:
    one = statement()
    tries: list[tuple[dict[str, str], object]] = [
        ({}, one),
        ({"statementId": str(uuid.uuid4())}, one),
        ({"statementId": one["id"]}, [one]),
        ({"statementId": one["id"], "other": "1"}, one),
    ]

    for params, body in tries:
        assert connection.linkedin.send("PUT", XAPI, params=params, json=body).status_code == 400, (params, body)
