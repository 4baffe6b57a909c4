"""The search index ends up with what the table holds, whoever publishes at once and whatever is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coursebridge.catalog.search.publishing import FORM
from coursebridge.catalog.settings_change import apply_settings
from coursebridge.storage.runs import STALE
from memory_table import Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog_lab import Lab, MakeLab
    from coursebridge.catalog.search.publishing import Changes


@pytest.fixture
def lab(make_lab: MakeLab) -> Lab:
    """A synced lab, to whose catalogue LinkedIn has since added a course."""
    lab = make_lab(size=8, locales=("en_US",))
    lab.sync()
    lab.step(create=1)
    lab.clock.goes_on(hours=1)
    return lab


def is_up_to_date(lab: Lab) -> bool:
    state = lab.context.runs.state()
    return bool(state["index_form"] == FORM and lab.published == state["generation"])


def while_an_index_is_built(lab: Lab, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None], times: int) -> None:
    """Let something happen during each of the next index builds, before the upload."""
    reindex, left = lab.reindex, [happens] * times

    def interrupted(generation: int, changes: Changes | None) -> int:
        if left:
            left.pop()()
        return reindex(generation, changes)

    monkeypatch.setattr(lab, "reindex", interrupted)


def test_an_index_published_over_a_newer_one_is_made_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def saved() -> None:
        lab.changes(target_group="sales")
        assert apply_settings(lab.context).complete

    while_an_index_is_built(lab, monkeypatch, saved, times=1)

    run = lab.sync()

    assert run["clean"]
    assert is_up_to_date(lab)
    assert lab.context.runs.state()["labels"]["group"] == "sales"


def test_an_index_published_over_a_newer_one_by_somebody_who_was_killed_is_made_anew_by_the_next_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    reindex = lab.reindex

    def killed(generation: int, changes: Changes | None) -> int:
        monkeypatch.setattr(lab, "reindex", reindex)
        assert apply_settings(lab.context).complete
        reindex(generation, changes)
        raise Killed

    monkeypatch.setattr(lab, "reindex", killed)
    with pytest.raises(Killed):
        lab.sync()
    assert lab.context.runs.state()["index_form"] == FORM
    assert not is_up_to_date(lab)
    lab.clock.goes_on(hours=2)

    lab.sync()

    assert is_up_to_date(lab)


def test_courses_that_change_all_the_time_leave_the_index_to_the_next_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes() -> None:
        lab.context.runs.outdate_index()

    with monkeypatch.context() as patch:
        while_an_index_is_built(lab, patch, changes, times=9)
        assert lab.sync()["clean"]
    assert lab.context.runs.state()["index_form"] == STALE
    lab.clock.goes_on(hours=1)

    lab.sync("incremental")

    assert is_up_to_date(lab)


def test_saved_settings_are_looked_at_again_where_courses_changed_meanwhile(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.changes(target_group="sales")

    def saved_again() -> None:
        lab.changes(target_group="marketing")
        lab.context.runs.outdate_index()

    while_an_index_is_built(lab, monkeypatch, saved_again, times=1)

    applied = apply_settings(lab.context)

    assert applied.complete
    assert {one.labels.group for one in lab.context.courses.all()} == {"marketing"}
    assert lab.context.runs.state()["labels"]["group"] == "marketing"
    assert is_up_to_date(lab)


def test_an_index_that_is_up_to_date_is_left_alone(lab: Lab) -> None:
    lab.sync()
    indexed = lab.indexed
    lab.clock.goes_on(hours=1)

    lab.sync()

    assert lab.indexed == indexed


def test_settings_saved_while_a_run_finishes_are_applied_by_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that saved them was killed before it touched a course."""
    outdate = type(lab.context.runs).outdate_index

    def saved(runs: object, **fields: object) -> object:
        monkeypatch.undo()
        lab.changes(target_group="sales")
        return outdate(runs, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(type(lab.context.runs), "outdate_index", saved)

    lab.sync()

    assert {one.labels.group for one in lab.context.courses.all()} == {"sales"}
    assert is_up_to_date(lab)


class TestWhatHasChanged:
    """An incremental run that knows for certain what it has changed amends the index; every other builds it anew."""

    def test_an_incremental_run_names_what_it_has_created_updated_restored_and_archived(self, lab: Lab) -> None:
        lab.sync()
        touched = lab.step_seen_by_the_clock(create=2, update=2, retire=1)
        lab.clock.goes_on(hours=1)

        run = lab.sync("incremental")

        assert run["mode"] == "incremental"
        assert lab.amended == frozenset(urn for urns in touched.values() for urn in urns)
        assert is_up_to_date(lab)
        restored = lab.step_seen_by_the_clock(restore=1)["restored"]
        lab.clock.goes_on(hours=1)
        lab.sync("incremental")
        assert lab.amended is not None
        assert restored
        assert lab.amended >= set(restored)

    def test_a_full_run_names_nothing(self, lab: Lab) -> None:
        lab.sync()

        assert lab.amended is None

    @pytest.mark.parametrize("doubt", ["an outdated index", "others changed courses"])
    def test_where_there_is_doubt_nothing_is_named(self, lab: Lab, monkeypatch: pytest.MonkeyPatch, doubt: str) -> None:
        lab.sync()
        lab.step_seen_by_the_clock(update=2)
        lab.clock.goes_on(hours=1)
        if doubt == "an outdated index":
            lab.context.runs.outdate_index()
        if doubt == "others changed courses":
            outdate = type(lab.context.runs).outdate_index
            monkeypatch.setattr(type(lab.context.runs), "outdate_index", lambda runs: (outdate(runs), outdate(runs))[1])
        indexed = lab.indexed

        run = lab.sync("incremental")

        assert (run["mode"], run["counts"]["updated"]) == ("incremental", 2)
        assert lab.indexed > indexed
        assert lab.amended is None

    def test_a_run_that_could_not_read_everything_names_nothing(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20, locales=("en_US", "de_DE"))
        lab.sync()
        lab.step_seen_by_the_clock(update=10)
        lab.clock.goes_on(hours=1)
        asked_in_planning, pages_of_the_first_list = 14, 2
        lab.world.quirks.switch_on("down", {"after": asked_in_planning + pages_of_the_first_list})

        run = lab.sync("incremental")

        assert run["mode"] == "incremental"
        assert 0 < run["counts"]["updated"] < 10
        assert lab.indexed == 2
        assert lab.amended is None
