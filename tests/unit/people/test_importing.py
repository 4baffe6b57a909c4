"""Whole directories are imported row by row, each with its outcome, and again without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.errors import InvalidRequest, TooLarge, Unavailable
from coursebridge.people import changes, importing
from coursebridge.people.importing import Importer, Report, rows_of_csv, rows_of_json
from coursebridge.records.identifiers import digest, normalised
from coursebridge.storage import keys
from people_lab import PSEUDONYM_KEY, Lab, completion

if TYPE_CHECKING:
    from coursebridge.people.directory import Directory
    from coursebridge.storage.learners import Learner


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one writer, because moto's transactions are not atomic across threads."""
    monkeypatch.setattr(importing, "WRITERS", 1)


pytestmark = pytest.mark.usefixtures("one_at_a_time")


def statuses(report: Report) -> list[str]:
    return [result.status for result in report.results]


def row(number: int, **members: Any) -> dict[str, Any]:
    return {"external_id": f"E{number}", "email": f"p{number}@example.com", **members}


def test_rows_are_created_then_unchanged_then_updated(directory: Directory, lab: Lab) -> None:
    importer = Importer(directory)
    rows = [row(n, name=f"P {n}") for n in range(30)]

    first, again = importer.run(rows), importer.run(rows)
    third = importer.run([{**rows[0], "groups": ["sales"]}, *rows[1:]])

    assert first.counts() == {"created": 30, "updated": 0, "unchanged": 0, "error": 0}
    assert again.counts() == {"created": 0, "updated": 0, "unchanged": 30, "error": 0}
    assert statuses(third) == ["updated", *["unchanged"] * 29]
    assert [one.id for one in again.results] == [one.id for one in first.results]
    assert len(lab.learners()) == 30


def test_a_row_updates_whom_its_strongest_identifier_names(directory: Directory, lab: Lab) -> None:
    Importer(directory).run([row(1)])

    report = Importer(directory).run([row(1, email="new@example.com")])

    [learner] = lab.learners()
    assert (statuses(report), learner.current("email")) == (["updated"], "new@example.com")


@pytest.mark.parametrize("kind", ["username", "email", "profile_urn"])
def test_a_row_without_stronger_identifier_is_matched_by_a_weaker(directory: Directory, lab: Lab, kind: str) -> None:
    value = "same@example.com"
    Importer(directory).run([{kind: value}])

    report = Importer(directory).run([{kind: value, "external_id": "E1"}])

    [learner] = lab.learners()
    assert (statuses(report), learner.current("external_id")) == (["updated"], "E1")


def test_two_people_who_share_a_mailbox_stay_two(directory: Directory, lab: Lab) -> None:
    report = Importer(directory).run([row(1, email="team@example.com"), row(2, email="team@example.com")])

    assert statuses(report) == ["created", "created"]
    assert [warning.field for warning in report.results[1].warnings] == ["email"]
    assert lab.take(completion(1, "team@example.com")) == {"held:learner_ambiguous": 1}


def test_a_row_that_fits_several_learners_is_not_guessed(directory: Directory) -> None:
    importer = Importer(directory)
    importer.run([row(1, email="team@example.com"), row(2, email="team@example.com")])

    report = importer.run([{"email": "team@example.com", "name": "Who?"}])

    assert statuses(report) == ["error"]
    assert "more than one" in report.results[0].errors[0].detail


def test_rows_about_the_same_person_come_one_after_the_other(directory: Directory, lab: Lab) -> None:
    report = Importer(directory).run(
        [row(1), row(2), row(1, name="Later"), {"email": "p1@example.com", "name": "Last"}]
    )

    assert statuses(report) == ["created", "created", "updated", "updated"]
    assert sorted(str(learner.name) for learner in lab.learners()) == ["Last", "None"]


def test_rows_that_name_one_person_differently_both_count(directory: Directory, lab: Lab) -> None:
    Importer(directory).run([row(1, username="u1")])

    report = Importer(directory).run([{"external_id": "E1", "name": "One"}, {"username": "u1", "groups": ["sales"]}])

    [learner] = lab.learners()
    assert statuses(report) == ["updated", "updated"]
    assert (learner.name, learner.groups) == ("One", ("sales",))


def test_a_wrong_row_says_which_field_and_stops_no_other(directory: Directory) -> None:
    report = Importer(directory).run([row(1, email="nonsense"), row(2), {"name": "Nobody"}, 7, row(3, groups=[""])])

    assert statuses(report) == ["error", "created", "error", "error", "error"]
    assert [one.errors[0].field for one in report.results if one.errors] == ["email", "", "", "groups[0]"]
    assert "Value error" not in str(report.results)
    assert [one.row for one in report.results] == [1, 2, 3, 4, 5]


def test_empty_cells_say_nothing(directory: Directory, lab: Lab) -> None:
    Importer(directory).run([row(1, name="Ada", groups=["sales"])])

    report = Importer(directory).run([{"external_id": "E1", "email": "", "name": None}])

    assert statuses(report) == ["unchanged"]
    assert lab.learners()[0].name == "Ada"


def test_an_erased_person_does_not_come_back_with_the_next_import(directory: Directory, lab: Lab) -> None:
    lab.table.put(keys.tombstone(lab.id, digest(normalised("external_id", "E1"), PSEUDONYM_KEY)).item())

    report = Importer(directory).run([row(1)])

    assert statuses(report) == ["error"]
    assert report.results[0].errors[0].field == "external_id"
    assert lab.learners() == []


