"""Keyword search: words of every language, ranking, filters, and pages that neither repeat nor skip."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from catalog_builders import LIBRARY, SKILL, SUBJECT, TOPIC, stored
from coursebridge.catalog.classification_graph import merge_nodes
from coursebridge.catalog.classifications import Node
from coursebridge.catalog.search import publishing
from coursebridge.catalog.search.building import amend, build
from coursebridge.catalog.search.publishing import FORM, Changes, Publisher, Replica
from coursebridge.catalog.search.querying import Question, SearchIndex, Sort
from coursebridge.catalog.search.words import match_expression
from coursebridge.errors import Unavailable
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.courses import CourseStore, Labels, StoredCourse
from memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakeIndex = Callable[..., SearchIndex]

BUCKET = "bucket"


CLASSIFICATIONS: list[Any] = [
    {"urn": LIBRARY, "names": {"en_US": "Business", "de_DE": "Wirtschaft"}},
    {"urn": SUBJECT, "names": {"en_US": "Office Software"}},
    {"urn": TOPIC, "names": {"en_US": "Excel", "ja_JP": "エクセル"}},
    {"urn": SKILL, "names": {"en_US": "Microsoft Excel", "de_DE": "Wirtschaft"}},
]


def named(urn: str, title: str = "Excel", **fields: Any) -> StoredCourse:
    return stored(urn=urn, title=title, **{"description": None, **fields})


@pytest.fixture
def make_index(tmp_path: Path) -> Iterator[MakeIndex]:
    """A function that makes an index of courses."""
    opened: list[SearchIndex] = []

    def make(*courses: StoredCourse) -> SearchIndex:
        file = tmp_path / f"{len(opened)}.sqlite"
        build(file, courses, CLASSIFICATIONS)
        opened.append(SearchIndex(file, "acme"))
        return opened[-1]

    yield make
    for index in opened:
        index.close()


def found(index: SearchIndex, **asked: Any) -> list[str]:
    return [course.urn for course in index.ask(Question(**asked)).courses]


def test_a_course_kept_with_an_absurd_duration_is_indexed_without_it(make_index: MakeIndex) -> None:
    index = make_index(named("urn:1", duration_seconds=10**19), named("urn:2", duration_seconds=60))

    assert found(index, sort="duration") == ["urn:1", "urn:2"]


class TestWords:
    @pytest.mark.parametrize(
        ("title", "q"),
        [
            ("Excel Essential Training", "excel"),
            ("Excel Essential Training", "TRAIN"),
            ("Excel Essential Training", "training excel"),
            ("Führungskräfte entwickeln", "fuhrungskrafte"),
            ("Führungskräfte entwickeln", "FÜHRUNGSKRÄFTE"),
            ("Großes Kino", "grosses"),
            ("Développer l'écoute", "ecoute"),
            ("Gestão de projetos", "gestao"),
            ("機械学習の基礎", "機械学習"),
            ("機械学習の基礎", "基礎"),
            ("機械学習の基礎", "習の"),
            ("深入理解机器学习", "机器 学习"),
            ("ｴｸｾﾙ入門", "エクセル"),
            ("엑셀로 배우는 데이터", "데이터"),
            ("Excelの使い方", "excel 使い方"),
            ("C++ for R&D", "r d"),
            ("Node.js", "node.js"),
        ],
    )
    def test_a_course_is_found_by_words_of_its_title_in_any_spelling(
        self, make_index: MakeIndex, title: str, q: str
    ) -> None:
        assert found(make_index(named("urn:1", title)), q=q) == ["urn:1"]

    @pytest.mark.parametrize(
        ("title", "q"),
        [
            ("Excel Essential Training", "word"),
            ("Excel Essential Training", "cel"),
            ("Excel Essential Training", "train excel"),
            ("Excel Essential Training", "train "),
            ("機械学習の基礎", "学機"),
            ("機械学習の基礎", "基本"),
        ],
    )
    def test_only_the_last_word_may_be_unfinished_and_characters_stand_in_their_order(
        self, make_index: MakeIndex, title: str, q: str
    ) -> None:
        assert found(make_index(named("urn:1", title)), q=q) == []

    def test_a_single_letter_is_completed_in_titles_and_found_as_a_word_anywhere(self, make_index: MakeIndex) -> None:
        index = make_index(
            named("urn:1", "Machine learning", description="For you"),
            named("urn:2", "Excel", description="Plan m of many"),
            named("urn:3", "Word", description="Made for you"),
        )

        assert sorted(found(index, q="m")) == ["urn:1", "urn:2"]
        assert sorted(found(index, q="ma")) == ["urn:1", "urn:2", "urn:3"]

    @pytest.mark.parametrize(
        "q", ['"', "***", "AND", "NEAR(", "title:x", "a OR b", "-", "' --", "(", "x" * 400, "\x00", "^a"]
    )
    def test_nothing_somebody_types_is_an_error(self, make_index: MakeIndex, q: str) -> None:
        found(make_index(named("urn:1")), q=q)

    @given(st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_text_at_all_is_an_error(self, make_index: MakeIndex, q: str) -> None:
        index = make_index(named("urn:1"))
        found(index, q=q)

    def test_keywords_without_a_word_in_them_find_nothing(self, make_index: MakeIndex) -> None:
        assert match_expression("?!") is None
        assert found(make_index(named("urn:1")), q="?!") == []

    @pytest.mark.parametrize(
        ("q", "urns"),
        [
            ("C++", ["urn:cpp"]),
            ("c+", ["urn:cpp"]),
            ("c++ customer", []),
            ("C#", ["urn:csharp"]),
            ("csharp", ["urn:csharp"]),
            (".NET", ["urn:csharp"]),
            ("asp.net", ["urn:csharp"]),
            ("A+", ["urn:aplus"]),
            ("r ", ["urn:r"]),
            ("R.", ["urn:r"]),
            ("学C++", ["urn:cjk"]),
        ],
    )
    def test_names_with_symbols_and_of_one_letter_are_words(
        self, make_index: MakeIndex, q: str, urns: list[str]
    ) -> None:
        index = make_index(
            named("urn:care", "Customer care: c, a, net, and many more", description="Reports in real rows."),
            named("urn:cpp", "Learning C++17"),
            named("urn:csharp", "C# for ASP.NET"),
            named("urn:aplus", "CompTIA A+ (220-1101)"),
            named("urn:r", "Learning R"),
            *([named("urn:cjk", "学C++")] if q.startswith("学") else []),
        )

        assert found(index, q=q) == urns

    @pytest.mark.parametrize(
        ("q", "best"), [("R", "urn:word"), ("r", "urn:word"), ("C++", "urn:cpp"), ("excel", "urn:excel")]
    )
    def test_the_very_word_comes_before_longer_ones_that_begin_so(
        self, make_index: MakeIndex, q: str, best: str
    ) -> None:
        more = [named(f"urn:{number}", f"Revit and Rhino, excellent {number}") for number in range(20)]
        index = make_index(
            *more,
            named("urn:word", "Data analysis in R for people who have never programmed anything before"),
            named("urn:cpp", "Advanced C++"),
            named("urn:excel", "A long title about what one may do in Excel and in many other programs"),
        )

        assert found(index, q=q)[0] == best

    def test_descriptions_are_searched_too_and_rank_below_titles(self, make_index: MakeIndex) -> None:
        index = make_index(
            named("urn:text", "Spreadsheets", description="All about excel. Excel again: excel."),
            named("urn:short", "Tables", short_description="With excel."),
            named("urn:title", "Excel for analysts and many others who work with tables"),
        )

        assert found(index, q="excel")[0] == "urn:title"
        assert set(found(index, q="excel")) == {"urn:title", "urn:text", "urn:short"}


class TestFilters:
    @pytest.fixture
    def index(self, make_index: MakeIndex) -> SearchIndex:
        skilled = [{"urn": SKILL, "type": "SKILL", "name": "Microsoft Excel", "paths": [[]]}]
        return make_index(
            named("urn:1", "A"),
            named("urn:2", "B", locale="de_DE", level=None, type="VIDEO", duration_seconds=60, classifications=skilled),
            named("urn:3", "C", locale="en_GB", level="ADVANCED", updated_at="2026-01-01T00:00:00.000Z"),
            replace(named("urn:4", "D", duration_seconds=None), status="archived", archived_reason="retired"),
            replace(named("urn:5", "E"), labels=Labels(tags_enabled=True)),
        )

    @pytest.mark.parametrize(
        ("asked", "urns"),
        [
            ({}, "1 2 3 4 5"),
            ({"language": ("en",)}, "1 3 4 5"),
            ({"language": ("en_US", "de")}, "1 2 4 5"),
            ({"level": ("BEGINNER", "ADVANCED")}, "1 3 4 5"),
            ({"type": ("VIDEO",)}, "2"),
            ({"subject": (TOPIC,)}, "1 3 4 5"),
            ({"subject": (SUBJECT,)}, "1 3 4 5"),
            ({"subject": (LIBRARY,)}, "1 3 4 5"),
            ({"subject": ("excel",)}, "1 3 4 5"),
            ({"subject": ("business",)}, "1 3 4 5"),
            ({"subject": ("Wirtschaft",)}, "1 3 4 5"),
            ({"subject": ("OFFICE software",)}, "1 3 4 5"),
            ({"subject": ("ｴｸｾﾙ",)}, "1 3 4 5"),
            ({"subject": ("Microsoft Excel",)}, ""),
            ({"skill": ("wirtschaft",)}, "2"),
            ({"skill": ("Business",)}, ""),
            ({"skill": (SKILL,)}, "2"),
            ({"skill": ("MICROSOFT EXCEL",)}, "2"),
            ({"skill": ("Excel",)}, ""),
            ({"status": ("active",)}, "1 2 3 5"),
            ({"status": ("archived",)}, "4"),
            ({"tag": ("EXCEL",)}, "5"),
            ({"tag": ("mine",), "tagged": frozenset({"urn:2"})}, "2"),
            ({"tag": ("mine", "excel"), "tagged": frozenset({"urn:2"})}, "2 5"),
            ({"updated_since": "2025-06-01T00:00:00.000Z"}, "3"),
            ({"synced_since": "2026-01-01T00:00:00.000Z"}, "1 2 3 4 5"),
            ({"synced_since": "2026-01-01T00:00:00.001Z"}, ""),
            ({"min_duration": 61}, "1 3 5"),
            ({"max_duration": 61}, "2"),
            ({"language": ("en",), "status": ("active",), "level": ("ADVANCED",)}, "3"),
        ],
    )
    def test_values_are_ored_and_filters_are_anded(self, index: SearchIndex, asked: dict[str, Any], urns: str) -> None:
        assert found(index, **asked) == [f"urn:{number}" for number in urns.split()]

    @pytest.mark.parametrize(("language", "urns"), [("id", 2), ("in", 2), ("id_ID", 1), ("in_ID", 1), ("de", 0)])
    def test_indonesian_has_the_code_of_today_and_linkedins(
        self, make_index: MakeIndex, language: str, urns: int
    ) -> None:
        index = make_index(named("urn:1", locale="in_ID"), named("urn:2", locale="in"))

        assert len(found(index, language=(language,))) == urns

    def test_filters_hold_with_keywords_too(self, index: SearchIndex) -> None:
        assert found(index, q="b", language=("en",)) == []
        assert found(index, q="b", language=("de",)) == ["urn:2"]


class TestOrder:
    COURSES = (
        named("urn:a", "Beta", duration_seconds=30, updated_at="2024-01-01T00:00:00.000Z", published_at=None),
        named("urn:b", "alpha", duration_seconds=10, updated_at=None, published_at="2020-01-01T00:00:00.000Z"),
        named("urn:c", "Ärger", duration_seconds=None, updated_at="2025-01-01T00:00:00.000Z"),
        named("urn:d", "Beta", duration_seconds=10, updated_at="2024-01-01T00:00:00.000Z"),
    )

    @pytest.mark.parametrize(
        ("sort", "urns"),
        [
            ("", "b a d c"),
            ("title", "b a d c"),
            ("-title", "c d a b"),
            ("duration", "c b d a"),
            ("-duration", "a d b c"),
            ("-updated_at", "c d a b"),
            ("updated_at", "b a d c"),
            ("published_at", "a b c d"),
            ("relevance", "b a d c"),
        ],
    )
    def test_courses_come_in_the_order_asked_for(self, make_index: MakeIndex, sort: Sort, urns: str) -> None:
        assert found(make_index(*self.COURSES), sort=sort) == [f"urn:{letter}" for letter in urns.split()]

    def test_what_was_found_by_keywords_can_be_sorted_otherwise(self, make_index: MakeIndex) -> None:
        assert found(make_index(*self.COURSES), q="beta", sort="-duration") == ["urn:a", "urn:d"]

    @given(
        st.lists(
            st.tuples(st.sampled_from(["Excel", "Excel word", "Word"]), st.sampled_from([None, 1, 2])), max_size=20
        ),
        st.sampled_from(get_args(Sort)),
        st.sampled_from(["", "excel", "wor"]),
        st.integers(1, 7),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
    def test_pages_put_together_are_the_whole_list(
        self, make_index: MakeIndex, rows: list[tuple[str, int | None]], sort: Sort, q: str, limit: int
    ) -> None:
        courses = [named(f"urn:{place:02}", title, duration_seconds=many) for place, (title, many) in enumerate(rows)]
        index = make_index(*courses)
        whole = found(index, q=q, sort=sort, limit=1000)

        pages: list[str] = []
        after: Any = None
        while True:
            answer = index.ask(Question(q=q, sort=sort, limit=limit, after=after))
            assert len(answer.courses) <= limit
            pages += [course.urn for course in answer.courses]
            after = answer.next
            if after is None:
                break

        assert pages == whole
        assert len(set(pages)) == len(pages)


def test_a_course_comes_out_of_the_index_as_it_went_in(make_index: MakeIndex) -> None:
    labels = Labels(tags_enabled=True, group="sales", author_email="author@example.com")
    course = stored("archived", "filtered", labels=labels, run_id="r")

    [out] = make_index(course).ask(Question()).courses

    assert out == replace(course, run_id="", action="")


TITLES = ["Excel", "Excel 2026", "C++ für alle", "データ分析", "数据 Excel", "Straße", "Word", ""]
COURSES = st.builds(
    named,
    st.sampled_from([f"urn:{number}" for number in range(6)]),
    st.sampled_from(TITLES),
    description=st.sampled_from([None, *TITLES]),
    level=st.sampled_from([None, "BEGINNER", "ADVANCED"]),
    locale=st.sampled_from([None, "en_US", "ja_JP"]),
    classifications=st.lists(
        st.sampled_from(
            [
                {"urn": TOPIC, "type": "TOPIC", "name": "Spreadsheets", "paths": [[SUBJECT, LIBRARY]]},
                {"urn": SUBJECT, "type": "SUBJECT", "name": "Data", "paths": [[LIBRARY]]},
                {"urn": SKILL, "type": "SKILL", "name": "Data", "paths": [[]]},
            ]
        ),
        max_size=3,
        unique_by=lambda one: one["urn"],
    ),
    labels=st.builds(Labels, tags_enabled=st.booleans()),
)
QUESTIONS = [
    Question(),
    *(Question(q=q) for q in ("excel", "e", "データ", "据", "strasse", "c++", "2026 excel")),
    *(Question(subject=(subject,)) for subject in (LIBRARY, SUBJECT, "spreadsheets", "data", "business")),
    *(Question(sort=sort) for sort in get_args(Sort) if sort != "relevance"),
    Question(skill=("data",)),
    Question(tag=("data", "spreadsheets")),
    Question(level=("BEGINNER",), q="excel"),
    Question(language=("ja",)),
]


class TestAmending:
    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        before=st.lists(COURSES, max_size=6, unique_by=lambda one: one.urn),
        changes=st.lists(st.lists(COURSES, max_size=6, unique_by=lambda one: one.urn), max_size=4),
        known=st.lists(st.lists(st.sampled_from(CLASSIFICATIONS), unique_by=lambda one: one["urn"]), min_size=5),
    )
    def test_an_amended_index_answers_like_one_made_anew(
        self,
        tmp_path: Path,
        before: list[StoredCourse],
        changes: list[list[StoredCourse]],
        known: list[list[dict[str, Any]]],
    ) -> None:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            amended, anew = Path(folder) / "amended.sqlite", Path(folder) / "anew.sqlite"
            build(amended, before, known[0])
            whole = {one.urn: one for one in before}
            for changed, classifications in zip(changes, known[1:], strict=False):
                whole |= {one.urn: one for one in changed}
                assert amend(amended, "acme", changed, classifications) == len(whole)
            build(anew, whole.values(), known[len(changes)])

            with closing(SearchIndex(amended, "acme")) as index, closing(SearchIndex(anew, "acme")) as other:
                for question in QUESTIONS:
                    assert index.ask(question) == other.ask(question)

    def test_a_file_that_is_amended_often_stays_whole_and_small(self, tmp_path: Path) -> None:
        file = tmp_path / "search.sqlite"
        courses = [named(f"urn:{number}", f"Course {number} about everything") for number in range(200)]
        build(file, courses)
        before = file.stat().st_size

        for time in range(60):
            amend(file, "acme", [replace(one, synced_at=f"{time}") for one in courses[time : time + 20]])

        with closing(sqlite3.connect(file)) as database:
            database.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT count(*) FROM words WHERE words MATCH 'everything'").fetchone() == (200,)
        assert file.stat().st_size < 2 * before


class TestPublishing:
    @pytest.fixture
    def s3(self) -> Iterator[Any]:
        with mock_aws():
            client = boto3.client("s3", region_name="us-east-1")
            client.create_bucket(Bucket=BUCKET)
            yield client

    @pytest.fixture
    def courses(self) -> CourseStore:
        table: Any = MemoryTable()
        store = CourseStore(table, "acme")
        store.restate([named("urn:1")])
        return store

    def test_before_the_first_sync_there_is_no_index(self, s3: Any) -> None:
        assert Replica(s3, BUCKET, "acme").index() is None

    def test_what_was_published_is_found(self, s3: Any, courses: CourseStore) -> None:
        assert Publisher(s3, BUCKET).publish(courses) == 1

        with closing(Replica(s3, BUCKET, "acme")) as replica:
            index = replica.index()
            assert index is not None
            assert found(index) == ["urn:1"]

    def test_the_file_is_fetched_again_only_when_it_has_changed(self, s3: Any, courses: CourseStore) -> None:
        Publisher(s3, BUCKET).publish(courses)
        with closing(Replica(s3, BUCKET, "acme")) as replica:
            first = replica.index()
            assert replica.index() is first
            courses.restate([named("urn:2", "Word")])
            Publisher(s3, BUCKET).publish(courses)

            second = replica.index()

            assert second is not first
            assert second is not None
            assert found(second) == ["urn:1", "urn:2"]

    def test_courses_are_found_by_the_names_of_what_is_above_their_classifications(
        self, s3: Any, courses: CourseStore
    ) -> None:
        publisher = Publisher(s3, BUCKET)
        graph = ClassificationStore(courses.table, "acme")
        merge_nodes(graph, {LIBRARY: Node(LIBRARY, "LIBRARY", {"en_US": "Business"})})
        publisher.publish(courses, 1)
        merge_nodes(graph, {SUBJECT: Node(SUBJECT, "SUBJECT", {"en_US": "Office Software"})})
        publisher.publish(courses, 2, Changes(1, frozenset()))

        with closing(Replica(s3, BUCKET, "acme")) as replica:
            index = replica.index()
            assert index is not None
            assert found(index, subject=("business",)) == found(index, subject=("office software",)) == ["urn:1"]

    def test_the_published_index_is_amended_with_what_has_changed_since(
        self, s3: Any, courses: CourseStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publisher = Publisher(s3, BUCKET)
        publisher.publish(courses, 7)
        courses.restate([named("urn:2", "Word"), named("urn:3", "not among the changes")])
        monkeypatch.setattr(publishing, "build", None)

        assert publisher.publish(courses, 8, Changes(7, frozenset({"urn:2", "urn:gone"}))) == 2

        assert publisher.published("acme") == 8
        with closing(Replica(s3, BUCKET, "acme")) as replica:
            index = replica.index()
            assert index is not None
            assert found(index) == ["urn:1", "urn:2"]

    @pytest.mark.parametrize("reason", ["none there", "another generation", "another form", "too much has changed"])
    def test_an_index_that_cannot_be_amended_is_built_anew(
        self, s3: Any, courses: CourseStore, monkeypatch: pytest.MonkeyPatch, reason: str
    ) -> None:
        publisher = Publisher(s3, BUCKET)
        if reason != "none there":
            publisher.publish(courses, 6 if reason == "another generation" else 7)
        if reason == "another form":
            monkeypatch.setattr(publishing, "FORM", FORM + 1)
        if reason == "too much has changed":
            monkeypatch.setattr(publishing, "MOST_AMENDED", 0)
        courses.restate([named("urn:2", "Word"), named("urn:3", "Zoom")])

        assert publisher.publish(courses, 8, Changes(7, frozenset({"urn:2"}))) == 3

        assert publisher.published("acme") == 8

    def test_an_index_of_another_form_is_not_read(
        self, s3: Any, courses: CourseStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Publisher(s3, BUCKET).publish(courses)
        replica = Replica(s3, BUCKET, "acme")
        monkeypatch.setattr(publishing, "FORM", FORM + 1)

        with pytest.raises(Unavailable, match="next catalogue sync"):
            replica.index()

        Publisher(s3, BUCKET).publish(courses)
        with closing(replica):
            assert replica.index() is not None

    def test_an_index_that_was_removed_is_forgotten(self, s3: Any, courses: CourseStore) -> None:
        Publisher(s3, BUCKET).publish(courses)
        replica = Replica(s3, BUCKET, "acme")
        replica.index()
        s3.delete_object(Bucket=BUCKET, Key="search/acme.sqlite")

        assert replica.index() is None

    def test_an_index_tells_of_which_generation_it_is_if_it_is_of_the_present_form(
        self, s3: Any, courses: CourseStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publisher = Publisher(s3, BUCKET)
        told = [publisher.published("acme")]
        publisher.publish(courses, 7)
        told += [publisher.published("acme"), publisher.published("other")]
        monkeypatch.setattr(publishing, "FORM", FORM + 1)

        assert [*told, publisher.published("acme")] == [None, 7, None, None]

    def test_what_else_s3_refuses_is_an_error(self, s3: Any) -> None:
        class Refusing:
            def get_object(self, **_: Any) -> None:
                error = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
                raise ClientError(error, "GetObject")  # type: ignore[arg-type]

            head_object = get_object

        refusing: Any = Refusing()
        with pytest.raises(ClientError):
            Replica(refusing, BUCKET, "acme").index()
        with pytest.raises(ClientError):
            Publisher(refusing, BUCKET).published("acme")
        with pytest.raises(ClientError):
            Publisher(refusing, BUCKET).publish(CourseStore(MemoryTable(), "acme"), 1, Changes(0, frozenset()))  # type: ignore[arg-type]

    def test_the_old_file_is_gone_before_the_new_one_comes(self, s3: Any, courses: CourseStore) -> None:
        sizes: list[tuple[int, int]] = []
        Publisher(s3, BUCKET).publish(courses)
        replica = Replica(s3, BUCKET, "acme", lambda number: sizes.append((replica.size, number)))
        with closing(replica):
            replica.index()
            courses.restate([named("urn:2", "Word")])
            Publisher(s3, BUCKET).publish(courses)
            replica.index()

        assert [before for before, _ in sizes] == [0, 0]
        assert all(number > 0 for _, number in sizes)

    def test_a_transfer_that_breaks_leaves_no_file(
        self, s3: Any, courses: CourseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        Publisher(s3, BUCKET).publish(courses)
        replica = Replica(s3, BUCKET, "acme")
        with patch("botocore.response.StreamingBody.iter_chunks", side_effect=ConnectionResetError):
            with pytest.raises(ConnectionResetError):
                replica.index()
            assert list(tmp_path.iterdir()) == []

        with closing(replica):
            assert replica.index() is not None
