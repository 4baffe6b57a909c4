"""The stores of the catalogue, on the template's table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from catalog_builders import course, stored
from coursebridge.catalog.search.publishing import FORM
from coursebridge.errors import NotFound, TooLarge, Unavailable
from coursebridge.json_text import canonical
from coursebridge.storage import courses as storage_courses
from coursebridge.storage import keys
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.courses import CourseStore, Labels, StoredCourse, Write
from coursebridge.storage.runs import STALE, RunStore
from coursebridge.storage.table import TransactionRefused
from run_records import put_run

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

NOW = datetime(2026, 3, 1, tzinfo=UTC)
URN = "urn:li:lyndaCourse:252"


class TestCourses:
    @pytest.fixture
    def courses(self, table: Table) -> CourseStore:
        return CourseStore(table, "acme")

    def test_a_course_is_a_small_item_with_its_element_beside_it(self, courses: CourseStore, table: Table) -> None:
        one = stored(labels=Labels(tags_enabled=True, group="sales", author_email="author@example.com"), run_id="r")
        courses.write([Write(one, course(), canonical({"urn": URN, "n": 1.5}))])

        assert courses.get(URN) == one
        assert courses.element(one) == {"urn": URN, "n": 1.5}
        item = table.get(keys.course("acme", URN)) or {}
        assert item["entity"] == "course"
        assert (item["status"], item["duration_seconds"]) == ("active", 3600)
        assert not {"element", "archived_reason"} & item.keys()

    def test_an_element_that_has_not_changed_is_not_written_again(self, courses: CourseStore) -> None:
        courses.write([Write(stored(), course(), b"{}")])
        courses.write([Write(stored("archived", "filtered"), course(), None)])

        assert courses.element(stored()) == {}
        assert [one.archived_reason for one in courses.all()] == ["filtered"]

    def test_courses_are_listed_whole_and_in_brief(self, courses: CourseStore) -> None:
        assert courses.is_empty()
        courses.restate([stored(urn=f"urn:{number}") for number in range(30)])

        assert sorted(one.urn for one in courses.all()) == sorted(f"urn:{number}" for number in range(30))
        assert [one.urn for one in courses.all()] == [one.urn for one in courses.all()]
        heads = list(courses.heads())
        assert len(heads) == 30
        assert heads[0].is_active
        assert (heads[0].type, heads[0].locale) == ("COURSE", "en_US")
        assert courses.get_many(["urn:3", "urn:none"]).keys() == {"urn:3"}
        assert list(courses.heads_of(["urn:3", "urn:none"])) == [one for one in heads if one.urn == "urn:3"]
        assert not courses.is_empty()

    @pytest.mark.parametrize("limit", [1, 2, 7, 100])
    def test_pages_hold_every_course_once_and_end(self, courses: CourseStore, limit: int) -> None:
        courses.restate([stored(urn=f"urn:{number}") for number in range(30)])

        page = courses.page(limit)
        pages = [page]
        while page.last_key:
            page = courses.page(limit, page.last_key)
            pages.append(page)

        assert all(len(one.items) <= limit for one in pages)
        assert sorted(item["urn"] for one in pages for item in one.items) == sorted(one.urn for one in courses.all())

    def test_an_integration_sees_its_own_courses_only(self, courses: CourseStore, table: Table) -> None:
        courses.restate([stored()])

        assert CourseStore(table, "other").get(URN) is None
        assert list(CourseStore(table, "other").all()) == []

    def test_manual_tags_lie_beside_the_course_and_survive_it(self, courses: CourseStore) -> None:
        courses.set_manual_tags(URN, ["mine", "ours", "mine"])
        courses.write([Write(stored(), course(), b"{}")])

        assert courses.manual_tags([URN, "urn:none"]) == {URN: ["mine", "ours"]}
        assert list(courses.all_manual_tags()) == [(URN, ["mine", "ours"])]
        courses.set_manual_tags(URN, [])
        assert courses.manual_tags([URN]) == {}

    def test_what_is_not_there_has_no_element(self, courses: CourseStore) -> None:
        assert courses.element(stored()) is None


class TestClassifications:
    def test_a_classification_is_written_by_whoever_knows_its_version(self, table: Table) -> None:
        store = ClassificationStore(table, "acme")
        item: dict[str, Any] = {"urn": "urn:1", "type": "TOPIC", "names": {}, "parents": [], "version": 0}

        assert store.put(item) is None
        standing = store.put({**item, "type": "SKILL"})
        assert standing is not None
        assert standing["version"] == 1
        assert store.put({**item, "type": "SKILL", "version": 1}) is None
        assert store.get_many(["urn:1"])["urn:1"]["type"] == "SKILL"
        assert [one["urn"] for one in store.all()] == ["urn:1"]

    @pytest.mark.parametrize("number", [1, 2, 100])
    def test_many_are_written_together_or_not_at_all(self, table: Table, number: int) -> None:
        store = ClassificationStore(table, "acme")
        items: list[dict[str, Any]] = [
            {"urn": f"urn:{n}", "type": "TOPIC", "names": {}, "parents": [], "version": 0} for n in range(number)
        ]

        assert store.put_all(items)
        assert not store.put_all([*items[1:], {**items[0], "type": "SKILL"}])
        assert {(one["type"], one["version"]) for one in store.all()} == {("TOPIC", 1)}
        assert len(list(store.all())) == number


class TestRestating:
    @pytest.fixture
    def courses(self, table: Table) -> CourseStore:
        store = CourseStore(table, "acme")
        store.write([Write(stored(urn=f"urn:{number}"), course(urn=f"urn:{number}"), None) for number in range(3)])
        return store

    @staticmethod
    def archived(courses: CourseStore) -> list[StoredCourse]:
        return [one.with_status("archived", "filtered", "archived", "", "later") for one in courses.all()]

    def test_leaves_alone_and_names_what_others_have_written_since(self, courses: CourseStore) -> None:
        wanted = self.archived(courses)
        theirs = stored(urn="urn:1", hash="new", run_id="theirs")
        courses.write([Write(theirs, course(urn="urn:1"), None)])

        assert courses.restate(wanted) == ["urn:1"]
        assert courses.get("urn:1") == theirs
        assert {one.urn: one.status for one in courses.all()} == {
            "urn:0": "archived", "urn:1": "active", "urn:2": "archived"
        }  # fmt: skip

    def test_names_all_of_them_where_others_have_written_all(self, courses: CourseStore) -> None:
        wanted = self.archived(courses)
        assert courses.restate(wanted) == []

        assert sorted(courses.restate(wanted)) == ["urn:0", "urn:1", "urn:2"]

    def test_waits_for_a_table_that_is_busy_for_a_while(
        self, courses: CourseStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object) -> None:
            raise TransactionRefused([None, "TransactionConflict", None], [{}, {}, {}])

        monkeypatch.setattr(storage_courses, "pauses", lambda: iter([0.0, 0.0]))
        monkeypatch.setattr(courses.table, "transact", refused)

        with pytest.raises(Unavailable):
            courses.restate(self.archived(courses))

    def test_of_courses_too_large_for_one_transaction_is_one_by_one(
        self, courses: CourseStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transact = courses.table.transact

        def limited(actions: Any) -> None:
            if len(actions) > 1:
                raise TooLarge("cannot exceed 4 MB")
            transact(actions)

        monkeypatch.setattr(courses.table, "transact", limited)
        assert courses.restate(self.archived(courses)) == []
        assert not any(one.is_active for one in courses.all())

        def never(_actions: Any) -> None:
            raise TooLarge("cannot exceed 4 MB")

        monkeypatch.setattr(courses.table, "transact", never)
        with pytest.raises(TooLarge):
            courses.restate(self.archived(courses)[:1])


class TestRuns:
    @pytest.fixture
    def runs(self, table: Table) -> RunStore:
        store = RunStore(table, "acme", "catalog")
        put_run(
            store,
            {"id": "1", "kind": "catalog", "counts": {"read": 0, "created": 0}, "progress": {"done": 0, "total": 2}},
        )
        return store

    def test_counters_move_by_what_a_range_has_done(self, runs: RunStore) -> None:
        runs.count("1", {"read": 3, "created": 2}, NOW)
        runs.count("1", {"read": 0}, NOW)

        run = runs.get("1")
        assert run["counts"] == {"read": 3, "created": 2}
        assert run["progress"] == {"done": 2, "total": 2}
        assert run["touched_at"] == "2026-03-01T00:00:00.000Z"

    def test_a_range_is_settled_once(self, runs: RunStore) -> None:
        runs.add_ranges("1", [{"number": 7, "kind": "listing"}], NOW)
        one = runs.range("1", 7)

        assert runs.settle_range("1", {**one, "status": "done"})
        assert not runs.settle_range("1", {**one, "status": "done"})
        assert runs.range("1", 7)["settled"]

    def test_ranges_come_in_order_and_expire(self, runs: RunStore) -> None:
        runs.add_ranges("1", [{"number": number} for number in (11, 2, 100)], NOW)

        found: list[Any] = list(runs.ranges("1"))

        assert [one["number"] for one in found] == [2, 11, 100]
        assert found[0]["expires_at"] == int(NOW.timestamp()) + 30 * 86_400

    def test_a_field_of_a_range_or_of_what_is_remembered_can_be_set(self, runs: RunStore) -> None:
        runs.add_ranges("1", [{"number": 0}], NOW)
        runs.change_range("1", 0, partition="COURSE en")
        runs.remember(watermark="w")

        assert runs.range("1", 0)["partition"] == "COURSE en"
        assert runs.state()["watermark"] == "w"

    def test_an_index_is_claimed_only_for_the_latest_generation_of_courses(self, runs: RunStore) -> None:
        first = runs.outdate_index(labels={})
        second = runs.outdate_index()

        assert (first["generation"], second["generation"], second["labels"]) == (1, 2, {})
        assert not runs.claim_index(1, index_form=FORM)
        assert runs.state()["index_form"] == STALE
        assert runs.claim_index(2, index_form=FORM)
        assert runs.state()["index_form"] == FORM
        runs.begin({"id": "1", "kind": "catalog"}, NOW)
        runs.close("1", {"index_form": STALE}, status="failed")
        assert not runs.claim_index(2, index_form=FORM)

    def test_a_run_of_another_kind_is_not_found(self, table: Table, runs: RunStore) -> None:
        with pytest.raises(NotFound):
            RunStore(table, "acme", "activity").get("1")
        with pytest.raises(NotFound):
            runs.range("1", 99)
        assert RunStore(table, "acme", "activity").latest() is None

    def test_runs_are_listed_newest_first(self, runs: RunStore) -> None:
        put_run(runs, {"id": "2", "kind": "activity"})
        put_run(runs, {"id": "3", "kind": "catalog"})

        page = runs.list(2)

        assert [run["id"] for run in page.items] == ["3", "2"]
        assert [run["id"] for run in runs.list(2, page.last_key).items] == ["1"]

    def test_a_lock_is_taken_by_one_and_renewed_and_released_by_the_same(self, runs: RunStore) -> None:
        assert not runs.renew_lock("2", NOW)
        assert runs.begin({"id": "2", "kind": "catalog"}, NOW)
        assert not runs.begin({"id": "1", "kind": "catalog"}, NOW)
        assert runs.renew_lock("2", NOW)
        assert not runs.renew_lock("1", NOW)
        assert runs.begin({"id": "1", "kind": "catalog"}, NOW, dead=runs.lock())
        assert runs.close("1", {"watermark": "w"}, status="succeeded")
        assert runs.lock() is None
        assert (runs.get("1")["status"], runs.state()["watermark"]) == ("succeeded", "w")

    def test_a_run_that_has_lost_its_lock_closes_nothing(self, runs: RunStore) -> None:
        runs.begin({"id": "2", "kind": "catalog"}, NOW)

        assert not runs.close("1", {"watermark": "w"}, status="succeeded")

        assert "status" not in runs.get("1")
        assert runs.state() == {}
        assert runs.lock() is not None

    def test_a_table_that_is_busy_closes_nothing_and_says_so(
        self, runs: RunStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: object) -> None:
            raise TransactionRefused([None, "TransactionConflict"], [{}, {}])

        monkeypatch.setattr(runs.table, "transact", refused)

        with pytest.raises(Unavailable):
            runs.close("1", {}, status="succeeded")
