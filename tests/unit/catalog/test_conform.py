"""Saved settings take effect on the stored courses, without calls to LinkedIn."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_builders import courses, filters, some_filters, stored
from catalog_lab import integration
from coursebridge.catalog.conform import Wish, conform, conformed, preview
from coursebridge.catalog.filters import matches
from coursebridge.integrations.models import Filters
from coursebridge.storage.course_shapes import Course, Reason, Status
from coursebridge.storage.courses import CourseStore, Labels, StoredCourse, Write
from memory_table import MemoryTable

NOW = "2026-02-02T00:00:00.000Z"
states = st.sampled_from(
    [("active", None), *(("archived", reason) for reason in ("retired", "filtered", "missing", "deactivated"))]
)


def wish(active: bool = True, labels: Labels | None = None, **wanted: object) -> Wish:
    return Wish(active, filters(**wanted), labels or Labels())


def store(of: Iterable[StoredCourse]) -> CourseStore:
    table: Any = MemoryTable()
    kept = CourseStore(table, "acme")
    kept.restate(list(of))
    table.writes.clear()
    return kept


def numbered(*all_of: StoredCourse) -> list[StoredCourse]:
    return [replace(one, urn=f"urn:li:lyndaCourse:{number}") for number, one in enumerate(all_of)]


def test_what_no_longer_matches_is_archived_and_what_matches_again_restored() -> None:
    wanted = wish(languages=["en"])

    assert conformed(stored(locale="de_DE"), wanted, NOW).archived_reason == "filtered"
    assert conformed(stored("archived", "filtered"), wanted, NOW).is_active


def test_what_linkedin_retired_or_no_longer_lists_stays_archived() -> None:
    for reason in ("retired", "missing"):
        one = stored("archived", reason, retired=reason == "retired")
        assert conformed(one, wish(), NOW) is one


def test_deactivating_archives_all_and_activating_brings_back_what_matches() -> None:
    off = conformed(stored(locale="de_DE"), wish(active=False), NOW)

    assert (off.status, off.archived_reason) == ("archived", "deactivated")
    assert conformed(off, wish(languages=["de"]), NOW).is_active
    assert conformed(off, wish(languages=["en"]), NOW).archived_reason == "filtered"


def test_deactivating_does_not_hide_why_a_course_was_archived_before() -> None:
    one = stored("archived", "retired", retired=True)

    assert conformed(one, wish(active=False), NOW) is one


def test_labels_of_archived_courses_follow_the_settings_too() -> None:
    after = conformed(stored("archived", "missing"), wish(labels=Labels(group="sales")), NOW)

    assert (after.labels.group, after.action) == ("sales", "relabelled")


@given(courses, states, some_filters, st.booleans())
def test_doing_it_twice_does_nothing_the_second_time(
    one: Course, state: tuple[Status, Reason | None], wanted: Filters, active: bool
) -> None:
    settings = Wish(active, wanted, Labels(tags_enabled=True))
    once = conformed(stored(*state, **one), settings, NOW)

    assert conformed(once, settings, NOW) is once


@given(courses, states, some_filters)
def test_a_course_is_active_only_if_it_matches_and_is_not_retired(
    one: Course, state: tuple[Status, Reason | None], wanted: Filters
) -> None:
    after = conformed(stored(*state, **one), Wish(True, wanted, Labels()), NOW)

    allowed = matches(one, wanted) and not one["retired"] and state[1] != "missing"
    assert after.is_active is allowed
    assert (after.archived_reason is None) is after.is_active


def test_every_course_is_looked_at_and_only_what_changes_is_written() -> None:
    kept = store(numbered(*[stored()] * 30, *[stored(locale="de_DE")] * 30, stored("archived", "filtered")))

    counts = conform(kept, wish(languages=["en"]), lambda: datetime.now(UTC))

    assert counts == {"archived": 30, "restored": 1, "relabelled": 0}
    assert kept.table.writes["course"] == 31  # type: ignore[attr-defined]
    assert sum(one.is_active for one in kept.all()) == 31


def test_what_a_sync_writes_meanwhile_stays_and_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store(numbered(*[stored(locale="de_DE")] * 3))
    first, second, third = sorted(one.urn for one in kept.all())
    restate, news = CourseStore.restate, [stored(locale="de_DE", urn=first), stored(locale="en_US", urn=second)]

    def raced(self: CourseStore, wanted: Iterable[StoredCourse]) -> list[str]:
        while news:
            one = replace(news.pop(), hash="new", run_id="theirs")
            self.write([Write(one, one.course, None)])
        return restate(self, wanted)

    monkeypatch.setattr(CourseStore, "restate", raced)
    counts = conform(kept, wish(languages=["en"]), lambda: datetime.now(UTC))

    assert counts == {"archived": 2, "restored": 0, "relabelled": 0}
    found = {one.urn: (one.status, one.hash, one.course["locale"]) for one in kept.all()}
    assert found[first] == ("archived", "new", "de_DE")
    assert found[second] == ("active", "new", "en_US")
    assert found[third][0] == "archived"


def test_a_preview_counts_what_would_happen_shows_some_and_changes_nothing() -> None:
    archived = (stored("archived", "filtered"), stored("archived", "filtered", locale="de_DE"))
    kept = store(numbered(*[stored()] * 20, *[stored(locale="de_DE")] * 20, *archived))
    before = list(kept.all())

    told = preview(kept, wish(languages=["en"]))

    assert {name: told[name] for name in ("archived", "restored", "kept")} == {
        "archived": 20,
        "restored": 1,
        "kept": 20,
    }
    assert len(told["samples"]["archived"]) == 10
    assert told["samples"]["restored"] == [{"urn": "urn:li:lyndaCourse:40", "title": "Excel Essential Training"}]
    assert list(kept.all()) == before


def test_a_wish_is_what_the_settings_of_an_integration_say() -> None:
    of = Wish.of(integration(status="inactive", tags_enabled=True, target_group="sales"))

    assert of == Wish(False, filters(), Labels(tags_enabled=True, group="sales"))
