"""The routes of the directory, the records and the explanations, as an LMS calls them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import learning_handler
from coursebridge import contract
from coursebridge.auth import scopes, wiring
from coursebridge.auth.tokens import Grant
from coursebridge.people import importing
from coursebridge.records.evidence import Completion, Evidence
from coursebridge.records.identifiers import normalised
from coursebridge.storage.record_store import RecordStore
from learning_lab import Caller
from people_lab import COURSE, DURATION, OTHER_COURSE, PSEUDONYM_KEY, Lab, completion, progress
from unit.conftest import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table


class Hurried(Context):
    """An invocation with this much time left."""

    milliseconds = 20_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def connect(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Caller]:
    """A function that makes callers with these scopes and this much time left."""
    monkeypatch.setattr(importing, "WRITERS", 1)
    secret = boto3.client("secretsmanager").create_secret(
        Name="pseudonym", SecretString=json.dumps({"key": PSEUDONYM_KEY})
    )
    monkeypatch.setenv("PSEUDONYM_SECRET_ARN", secret["ARN"])

    def connected(*held: str, milliseconds: int = 20_000) -> Caller:
        context = Hurried()
        object.__setattr__(context, "milliseconds", milliseconds)
        grant = Grant("first", 1, None, frozenset(held or scopes.LEARNING))
        return Caller(deployed, wiring.tokens().mint(grant), learning_handler.lambda_handler, context)

    return connected


@pytest.fixture
def lms(connect: Callable[..., Caller]) -> Caller:
    return connect()


@pytest.fixture
def lab(deployed: Table) -> Lab:
    lab = Lab(deployed)
    lab.configure(learner_matching="directory")
    return lab


def add(lms: Caller, **members: Any) -> Any:
    return lms.ask("POST", "/learners", members, expect=201)


def test_a_learner_is_added_read_changed_and_listed(lab: Lab, lms: Caller) -> None:
    ada = add(lms, email="ada@example.com", external_id="E1", groups=["sales"])

    assert set(ada) >= {"id", "email", "username", "external_id", "profile_urn", "status", "identifiers", "groups"}
    assert (ada["username"], ada["status"], ada["groups"]) == (None, "active", ["sales"])
    assert {one["type"] for one in ada["identifiers"]} == {"email", "external_id"}
    assert lms.get(f"/learners/{ada['id']}") == ada
    changed = lms.ask("PATCH", f"/learners/{ada['id']}", {"email": "new@example.com", "external_id": None})
    assert (changed["email"], changed["external_id"]) == ("new@example.com", None)
    assert lms.get("/learners", email="NEW@example.com")["items"] == [changed]
    assert lms.get("/learners", email="ada@example.com") == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["u1", "u2", "u3"]),
        ({"group": "sales"}, ["u1", "u2"]),
        ({"status": "inactive"}, ["u2"]),
        ({"username": "u1"}, ["u1"]),
        ({"username": "u1", "group": "sales"}, ["u1"]),
        ({"username": "u1", "group": "other"}, []),
        ({"username": "u2", "status": "active"}, []),
    ],
)
def test_learners_are_filtered(lab: Lab, lms: Caller, query: dict[str, str], expected: list[str]) -> None:
    add(lms, username="u1", groups=["sales"])
    add(lms, username="u2", groups=["sales"], status="inactive")
    add(lms, username="u3")

    assert sorted(one["username"] for one in lms.get("/learners", **query)["items"]) == expected


@pytest.mark.parametrize("query", [{}, {"group": "sales"}])
def test_a_page_of_learners_is_no_larger_than_an_answer_may_be(
    lab: Lab, lms: Caller, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    made = [add(lms, username=f"u{n}", groups=["sales"], name="語" * 50)["id"] for n in range(3)]
    monkeypatch.setattr(contract, "MOST_BYTES", 1000)

    page = lms.get("/learners", **query)
    pages = [[one["id"] for one in page["items"]]]
    while page["next"]:
        page = lms.get("/learners", **query, cursor=page["next"])
        pages.append([one["id"] for one in page["items"]])

    assert pages == [[one] for one in made]


def test_learners_are_listed_page_by_page(lab: Lab, lms: Caller) -> None:
    made = {add(lms, username=f"u{n}")["id"] for n in range(3)}

    first = lms.get("/learners", limit="2")
    second = lms.get("/learners", limit="2", cursor=first["next"])

    assert {one["id"] for one in first["items"] + second["items"]} == made
    assert second["next"] is None
    lms.refused("/learners", 400, cursor=first["next"][:-2] + "xx")
    lms.refused("/learners", 400, cursor=first["next"], status="active")


BAD_BODIES: dict[str, tuple[Any, str]] = {
    "no identifier": ({}, ""),
    "no address": ({"email": "nonsense"}, "email"),
    "an unknown field": ({"email": "a@example.com", "shoe": 42}, "shoe"),
    "a wrong status": ({"email": "a@example.com", "status": "asleep"}, "status"),
    "a wrong group": ({"email": "a@example.com", "groups": ["", 7]}, "groups[0]"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_what_is_wrong_is_named(lab: Lab, lms: Caller, name: str) -> None:
    body, field = BAD_BODIES[name]

    problem = lms.ask("POST", "/learners", body, expect=400)

    assert field in [error["field"] for error in problem.get("errors", [{"field": ""}])]


def test_an_identifier_of_somebody_else_is_a_conflict_unless_shared(lab: Lab, lms: Caller) -> None:
    add(lms, email="ada@example.com")

    problem = lms.ask("POST", "/learners", {"email": "Ada@example.com"}, expect=409)

    assert problem["errors"][0]["field"] == "email"
    add(lms, email="Ada@example.com", shared=True)


def test_all_who_share_an_identifier_are_found_page_by_page(lab: Lab, lms: Caller) -> None:
    added = [add(lms, email="team@example.com", username=f"user{number}", shared=True)["id"] for number in range(3)]

    pages = [lms.get("/learners", email="team@example.com", limit="2")]
    pages.append(lms.get("/learners", email="team@example.com", limit="2", cursor=pages[0]["next"]))

    assert [[learner["id"] for learner in page["items"]] for page in pages] == [sorted(added)[:2], sorted(added)[2:]]
    assert pages[1]["next"] is None
    lms.refused("/learners", 400, email="other@example.com", cursor=pages[0]["next"])


def test_a_patch_that_says_nothing_is_refused(lab: Lab, lms: Caller) -> None:
    ada = add(lms, email="ada@example.com")

    lms.ask("PATCH", f"/learners/{ada['id']}", {}, expect=400)


def test_nobody_is_not_found(lab: Lab, lms: Caller) -> None:
    for path in ("/learners/none", "/learners/none/attempts", "/learners/none/export", "/courses/urn:none/attempts"):
        lms.refused(path, 404)
    lms.refused("/explain", 404, learner="none", course=COURSE)
    lms.ask("PATCH", "/learners/none", {"name": "X"}, expect=404)
    lms.ask("DELETE", "/learners/none", expect=404)
    lms.ask("POST", "/learners/none/merge", {"learner_id": "other"}, expect=404)
    lms.ask("POST", "/learners/none/unmerge", expect=404)
    lms.ask("DELETE", "/learners/none/identifiers/email/a@example.com", expect=404)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '[{"external_id": "E1"}, {"email": "bad"}]'),
        ("text/csv; charset=utf-8", "external_id,email\nE1,\n,bad\n"),
    ],
)
def test_an_import_tells_what_became_of_each_row(lab: Lab, lms: Caller, content_type: str, body: str) -> None:
    told = lms.ask("POST", "/learners/import", body, headers={"Content-Type": content_type})

    assert told["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "error": 1}
    assert [(one["row"], one["status"]) for one in told["rows"]] == [(1, "created"), (2, "error")]
    assert told["rows"][1]["errors"][0]["field"] == "email"
    assert told["rows"][0]["id"] == lms.get("/learners", external_id="E1")["items"][0]["id"]


def test_an_import_that_cannot_be_read_is_refused(lab: Lab, lms: Caller) -> None:
    lms.ask("POST", "/learners/import", "nonsense", expect=400)
    lms.ask("POST", "/learners/import", json.dumps([{}] * (importing.MOST_ROWS + 1)), expect=413)


def test_attempts_are_listed_by_learner_and_by_course(lab: Lab, lms: Caller) -> None:
    ada = add(lms, email="ada@example.com")
    bob = add(lms, email="bob@example.com")
    lab.take(completion(5), progress(6, 30, urn=OTHER_COURSE), progress(7, 40, "bob@example.com"))

    mine = lms.get(f"/learners/{ada['id']}/attempts")
    open_ones = lms.get(f"/learners/{ada['id']}/attempts", status="in_progress")
    of_course = lms.get(f"/courses/{COURSE}/attempts")

    assert [one["course_urn"] for one in mine["items"]] == [COURSE, OTHER_COURSE]
    assert [one["progress"] for one in open_ones["items"]] == [30]
    assert {one["learner_id"] for one in of_course["items"]} == {ada["id"], bob["id"]}
    assert set(mine["items"][0]) == {
        "id", "learner_id", "course_urn", "status", "progress", "started_at", "last_activity_at", "completed_at",
        "time_spent_seconds", "reported_seconds_viewed", "statement_duration_seconds", "source",
        "completion_statement_id",
    }  # fmt: skip


def pages_of(caller: Caller, path: str, **query: str) -> list[list[Any]]:
    """Return the items of each page of a list."""
    page = caller.get(path, **query)
    pages = [page["items"]]
    while page["next"]:
        page = caller.get(path, cursor=page["next"], **query)
        pages.append(page["items"])
    return pages


@pytest.mark.parametrize("by", ["learner", "course"])
def test_attempts_come_page_by_page(lab: Lab, lms: Caller, by: str) -> None:
    learners = [add(lms, email=f"p{n}@example.com")["id"] for n in range(3)]
    for n in range(3):
        lab.take(completion(5, f"p{n}@example.com"), completion(6, "p0@example.com", f"urn:li:lyndaCourse:25{n + 1}"))
    path = f"/courses/{COURSE}/attempts" if by == "course" else f"/learners/{learners[0]}/attempts"

    whole = lms.get(path)["items"]
    pages = pages_of(lms, path, limit="1")

    assert all(len(page) <= 1 for page in pages)
    assert [one for page in pages for one in page] == whole
    assert len(whole) == (3 if by == "course" else 2)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("status", [None, "completed"])
def test_a_page_holds_no_more_than_was_asked_for(lab: Lab, lms: Caller, status: str | None, limit: int) -> None:
    ada = add(lms, email="ada@example.com")
    lab.take(completion(5), completion(6, urn=OTHER_COURSE))
    for urn in (COURSE, OTHER_COURSE):
        again = Evidence(
            launches=frozenset({lab.at(9), lab.at(12)}), completions={"aicc:1": Completion(lab.at(10), "aicc")}
        )
        RecordStore(lab.table, lab.id).add(ada["id"], urn, ada["id"], again, DURATION, lab.at(12))
    query = {"status": status} if status else {}

    whole = lms.get(f"/learners/{ada['id']}/attempts", **query)["items"]
    pages = pages_of(lms, f"/learners/{ada['id']}/attempts", limit=str(limit), **query)

    assert len(whole) == (4 if status else 6)
    assert [one for page in pages for one in page] == whole
    assert all(len(page) <= limit for page in pages)


def test_learners_are_merged_and_parted(lab: Lab, lms: Caller) -> None:
    ada, old = add(lms, email="ada@example.com"), add(lms, email="old@example.com")
    lab.take(progress(5, 40, "old@example.com"))

    merged = lms.ask("POST", f"/learners/{ada['id']}/merge", {"learner_id": old["id"]})

    assert merged["merged"] == [old["id"]]
    assert lms.get(f"/learners/{old['id']}")["merged_into"] == ada["id"]
    assert [one["learner_id"] for one in lms.get(f"/learners/{old['id']}/attempts")["items"]] == [ada["id"]]
    assert lms.ask("POST", f"/learners/{old['id']}/unmerge")["email"] == "old@example.com"
    assert lms.get(f"/learners/{ada['id']}/attempts")["items"] == []
    lms.ask("POST", f"/learners/{old['id']}/unmerge", expect=409)


def test_a_merge_without_time_says_that_the_same_request_goes_on(lab: Lab, connect: Callable[..., Caller]) -> None:
    lms, hurried = connect(), connect(milliseconds=100)
    ada, old = add(lms, email="ada@example.com"), add(lms, email="old@example.com")
    lab.take(progress(5, 40, "old@example.com"))

    hurried.ask("POST", f"/learners/{ada['id']}/merge", {"learner_id": old["id"]}, expect=503)
    lms.ask("POST", f"/learners/{ada['id']}/merge", {"learner_id": old["id"]})

    assert len(lms.get(f"/learners/{ada['id']}/attempts")["items"]) == 1


def test_an_alias_is_taken_away(lab: Lab, lms: Caller) -> None:
    ada, old = add(lms, email="ada@example.com"), add(lms, email="old@example.com")
    lms.ask("POST", f"/learners/{ada['id']}/merge", {"learner_id": old["id"]})

    lms.ask("DELETE", f"/learners/{ada['id']}/identifiers/email/old@example.com", expect=204)

    assert lms.get("/learners", email="old@example.com")["items"] == []
    lms.ask("DELETE", f"/learners/{ada['id']}/identifiers/email/ada@example.com", expect=409)


def test_an_alias_with_a_slash_is_taken_away(lab: Lab, lms: Caller) -> None:
    ada, old = add(lms, email="ada@example.com"), add(lms, username="EMEA/7")
    lms.ask("POST", f"/learners/{ada['id']}/merge", {"learner_id": old["id"]})

    lms.ask("DELETE", f"/learners/{ada['id']}/identifiers/username/EMEA%2F7", expect=204)

    assert lms.get("/learners", username="EMEA/7")["items"] == []


def test_a_person_is_exported_and_erased(lab: Lab, lms: Caller, connect: Callable[..., Caller]) -> None:
    ada = add(lms, email="ada@example.com")
    lab.take(completion(5))
    exported = lms.get(f"/learners/{ada['id']}/export")

    assert [one["kind"] for one in exported["items"]] == ["learner", "record", "statement"]
    connect(milliseconds=100).ask("DELETE", f"/learners/{ada['id']}", expect=202)
    lms.refused(f"/learners/{ada['id']}", 404)
    lms.ask("DELETE", f"/learners/{ada['id']}", expect=204)
    assert not [text for text in lab.texts() if "ada@example.com" in text]
    assert lms.ask("POST", "/learners", {"email": "ada@example.com"}, expect=409)["errors"][0]["field"] == "email"
    add(lms, email="ada@example.com", after_erasure=True)


def test_a_record_is_explained(lab: Lab, lms: Caller) -> None:
    lab.take(completion(5))

    told = lms.get("/explain", learner="email:ada@example.com", course=COURSE)

    assert (told["learner"], told["attempts"], told["course"]["duration_seconds"]) == (None, [], 600)
    assert [one["reason"] for one in told["statements"]] == ["learner_unknown"]
    add(lms, email="ada@example.com")
    lab.released(normalised("email", "ada@example.com"))
    told = lms.get("/explain", learner="email:ada@example.com", course=COURSE)
    assert all(step["ok"] for step in told["steps"])
    assert told["attempts"][0]["status"] == "completed"
    assert lms.get("/explain", learner="email:x@example.com", course="urn:none")["course"] is None
    lms.refused("/explain", 400, learner="shoe:42", course=COURSE)


def test_every_change_is_audited_without_people(lab: Lab, lms: Caller) -> None:
    ada, old = add(lms, email="ada@example.com", name="Ada"), add(lms, email="old@example.com")
    lms.ask("PATCH", f"/learners/{ada['id']}", {"email": "new@example.com"})
    lms.ask("PATCH", f"/learners/{ada['id']}", {"email": "new@example.com"})
    lms.ask("POST", f"/learners/{ada['id']}/merge", {"learner_id": old["id"]})
    lms.ask("POST", f"/learners/{old['id']}/unmerge")
    lms.ask("POST", "/learners/import", [{"external_id": "E1"}])
    lms.ask("DELETE", f"/learners/{old['id']}", expect=204)
    entries = [item for item in lab.everything() if item["PK"]["S"].startswith("AUDIT#")]

    assert sorted(item["action"]["S"] for item in entries) == [
        "learner.changed", "learner.created", "learner.created", "learner.erased", "learner.merged",
        "learner.unmerged", "learners.imported",
    ]  # fmt: skip
    assert "example.com" not in json.dumps(entries)
    assert "Ada" not in json.dumps(entries)


def test_reading_and_writing_need_their_scopes(lab: Lab, connect: Callable[..., Caller]) -> None:
    reader, writer = connect("learning:read"), connect("learning:write")

    reader.ask("POST", "/learners", {"email": "a@example.com"}, expect=403)
    reader.ask("POST", "/learners/import", [], expect=403)
    reader.ask("DELETE", "/learners/x", expect=403)
    writer.ask("GET", "/learners", expect=403)
    writer.ask("GET", "/explain", expect=403)
