"""People on the command line: adding, finding, merging and erasing them, and explaining their records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge_cli import client
from unit.admin.statements import held

if TYPE_CHECKING:
    from pathlib import Path

    from unit.admin.conftest import Api
    from unit.cli.conftest import Terminal

CSV = "email,external_id,name,groups,status\n"
ADA = "ada@example.com,E-1,Ada,Sales;Managers,active\n"
COURSE = "urn:li:lyndaCourse:252"


@pytest.fixture
def people(terminal: Terminal, api: Api, tmp_path: Path) -> Terminal:
    """A terminal with Ada, who is in two groups, and Bo, who is inactive."""
    api.integration(learner_matching="directory")
    file = tmp_path / "people.csv"
    file.write_text(f"{CSV}{ADA}bo@example.com,E-2,Bo,,inactive\n")
    assert terminal.run("learners", "import", str(file)).code == 0
    return terminal


def learner_id(people: Terminal, identifier: str) -> str:
    [found] = people.run("learners", "find", identifier, "--json").json
    return str(found["id"])


def test_people_are_listed_by_group_and_by_status(people: Terminal) -> None:
    assert {one["name"] for one in people.run("learners", "list", "--json").json} == {"Ada", "Bo"}
    assert [one["name"] for one in people.run("learners", "list", "--group", "Sales", "--json").json] == ["Ada"]
    assert [one["name"] for one in people.run("learners", "list", "--status", "inactive", "--json").json] == ["Bo"]
    assert len(people.run("learners", "list", "--limit", "1", "--json").json) == 1
    assert "Sales, Managers" in people.run("learners", "list").out


def test_an_empty_directory_says_how_to_fill_it(terminal: Terminal, api: Api) -> None:
    api.integration()

    assert "learners import FILE" in terminal.run("learners", "list").out


@pytest.mark.parametrize("identifier", ["email:Ada@example.com", "external_id:E-1", "ada@example.com"])
def test_somebody_is_found_by_each_identifier(people: Terminal, identifier: str) -> None:
    assert "Ada" in people.run("learners", "find", identifier).out


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_who_is_not_found_can_be_imported_or_assigned(people: Terminal, more: tuple[str, ...]) -> None:
    missing = people.run("learners", "find", "email:cy@example.com", *more)

    assert missing.code == 1
    assert "learners import FILE" in missing.err
    assert "coursebridge assign email:cy@example.com ID" in missing.err


def test_what_is_no_identifier_is_refused_before_anything_is_asked(terminal: Terminal) -> None:
    assert terminal.run("learners", "find", "phone:1").code == 2
    assert terminal.run("learners", "find", "email:").code == 2


def test_an_import_counts_what_it_did_and_tells_each_wrong_row(people: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text(f"{CSV}{ADA}not-an-address,E-3,Cy,,\n,,Di,,\n")

    done = people.run("learners", "import", str(file))
    told = " ".join(done.out.split())

    assert done.code == 1
    assert "created 0 updated 0 unchanged 1 error 2" in told
    assert "2 email is not an e-mail address 3 - a row needs at least one of external_id" in told
    assert "2 of 3 rows were not imported" in done.err


def test_an_import_warns_of_identifiers_that_two_people_have(people: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text(f"{CSV}ada@example.com,E-3,Another Ada,,\n")

    done = people.run("learners", "import", str(file))

    assert done.code == 0
    assert "also belongs to another learner" in done.out


def test_an_import_reads_json_and_prints_it(people: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "more.JSON"
    file.write_text(json.dumps([{"username": "cy", "name": "Cy"}, {"name": "Di"}]))

    done = people.run("learners", "import", str(file), "--json")

    assert (done.code, done.json["counts"]["created"], done.json["counts"]["error"]) == (1, 1, 1)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(people: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_bytes(b"email,name\n\xff@example.com,Cy\n")

    refused = people.run("learners", "import", str(file))

    assert (refused.code, "save the file as CSV UTF-8" in refused.err) == (1, True)
    assert people.run("learners", "import", str(tmp_path / "missing.csv")).code == 2


def test_two_learners_who_are_one_person_are_merged_and_parted_again(people: Terminal) -> None:
    bo = learner_id(people, "email:bo@example.com")

    merged = people.run("learners", "merge", "email:ada@example.com", bo)
    assert "email:bo@example.com" in merged.out
    assert f"learners unmerge {bo}" in merged.err
    assert [one["name"] for one in people.run("learners", "find", "bo@example.com", "--json").json] == ["Ada"]

    assert people.run("learners", "unmerge", bo).code == 0
    assert [one["name"] for one in people.run("learners", "find", "bo@example.com", "--json").json] == ["Bo"]
    assert people.run("learners", "merge", "ada@example.com", bo, "--json").json["merged"] == [bo]
    assert people.run("learners", "unmerge", bo, "--json").json["id"] == bo


def test_an_identifier_that_two_people_share_does_not_say_who_is_meant(people: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text(f"{CSV}ada@example.com,E-3,Another Ada,,\n")
    people.run("learners", "import", str(file))

    vague = people.run("learners", "erase", "email:ada@example.com", "--yes")

    assert vague.code == 1
    assert "2 learners have the identifier email:ada@example.com" in vague.err
    assert "Another Ada" in vague.err


def test_a_person_is_erased_after_a_question_that_names_them(people: Terminal) -> None:
    ada = learner_id(people, "email:ada@example.com")

    asked = people.run("learners", "erase", "email:ada@example.com", typed="n\n")
    assert (asked.code, f"Erase {ada} (Ada, ada@example.com, E-1) everywhere?" in asked.out) == (1, True)

    assert people.run("learners", "erase", ada, typed="y\n").code == 0
    assert people.run("learners", "find", "email:ada@example.com").code == 1
    assert people.run("learners", "erase", ada, "--yes").code == 1


def test_an_erasure_that_takes_several_requests_is_carried_out_to_its_end(
    people: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = iter((False, False, True))
    monkeypatch.setattr("coursebridge.people.erasure.Erasure.erase", lambda _erasure, _id: next(tries))

    assert people.run("learners", "erase", "ada@example.com", "--yes").code == 0
    assert list(tries) == []


def test_a_person_without_a_name_is_asked_about_by_id(people: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "more.json"
    file.write_text(json.dumps([{"profile_urn": "urn:li:person:1"}]))
    people.run("learners", "import", str(file))
    found = learner_id(people, "profile_urn:urn:li:person:1")

    assert f"Erase {found} everywhere?" in people.run("learners", "erase", found, typed="n\n").out


def test_a_record_is_explained_step_by_step_with_what_would_help(people: Terminal, api: Api) -> None:
    [integration] = api.ask("GET", "/admin/integrations")["items"]
    held(api.table, integration["id"], "s1", "learner_unknown", "email:cy@example.com")

    told = people.run("explain", "email:cy@example.com", COURSE)

    assert told.code == 0
    assert "✓ identifier: people are matched by email" in told.out
    assert "✗ learner: nobody has this identifier" in told.out
    assert "→ add the learner, or assign the identifier to one with `coursebridge assign`" in told.out
    assert "✗ course: the course is not in the catalogue" in told.out
    assert people.run("explain", "email:cy@example.com", COURSE, "--json").json["course_urn"] == COURSE


def test_an_explanation_names_the_learner_and_lists_the_statements(
    people: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained = people.run("explain", "email:ada@example.com", COURSE, "--json").json
    statement = {
        "id": "s1", "stored_at": "2026-03-01T10:00:00.000Z", "verb": "http://adlnet.gov/expapi/verbs/completed",
        "outcome": "applied", "explanation": "it was applied",
    }  # fmt: skip
    whole = {**explained, "course": {"title": "Excel"}, "statements": [statement]}
    get = client.Client.get

    def answered(api: client.Client, path: str, **query: Any) -> Any:
        return whole if path.endswith("/explain") else get(api, path, **query)

    monkeypatch.setattr(client.Client, "get", answered)

    told = people.run("explain", "email:ada@example.com", COURSE).out

    assert "Ada, ada@example.com" in told
    assert "Excel" in told
    assert "completed  applied  it was applied" in told


def test_an_identifier_is_assigned_to_a_learner_named_by_another(people: Terminal) -> None:
    given = people.run("assign", "email:ada.private@example.com", "external_id:E-1")

    assert f"email:ada.private@example.com now means {learner_id(people, 'external_id:E-1')};" in given.out
    assert "ada.private@example.com" in people.run("learners", "find", "email:ada@example.com").out
    assert people.run("assign", "email:ada.work@example.com", "external_id:E-9").code == 1
