"""The graph over HTTP: every type, property and relationship JupiterOne documents, in pages of any size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from catalog_lab import integration
from coursebridge.graph import export
from coursebridge.integrations.models import CredentialNotes, KeyPairNote
from coursebridge.integrations.store import to_item
from coursebridge.records.evidence import Completion, Evidence, Point, Report
from coursebridge.settings import settings
from coursebridge.storage import keys
from coursebridge.storage.learners import DatedIdentifier
from coursebridge.storage.records import Record
from learning_lab import ACME, AT, EXCEL, NOW, POWERPOINT, WORD, put_course, put_learner

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table
    from learning_lab import Caller

TOPIC = "urn:li:lyndaCategory:1"
MILLIS = 1_772_359_200_000
TRAINING = {
    "assetType", "availability", "availableLanguages", "contributorNames", "contributorUrns", "durationSeconds",
    "isCuratedForLms", "isRetired", "lastUpdatedOn", "level", "primaryImageUrl", "publishedOn", "retiredOn",
    "shortDescription", "ssoLaunchUrl", "titleLocale", "urn", "webLaunchUrl",
}  # fmt: skip
DOCUMENTED = {
    "linkedin_learning_account": ("Account", {"accountKeyRef"}),
    "linkedin_learning_classification": (
        "Group",
        {"classificationType", "locale", "ownerName", "ownerUrn", "urn"},
    ),
    "linkedin_learning_course": ("Training", TRAINING),
    "linkedin_learning_learning_path": ("Training", TRAINING),
    "linkedin_learning_video": ("Training", TRAINING),
    "linkedin_learning_user": ("User", {"enterpriseGroupNames", "profileUrn", "uniqueUserId"}),
}
RELATED = {
    ("linkedin_learning_account", "HAS", "linkedin_learning_classification"),
    ("linkedin_learning_account", "HAS", "linkedin_learning_course"),
    ("linkedin_learning_account", "HAS", "linkedin_learning_learning_path"),
    ("linkedin_learning_account", "HAS", "linkedin_learning_video"),
    ("linkedin_learning_account", "HAS", "linkedin_learning_user"),
    ("linkedin_learning_course", "HAS", "linkedin_learning_classification"),
    ("linkedin_learning_learning_path", "HAS", "linkedin_learning_classification"),
    ("linkedin_learning_user", "ASSIGNED", "linkedin_learning_course"),
    ("linkedin_learning_user", "ASSIGNED", "linkedin_learning_learning_path"),
    ("linkedin_learning_user", "ASSIGNED", "linkedin_learning_video"),
    ("linkedin_learning_video", "HAS", "linkedin_learning_classification"),
}


def put_classification(table: Table, urn: str = TOPIC, **fields: Any) -> None:
    names = {"de_DE": "Tabellen", "en_US": "Spreadsheets"}
    node = {"urn": urn, "type": "TOPIC", "names": names, **fields}
    owner = {"parents": [], "owner_urn": "urn:li:organization:1337", "owner_name": "LinkedIn"}
    table.put({**keys.classification(ACME, urn).item(), **node, **owner, "version": 1})


def put_record(table: Table, learner_id: str, urn: str, evidence: Evidence) -> None:
    record = Record(ACME, learner_id, urn).with_evidence(learner_id, evidence, 3600)
    table.put(record.to_item(AT))


@pytest.fixture
def whole(lms: Caller) -> Caller:
    """An integration with an entity of every kind."""
    table = lms.table
    notes = CredentialNotes(report=KeyPairNote(client_id="client-1", verified_at=NOW))
    table.put(to_item(integration(credentials=notes)))
    put_classification(table)
    put_course(table)
    put_course(table, WORD, type="VIDEO", curated=True, retired=True, retired_at=AT, archived="retired")
    put_course(table, POWERPOINT, type="LEARNING_PATH", launch_urls={"web": None, "sso": None, "aicc": None})
    put_course(table, "urn:li:lyndaEvent:4", type="EVENT")
    put_learner(
        table,
        name="Ann Other",
        enterprise_groups=("OFFICIAL",),
        unique_user_id="L1",
        identifiers=(
            DatedIdentifier("email", "ann@example.com", AT),
            DatedIdentifier("external_id", "E1", AT),
            DatedIdentifier("profile_urn", "urn:li:enterpriseProfile:(x,1)", AT),
        ),
    )
    put_learner(table, "gone", merged_into="ann", identifiers=())
    for urn in (EXCEL, WORD, POWERPOINT, "urn:li:lyndaEvent:4", "urn:li:lyndaCourse:404"):
        put_record(table, "ann", urn, Evidence(points={AT: Point(40)}))
    return lms


def lines(caller: Caller, what: str, limit: int = 1000) -> list[dict[str, Any]]:
    """Return the lines of all pages, as a client that follows the links gets them."""
    found: list[dict[str, Any]] = []
    query = {"limit": str(limit)}
    while True:
        answer = caller.send("GET", f"/graph/{what}", query=query)
        assert answer.status == 200, answer.text
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        page = [json.loads(line) for line in answer.text.splitlines()]
        assert len(page) <= limit
        found += page
        if "Link" not in answer.headers:
            return found
        assert answer.headers["X-Next-Cursor"] in answer.headers["Link"]
        assert answer.headers["Link"].startswith("<https://api.example.com/learning/acme/graph/")
        query["cursor"] = answer.headers["X-Next-Cursor"]


def by_type(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["_type"]: one for one in found}


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_every_documented_property_is_there(whole: Caller, kind: str) -> None:
    entity = by_type(lines(whole, "entities"))[kind]

    entity_class, properties = DOCUMENTED[kind]
    assert entity["_class"] == entity_class
    assert properties | {"_type", "_class", "_key", "displayName", "name"} <= entity.keys()


def test_every_documented_relationship_is_there_and_no_other(whole: Caller) -> None:
    entities = {one["_key"]: one["_type"] for one in lines(whole, "entities")}
    relationships = lines(whole, "relationships")

    told = {(entities[one["_fromEntityKey"]], one["_class"], entities[one["_toEntityKey"]]) for one in relationships}
    assert told == RELATED
    assert len({one["_key"] for one in relationships}) == len(relationships)
    assert {one["_type"] for one in relationships} >= {
        "linkedin_learning_account_has_course",
        "linkedin_learning_user_assigned_learning_path",
        "linkedin_learning_video_has_classification",
    }


def test_a_course_is_told_as_linkedin_has_it(whole: Caller) -> None:
    told = by_type(lines(whole, "entities"))["linkedin_learning_course"]

    assert {name: told[name] for name in TRAINING} == {
        "assetType": "COURSE",
        "availability": "AVAILABLE",
        "availableLanguages": ["en"],
        "contributorNames": ["A. Author"],
        "contributorUrns": None,
        "durationSeconds": 3600,
        "isCuratedForLms": None,
        "isRetired": False,
        "lastUpdatedOn": MILLIS,
        "level": "BEGINNER",
        "primaryImageUrl": None,
        "publishedOn": MILLIS,
        "retiredOn": None,
        "shortDescription": "Cells",
        "ssoLaunchUrl": "https://www.linkedin.com/checkpoint/enterprise/login/1?redirect=https%3A%2F%2Fwww%2Elinkedin%2Ecom%2Fx",
        "titleLocale": "en_US",
        "urn": EXCEL,
        "webLaunchUrl": "https://www.linkedin.com/learning/excel?dApp=5&leis=LAA",
    }
    assert (told["_key"], told["displayName"]) == (f"linkedin_learning_course:acme:{EXCEL}", "Excel")


def test_a_retired_video_says_so(whole: Caller) -> None:
    told = by_type(lines(whole, "entities"))["linkedin_learning_video"]

    assert (told["availability"], told["isRetired"], told["retiredOn"]) == ("RETIRED", True, MILLIS)
    assert (told["isCuratedForLms"], told["status"], told["active"]) == (True, "archived", False)


def test_publishers_are_contributors_too(whole: Caller) -> None:
    publishers = [{"urn": "urn:li:organization:2", "name": "Press"}, {"urn": "urn:li:organization:3", "name": ""}]
    put_course(whole.table, other_contributors=publishers)

    told = by_type(lines(whole, "entities"))["linkedin_learning_course"]

    assert told["contributorNames"] == ["A. Author", "Press"]
    assert told["contributorUrns"] == ["urn:li:organization:2", "urn:li:organization:3"]


def test_account_classification_and_user_are_told(whole: Caller) -> None:
    told = by_type(lines(whole, "entities"))

    account, topic, user = (told[f"linkedin_learning_{kind}"] for kind in ("account", "classification", "user"))
    assert (account["accountKeyRef"], account["name"]) == ("client-1", "Acme")
    assert (topic["name"], topic["locale"], topic["classificationType"]) == ("Spreadsheets", "en_US", "TOPIC")
    assert (topic["ownerName"], topic["ownerUrn"]) == ("LinkedIn", "urn:li:organization:1337")
    assert (user["email"], user["name"], user["uniqueUserId"]) == ("ann@example.com", "Ann Other", "L1")
    assert (user["enterpriseGroupNames"], user["profileUrn"]) == (["OFFICIAL"], "urn:li:enterpriseProfile:(x,1)")


def test_what_came_of_an_assignment_stands_on_it(whole: Caller) -> None:
    report = Report(
        progress=100,
        completed_at="2026-03-02T00:00:00.000Z",
        first_engaged_at=AT,
        last_engaged_at="2026-03-03T00:00:00.000Z",
        seconds={"w1": 60, "w2": 30},
        views={"w1": 2},
        completions={"w1": 1, "w2": 1},
    )
    put_record(whole.table, "ann", EXCEL, Evidence(report=report))

    told = by_type(lines(whole, "relationships"))["linkedin_learning_user_assigned_course"]

    assert (told["status"], told["progressPercentage"], told["completions"]) == ("completed", 100, 2)
    assert (told["secondsViewed"], told["views"], told["source"]) == (90, 2, "report")
    assert (told["firstEngagedOn"], told["completedOn"]) == (MILLIS, MILLIS + 14 * 3_600_000)


def test_what_only_statements_told_has_no_seconds_viewed(whole: Caller) -> None:
    put_record(whole.table, "ann", EXCEL, Evidence(completions={"s1": Completion(AT)}))

    told = by_type(lines(whole, "relationships"))["linkedin_learning_user_assigned_course"]

    assert (told["completions"], told["secondsViewed"], told["views"]) == (1, None, None)


def test_a_user_without_name_or_address_is_called_by_what_there_is(lms: Caller) -> None:
    lms.table.put(to_item(integration()))
    put_classification(lms.table, "urn:li:lyndaCategory:9", names={})
    put_learner(lms.table, "bob", identifiers=(DatedIdentifier("username", "bob", AT),))

    told = by_type(lines(lms, "entities"))

    user, topic = told["linkedin_learning_user"], told["linkedin_learning_classification"]
    assert (user["displayName"], user["username"], user["uniqueUserId"], user["email"]) == ("bob", "bob", None, None)
    assert (topic["name"], topic["locale"]) == ("urn:li:lyndaCategory:9", None)
    assert told["linkedin_learning_account"]["accountKeyRef"] == "acme"


@pytest.mark.parametrize("limit", [3, 1000])
@pytest.mark.parametrize("what", ["entities", "relationships"])
def test_pages_of_any_size_hold_every_line_once(whole: Caller, what: str, limit: int) -> None:
    for number in range(10, 22):
        put_learner(whole.table, f"learner-{number}", identifiers=())
        put_record(whole.table, f"learner-{number}", EXCEL, Evidence(points={AT: Point(number)}))

    assert lines(whole, what, limit) == lines(whole, what)


def test_a_page_ends_before_an_answer_grows_too_large(whole: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_BYTES", 1000)

    answer = whole.send("GET", "/graph/entities")

    assert "Link" in answer.headers
    assert len(answer.text) < 3000
    assert len(lines(whole, "entities")) == 6


def test_a_page_in_any_script_ends_before_an_answer_grows_too_large(
    whole: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_BYTES", 20_000)
    for number in range(20, 26):
        put_course(whole.table, f"urn:li:lyndaCourse:{number}", description="表計算" * 700)

    answer = whole.send("GET", "/graph/entities")

    # In some of its runtimes, Lambda escapes what is not ASCII; the last line may go beyond the limit.
    assert len(json.dumps(answer.text)) < 2 * 20_000
    assert "Link" in answer.headers


def test_a_page_ends_after_many_steps_with_nothing_to_tell(whole: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_STEPS", 1)

    assert len(lines(whole, "entities")) == 6


def test_a_cursor_is_good_for_its_own_list_only(whole: Caller) -> None:
    cursor = whole.send("GET", "/graph/entities", query={"limit": "1"}).headers["X-Next-Cursor"]

    assert whole.send("GET", "/graph/relationships", query={"cursor": cursor}).status == 400
    assert whole.send("GET", "/graph/entities", query={"cursor": f"{cursor}x"}).status == 400
    assert whole.send("GET", "/graph/entities", query={"limit": "0"}).status == 400


def test_reading_the_graph_takes_the_scope_to_read(connect: Callable[..., Caller]) -> None:
    assert connect("learning:write").send("GET", "/graph/entities").status == 403


def test_the_link_to_the_next_page_leads_to_the_apis_public_address(
    whole: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_PUBLIC_URL", "https://example.com/behind/a/proxy")
    settings.cache_clear()

    link = whole.send("GET", "/graph/entities", query={"limit": "1"}).headers["Link"]

    assert link.startswith("<https://example.com/behind/a/proxy/learning/acme/graph/entities?")
