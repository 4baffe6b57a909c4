from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.xapi.presenting import languages_of, statement_text
from xapi_builders import PROGRESS, statement

if TYPE_CHECKING:
    from coursebridge.xapi.query import Format

HOME = "https://api.example.com/oauth2/token"
STORED = "2021-09-01T00:00:00.000Z"
MAPS = {"en-US": "colour", "de": "Farbe", "fr": "couleur"}


def item(raw: str) -> dict[str, Any]:
    return {"raw": raw, "statement_id": "kept", "stored_at": STORED, "client_id": "c1"}


def presented(whole: dict[str, Any], *arguments: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(statement_text(item(json.dumps(whole)), HOME, *arguments))
    return shown


def test_what_a_receiver_adds_stands_beside_what_was_sent() -> None:
    """XAPI-00023, XAPI-00026, XAPI-00097, XAPI-00099."""
    whole = statement(id=None, timestamp=None)

    assert presented(whole) == {
        **whole,
        "id": "kept",
        "stored": STORED,
        "timestamp": STORED,
        "version": "1.0.0",
        "authority": {"objectType": "Agent", "account": {"homePage": HOME, "name": "c1"}},
    }


def test_null_leaves_it_to_the_receiver_as_absence_does() -> None:
    shown = presented({**statement(), "id": None, "timestamp": None, "version": None})

    assert (shown["id"], shown["timestamp"], shown["version"]) == ("kept", STORED, "1.0.0")


def test_what_was_sent_stays_but_for_stored_and_authority() -> None:
    """XAPI-00332: the version is kept."""
    whole = statement(version="1.0.1", stored="2000-01-01T00:00:00Z", authority={"mbox": "mailto:x@example.com"})
    shown = presented(whole)

    assert (shown["id"], shown["version"], shown["timestamp"]) == (whole["id"], "1.0.1", whole["timestamp"])
    assert (shown["stored"], shown["authority"]["account"]["name"]) == (STORED, "c1")


def test_numbers_come_back_as_they_were_sent() -> None:
    """XAPI-00002, XAPI-00170."""
    raw = json.dumps(statement(result={"extensions": {PROGRESS: 0}})).replace(": 0}", ": 39.10}")

    assert f'"{PROGRESS}": 39.10' in statement_text(item(raw), HOME)


@pytest.mark.parametrize("format_", ["exact", "ids", "canonical"])
@pytest.mark.parametrize("number", ["1.10", "1e400", "-1E-7", "12345678901234567890123"])
def test_numbers_keep_their_spelling_in_every_format(format_: Format, number: str) -> None:
    extensions = {"extensions": {"https://example.com/n": 0}}
    whole = statement(
        context={**extensions, "contextActivities": {"parent": {"id": "https://example.com/p"}}},
        result={**extensions, "score": {"raw": 0}},
    )
    raw = json.dumps(whole).replace(": 0", f": {number}")

    shown = json.loads(statement_text(item(raw), HOME, format_), parse_float=str, parse_int=str)

    assert shown["context"]["extensions"] == shown["result"]["extensions"] == {"https://example.com/n": number}
    assert shown["result"]["score"] == {"raw": number}


def test_a_single_context_activity_comes_back_in_a_list() -> None:
    """XAPI-00096."""
    context = {
        "contextActivities": {"parent": {"id": "https://example.com/p"}, "other": [{"id": "https://example.com/o"}]}
    }
    shown = presented(statement(context=context))["context"]["contextActivities"]

    assert shown == {"parent": [{"id": "https://example.com/p"}], "other": [{"id": "https://example.com/o"}]}


def test_context_activities_of_a_sub_statement_come_back_in_lists_too() -> None:
    """XAPI-00096."""
    inner = {key: value for key, value in statement().items() if key in ("actor", "verb", "object")}
    context = {"contextActivities": {"parent": {"id": "https://example.com/p"}}}
    shown = presented(statement(object={"objectType": "SubStatement", **inner, "context": context}))["object"]

    assert shown["context"]["contextActivities"] == {"parent": [{"id": "https://example.com/p"}]}
    assert {key: shown[key] for key in inner} == inner


def test_an_activity_that_mentions_context_activities_stays() -> None:
    target = {"id": "https://example.com/contextActivities"}

    assert presented(statement(object=target))["object"] == target


@pytest.mark.parametrize(
    "context", [{"contextActivities": "odd"}, {"platform": "contextActivities"}, ["contextActivities"]]
)
def test_a_context_without_context_activities_stays(context: object) -> None:
    assert presented(statement(context=context))["context"] == context


def test_ids_leave_names_and_definitions_out() -> None:
    """XAPI-00171."""
    group = {"objectType": "Group", "name": "Team", "member": [{"name": "A", "mbox": "mailto:a@example.com"}]}
    account = {"name": "A", "account": {"homePage": "https://example.com", "name": "a"}}
    context = {"instructor": account, "team": group, "contextActivities": {"parent": [{"id": "p:1", "definition": {}}]}}
    shown = presented(statement(actor={**group, "mbox": "mailto:g@example.com"}, context=context), "ids")

    assert shown["actor"] == {"objectType": "Group", "mbox": "mailto:g@example.com"}
    assert shown["verb"] == {"id": statement()["verb"]["id"]}
    assert shown["object"] == {"objectType": "Activity", "id": "urn:li:lyndaCourse:252"}
    assert shown["context"] == {
        "instructor": {"account": account["account"]},
        "team": {"objectType": "Group", "member": [{"mbox": "mailto:a@example.com"}]},
        "contextActivities": {"parent": [{"id": "p:1"}]},
    }
    assert shown["result"] == statement()["result"]


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [("de", "de"), ("fr;q=0.5, de;q=0.9", "de"), ("en", "en-US"), ("*", "en-US"), ("it", "en-US"), (None, "en-US")],
)
def test_canonical_gives_one_language(accepted: str | None, tag: str) -> None:
    """XAPI-00169, XAPI-00172."""
    whole = statement(
        verb={"id": "http://example.com/v", "display": MAPS},
        object={"id": "a:1", "definition": {"name": MAPS, "extensions": {"x:1": {"name": MAPS}}}},
        attachments=[{"display": MAPS}],
    )
    shown = presented(whole, "canonical", languages_of(accepted))

    assert shown["verb"]["display"] == shown["object"]["definition"]["name"] == {tag: MAPS[tag]}
    assert shown["attachments"] == [{"display": {tag: MAPS[tag]}}]
    assert shown["object"]["definition"]["extensions"] == {"x:1": {"name": MAPS}}


def test_accepted_languages_are_ordered_by_weight() -> None:
    assert languages_of("da, en-GB; q=0.8, en ;Q=0.7, fr;q=0, it;q=much") == ["da", "en-gb", "en"]
