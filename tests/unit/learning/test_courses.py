"""The catalogue over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from coursebridge import clients, contract
from coursebridge.catalog.search import replicas, wiring
from coursebridge.catalog.search.publishing import Publisher, Replica
from coursebridge.catalog.search.replicas import Replicas
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.courses import CourseStore
from learning_lab import ACME, EXCEL, POWERPOINT, WORD, put_course, put_integration
from unit.learning.conftest import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table
    from learning_lab import Caller

FIELDS = {
    "urn", "type", "status", "archived_reason", "title", "description", "short_description", "thumbnail_url", "authors",
    "classifications", "duration_seconds", "level", "locale", "available_locales", "published_at", "updated_at",
    "retired_at", "launch_urls", "tags", "group", "author_email", "synced_at",
}  # fmt: skip


def publish(table: Table) -> None:
    Publisher(clients.s3(), BUCKET).publish(CourseStore(table, ACME))


@pytest.fixture
def catalogue(deployed: Table, lms: Caller) -> Caller:
    """Three courses, one of them archived."""
    put_course(deployed, EXCEL, title="Excel for everybody")
    put_course(deployed, WORD, title="Word for everybody", duration_seconds=60, locale="de_DE", level="ADVANCED")
    put_course(deployed, POWERPOINT, title="PowerPoint", archived="retired")
    publish(deployed)
    return lms


def urns(caller: Caller, **query: str) -> list[str]:
    return [course["urn"] for course in caller.get("/courses", **query)["items"]]


def test_a_list_holds_every_field_of_a_course_and_no_contents(catalogue: Caller) -> None:
    items = catalogue.get("/courses")["items"]

    assert [set(item) for item in items] == [FIELDS] * 3


def test_keywords_find_titles(catalogue: Caller) -> None:
    assert urns(catalogue, q="excel") == [EXCEL]
    assert set(urns(catalogue, q=" ")) == {EXCEL, WORD, POWERPOINT}


def test_a_space_behind_a_keyword_finishes_it(catalogue: Caller) -> None:
    assert set(urns(catalogue, q="every")) == {EXCEL, WORD}
    assert urns(catalogue, q="every ") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "active"}, [EXCEL, WORD]),
        ({"status": "archived"}, [POWERPOINT]),
        ({"status": "active,archived", "sort": "-title"}, [WORD, POWERPOINT, EXCEL]),
        ({"language": "de"}, [WORD]),
        ({"language": "DE"}, [WORD]),
        ({"language": "de-DE"}, [WORD]),
        ({"language": "de-de,fr"}, [WORD]),
        ({"level": "advanced"}, [WORD]),
        ({"type": "course", "status": "active"}, [EXCEL, WORD]),
        ({"type": "learning-path"}, []),
        ({"level": "ADVANCED,BEGINNER", "max_duration": "100"}, [WORD]),
        ({"tag": "spreadsheets", "q": "word"}, [WORD]),
        ({"updated_since": "2026-03-02T00:00:00Z"}, []),
        ({"synced_since": "2999-03-02T00:00:00Z"}, []),
        ({"type": "VIDEO"}, []),
    ],
)
def test_filters_narrow_a_list(catalogue: Caller, query: dict[str, str], found: list[str]) -> None:
    assert urns(catalogue, **query) == found


def test_a_tag_set_by_hand_is_found_at_once(catalogue: Caller) -> None:
    catalogue.ask("PUT", f"/courses/{WORD}/tags", {"tags": ["Onboarding"]})

    assert urns(catalogue, tag="onboarding") == [WORD]


@pytest.fixture
def shelves(deployed: Table, lms: Caller) -> Caller:
    """Courses with classifications whose names contain a comma, and with the parts of such names."""
    for urn, kind, name in ((EXCEL, "SKILL", "R, S and T"), (WORD, "TOPIC", "R, S and T"), (POWERPOINT, "TOPIC", "R")):
        entry = {"urn": f"urn:li:lyndaCategory:{name}:{kind}", "type": kind, "name": name, "paths": [[]]}
        put_course(deployed, urn, title=urn, classifications=[entry])
    publish(deployed)
    lms.ask("PUT", f"/courses/{EXCEL}/tags", {"tags": ["by hand, too"]})
    return lms


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("skill=R,+S+and+T", [EXCEL]),
        ("skill=r%2C%20s%20AND%20t", [EXCEL]),
        ("subject=R,+S+and+T", [WORD, POWERPOINT]),
        ("subject=R,+S+and+T&subject=R,+S+and+T", [WORD]),
        ("subject=R,+S+and+T&subject=R", [WORD, POWERPOINT]),
        ("subject=R,another", [POWERPOINT]),
        ("subject=R,another&subject=more", []),
        ("tag=R,+S+and+T&tag=", [EXCEL, WORD]),
        ("tag=by+hand,+too", [EXCEL]),
        ("tag=by+hand,+too&tag=R", [EXCEL, POWERPOINT]),
    ],
)
def test_names_with_commas_are_found_and_repeated_ones_as_they_are(
    shelves: Caller, sent: str, found: list[str]
) -> None:
    joined = {name: ",".join(values) for name, values in parse_qs(sent, keep_blank_values=True).items()}

    items = shelves.ask("GET", "/courses", query=joined, rawQueryString=sent)["items"]

    assert [course["urn"] for course in items] == found


def test_pages_follow_each_other_to_the_end(catalogue: Caller) -> None:
    first = catalogue.get("/courses", limit="2")
    second = catalogue.get("/courses", limit="2", cursor=first["next"])

    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]
    assert len({course["urn"] for course in first["items"] + second["items"]}) == 3


def test_a_cursor_of_another_list_is_refused(catalogue: Caller) -> None:
    cursor = catalogue.get("/courses", limit="1")["next"]

    catalogue.refused("/courses", 400, limit="1", cursor=cursor, level="BEGINNER")
    catalogue.refused("/courses", 400, limit="1", cursor=cursor[:-2])


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"sort": "colour"},
        {"updated_since": "now"},
        {"synced_since": "2024"},
        {"min_duration": "-1"},
    ],
)
def test_a_wrong_parameter_is_named(catalogue: Caller, query: dict[str, str]) -> None:
    problem = catalogue.refused("/courses", 400, **query)

    assert problem["errors"][0]["field"] == next(iter(query))


def test_before_the_first_sync_the_list_is_empty(lms: Caller) -> None:
    assert lms.get("/courses") == {"items": [], "next": None}


def test_a_single_course_has_its_contents(catalogue: Caller) -> None:
    course = catalogue.get(f"/courses/{EXCEL}")

    assert set(course) == FIELDS | {"contents", "description_html", "short_description_html"}
    assert course["contents"] == []


def test_manual_tags_lie_beside_synced_ones(catalogue: Caller) -> None:
    catalogue.ask("PUT", f"/courses/{EXCEL}/tags", {"tags": ["b", " a ", "b"]})

    assert catalogue.get(f"/courses/{EXCEL}")["tags"] == {"synced": ["Spreadsheets"], "manual": ["b", "a"]}


def test_manual_tags_that_differ_are_audited(deployed: Table, catalogue: Caller) -> None:
    for tags in (["a"], ["a"], []):
        catalogue.ask("PUT", f"/courses/{EXCEL}/tags", {"tags": tags})

    entries = deployed.query(f"AUDIT#{ACME}", index="GSI1").items
    assert [(entry["action"], entry["subject"], entry["actor"]) for entry in entries] == [
        ("course.tagged", EXCEL, "first")
    ] * 2
    assert [entry["changes"] for entry in entries] == [
        [{"field": "tags", "from": [], "to": ["a"]}],
        [{"field": "tags", "from": ["a"], "to": []}],
    ]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_synchronised_course_can_be_neither_changed_nor_deleted(catalogue: Caller, method: str) -> None:
    problem = catalogue.ask(method, f"/courses/{EXCEL}", {"title": "Mine"}, expect=409)

    assert "synced course" in problem["detail"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_course_nobody_knows_is_not_found(lms: Caller, method: str) -> None:
    lms.ask(method, "/courses/urn:li:lyndaCourse:404", {}, expect=404)


def test_classifications_come_by_type_and_by_parent(deployed: Table, lms: Caller) -> None:
    store = ClassificationStore(deployed, ACME)
    for urn, kind, parents in [("urn:a", "LIBRARY", []), ("urn:b", "SUBJECT", ["urn:a"]), ("urn:c", "SUBJECT", [])]:
        names = {"en_US": urn.upper(), "de_DE": f"{urn} auf Deutsch"}
        item = {"urn": urn, "type": kind, "names": names, "parents": parents, "owner_urn": None, "owner_name": None}
        store.put({**item, "version": 0})

    def found(**query: str) -> list[str]:
        return [one["name"] for one in lms.get("/classifications", **query)["items"]]

    assert found() == ["URN:A", "URN:B", "URN:C"]
    assert found(type="SUBJECT") == ["URN:B", "URN:C"]
    assert found(parent="urn:a", locale="de_DE") == ["urn:b auf Deutsch"]


def test_an_integration_nobody_knows_is_not_found(connect: Callable[..., Caller]) -> None:
    caller = connect(integration_id=None)

    caller.ask("GET", "learning/nobody/courses", expect=404)


def test_another_integration_is_out_of_reach(connect: Callable[..., Caller]) -> None:
    connect(integration_id="other").refused("/courses", 403)


def test_reading_is_not_enough_to_write(connect: Callable[..., Caller]) -> None:
    reader = connect("learning:read")

    reader.get("/courses")
    reader.ask("PUT", f"/courses/{EXCEL}/tags", {"tags": []}, expect=403)
    reader.ask("POST", "/launches", {"learner_id": "ann", "course_urn": EXCEL}, expect=403)


def test_only_so_many_indexes_stay_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Replica] = []

    def close(self: Replica) -> None:
        closed.append(self)

    monkeypatch.setattr(Replica, "close", close)
    kept = Replicas(clients.s3(), BUCKET, most=1)
    first, second = (Replica(clients.s3(), BUCKET, name) for name in ("a", "b"))

    kept["a"] = first
    kept["b"] = second

    assert (list(kept), closed) == (["b"], [first])


def test_a_page_of_courses_ends_where_an_answer_would_be_too_large(
    catalogue: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "MOST_BYTES", 1)

    first = catalogue.get("/courses", limit="2")
    second = catalogue.get("/courses", limit="2", cursor=first["next"])
    third = catalogue.get("/courses", limit="2", cursor=second["next"])

    assert [[one["urn"] for one in page["items"]] for page in (first, second, third)] == [[EXCEL], [POWERPOINT], [WORD]]
    assert third["next"] is None


def test_classifications_come_in_pages(deployed: Table, lms: Caller) -> None:
    for urn, names in [("urn:a", {}), ("urn:b", {"en_US": "Same"}), ("urn:c", {"en_US": "Same"})]:
        item: dict[str, Any] = {
            "urn": urn,
            "type": "TOPIC",
            "names": names,
            "parents": [],
            "owner_urn": None,
            "owner_name": None,
        }
        ClassificationStore(deployed, ACME).put({**item, "version": 0})

    first = lms.get("/classifications", limit="2")
    second = lms.get("/classifications", limit="2", cursor=first["next"])

    assert [[one["urn"] for one in page["items"]] for page in (first, second)] == [["urn:a", "urn:b"], ["urn:c"]]
    assert second["next"] is None


def test_indexes_leave_the_disk_when_there_is_no_room_for_another(
    deployed: Table, catalogue: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "MOST_BYTES", 1)
    catalogue.get("/courses")
    put_integration(deployed, "other")
    Publisher(clients.s3(), BUCKET).publish(CourseStore(deployed, "other"))

    assert wiring.replicas()["other"].index() is not None

    assert list(wiring.replicas()) == ["other"]