def test_an_inactive_learner_who_is_imported_as_active_gets_what_was_held(directory: Directory, lab: Lab) -> None:
    Importer(directory).run([row(1, status="inactive", username="u1")])
    before = lab.identity("username", "u1").version

    Importer(directory).run([{"external_id": "E1", "status": "active"}])

    assert lab.identity("username", "u1").version == before + 1


def test_an_import_has_an_end(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_ROWS", 3)

    assert statuses(Importer(directory).run([{}] * 3)) == ["error"] * 3
    with pytest.raises(TooLarge):
        Importer(directory).run([{}] * 4)


def test_when_the_time_runs_out_the_rest_says_so(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "SHARE", 2)
    asked = iter([False, True, True])

    report = Importer(directory, lambda: next(asked)).run([row(n) for n in range(5)])

    assert statuses(report) == ["created", "created", "error", "error", "error"]
    assert "send this row again" in report.results[4].errors[0].detail


def test_a_row_others_write_at_the_same_time_is_planned_again(directory: Directory, lab: Lab) -> None:
    real = changes.write
    refused: list[Any] = []

    def once(*args: Any) -> bool:
        if not refused:
            refused.append(args)
            Importer(directory).run([row(2, name="Other")])
            return False
        return real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "write", once)
        report = Importer(directory).run([row(1), row(2, groups=["sales"])])

    assert statuses(report) == ["created", "updated"]
    two: Learner = next(one for one in lab.learners() if one.current("external_id") == "E2")
    assert (two.name, two.groups) == ("Other", ("sales",))


def test_writers_without_end_leave_the_row_for_another_try(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "write", lambda *_args: False)

    assert statuses(Importer(directory).run([row(1)])) == ["error"]


def test_a_busy_table_leaves_the_row_for_another_try(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_args: Any) -> bool:
        raise Unavailable("the table is busy")

    monkeypatch.setattr(changes, "write", busy)

    assert statuses(Importer(directory).run([row(1)])) == ["error"]


@pytest.mark.parametrize("body", [b'[{"email": "a@example.com"}]', b'{"learners": [{"email": "a@example.com"}]}'])
def test_json_is_an_array_or_an_object_with_one(body: bytes) -> None:
    assert rows_of_json(body) == [{"email": "a@example.com"}]


@pytest.mark.parametrize("body", [b"", b"{}", b"7", b"[" * 100_000, b"\xff", b'{"learners": 7}'])
def test_other_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        rows_of_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"email,groups\r\na@example.com,sales; all\r\n",
        b'\xef\xbb\xbfemail, groups\n"a@example.com","sales; all"\n',
        b"email\tgroups\na@example.com\tsales; all\n",
        b'email;groups;name\na@example.com;"sales; all";\n',
        b'Email, GROUPS \na@example.com,"sales; all"\n',
    ],
)
def test_csv_is_read_as_spreadsheets_write_it(body: bytes) -> None:
    assert rows_of_csv(body) == [{"email": "a@example.com", "groups": ["sales", " all"]}]


def test_csv_with_surplus_cells_is_a_wrong_row(directory: Directory) -> None:
    rows = rows_of_csv(b"email\na@example.com,b\nb@example.com\n")

    assert statuses(Importer(directory).run(rows)) == ["error", "created"]


def test_a_row_with_many_wrong_fields_names_some_and_counts_the_rest(directory: Directory) -> None:
    [result] = Importer(directory).run([row(1, **{f"column{n}": "x" for n in range(20)})]).results

    assert [error.field for error in result.errors] == ["column0", "column1", "column2", "column3", "column4", ""]
    assert result.errors[-1].detail == "15 more fields are wrong"


@pytest.mark.parametrize(
    ("header", "unknown"),
    [("E-Mail,name,Cost Centre", ["e-mail", "cost centre"]), ("a@example.com,Ada", ["a@example.com", "ada"])],
)
def test_unknown_columns_are_told_once_with_those_that_there_are(header: str, unknown: list[str]) -> None:
    with pytest.raises(InvalidRequest, match=r"the columns are email, .*, groups") as refused:
        rows_of_csv(f"{header}\nb@example.com,Bo\nc@example.com,Cy\n".encode())

    assert [error.field for error in refused.value.errors] == unknown


def test_a_line_with_an_unbalanced_quotation_mark_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"before line 3; check the quotation marks"):
        rows_of_csv(b'email,name\na@example.com,Ada\n"b@example.com,"Bo"\n')


@pytest.mark.parametrize("body", [b"\xff\xfe", b'email\n"a@example.com'])
def test_what_is_no_csv_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        rows_of_csv(body)


@pytest.mark.parametrize("sent", ["latin-1", "as the gateway decodes it"])
def test_csv_in_another_encoding_names_the_line_and_the_remedy(sent: str) -> None:
    latin = "email,name\na@example.com,Ada\nj@example.com,Jürgen\n".encode("latin-1")
    body = latin if sent == "latin-1" else latin.decode(errors="replace").encode()

    with pytest.raises(InvalidRequest, match=r"line 3 .* save the file as CSV UTF-8"):
        rows_of_csv(body)


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b"\n", b" , \n", b"\na@example.com\n"])
def test_csv_without_a_header_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="no header"):
        rows_of_csv(body)


def test_csv_that_names_a_column_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'name' twice"):
        rows_of_csv(b"email,Name,name,,\na@example.com,Ada,Bob,,\n")


@pytest.mark.parametrize("body", [b"email,name", b"email,name\r\n", b"email,,\n\n"])
def test_csv_with_a_header_alone_has_no_rows(directory: Directory, body: bytes) -> None:
    assert Importer(directory).run(rows_of_csv(body)).results == []
