"""Full syncs of a catalogue without quirks."""

import pytest

from catalog_lab import MakeLab
from coursebridge.catalog import indexing
from coursebridge.catalog.search.publishing import FORM
from coursebridge.catalog.settings_change import apply_settings

NONE_CHANGED = {"created": 0, "updated": 0, "archived": 0, "restored": 0, "failed": 0}


def adds_up(counts: dict[str, int]) -> bool:
    return counts["read"] == sum(number for name, number in counts.items() if name != "read")


def test_every_licensed_course_comes_in_and_the_counts_add_up(make_lab: MakeLab) -> None:
    lab = make_lab(size=130)

    run = lab.sync()

    assert run["status"] == "succeeded"
    assert run["clean"]
    assert lab.active() == lab.truth()
    assert run["counts"]["created"] == 130
    assert adds_up(run["counts"])
    assert run["progress"]["done"] == run["progress"]["total"] > 0


def test_a_retired_course_that_was_never_here_is_ignored(make_lab: MakeLab) -> None:
    lab = make_lab(size=96)
    retired = lab.truth(retired=True)

    run = lab.sync()

    assert retired
    assert run["counts"]["ignored"] == len(retired)
    assert lab.context.courses.get_many(retired) == {}


def test_an_unchanged_catalogue_writes_no_course_and_no_classification(make_lab: MakeLab) -> None:
    lab = make_lab(size=60)
    lab.sync()
    lab.table.writes.clear()
    indexed = lab.indexed

    run = lab.sync()

    assert {name: run["counts"][name] for name in NONE_CHANGED} == NONE_CHANGED
    assert run["counts"]["unchanged"] == 60
    assert not lab.table.writes.keys() & {"course", "course_detail", "course_bundle", "classification"}
    assert lab.indexed == indexed


def test_an_index_of_an_earlier_version_is_made_anew_though_nothing_changed(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = make_lab(size=3)
    lab.sync()
    indexed = lab.indexed
    monkeypatch.setattr(indexing, "FORM", FORM + 1)

    lab.sync("incremental")
    lab.sync("incremental")

    assert lab.indexed == indexed + 1


def test_an_index_that_was_lost_is_made_anew_though_nothing_changed(make_lab: MakeLab) -> None:
    lab = make_lab(size=3)
    lab.sync()
    indexed = lab.indexed
    lab.published = None

    lab.sync("incremental")
    lab.sync("incremental")

    assert lab.indexed == indexed + 1


def test_only_what_really_changed_is_updated(make_lab: MakeLab) -> None:
    lab = make_lab(size=60)
    lab.sync()
    touched = lab.step(update=3)
    lab.table.writes.clear()

    run = lab.sync()

    assert run["counts"]["updated"] == 3
    assert run["counts"]["unchanged"] == 57
    assert lab.table.writes["course"] == lab.table.writes["course_detail"] == 3
    assert lab.table.writes["course_bundle"] == 0
    assert set(touched["updated"]) == {stored.urn for stored in lab.context.courses.all() if stored.run_id == run["id"]}


def test_what_linkedin_sent_is_kept_word_for_word(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    lab.sync()
    lab.step(update=2)
    lab.sync()

    catalogue, courses = lab.world.catalogue, lab.context.courses
    kept = {stored.urn: courses.element(stored) for stored in courses.all()}
    assert len(kept) >= 4
    assert kept == {urn: catalogue.element(catalogue.find(urn) or 0) for urn in kept}


def test_the_elements_of_new_courses_share_items(make_lab: MakeLab) -> None:
    lab = make_lab(size=60)

    lab.sync()

    assert lab.table.writes["course"] == 60
    assert 0 < lab.table.writes["course_bundle"] < 60 / 10
    assert lab.table.writes["course_detail"] == 0


def test_a_course_whose_status_changes_keeps_its_element(make_lab: MakeLab) -> None:
    lab = make_lab(size=12)
    lab.sync()
    before = {stored.urn: lab.context.courses.element(stored) for stored in lab.context.courses.all()}

    for settings in ({"status": "inactive"}, {"status": "active", "target_group": "sales"}):
        lab.changes(**settings)
        apply_settings(lab.context)

    after = list(lab.context.courses.all())
    assert {stored.labels.group for stored in after} == {"sales"}
    assert {stored.urn: lab.context.courses.element(stored) for stored in after} == before


def test_a_small_item_stays_small(make_lab: MakeLab) -> None:
    lab = make_lab(size=24)
    lab.sync()

    for stored in lab.context.courses.all():
        assert len(stored.body) < 3000
        assert "contents" not in stored.course


def test_learning_paths_and_videos_come_in_when_asked_for(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, filters={"asset_types": ["COURSE", "LEARNING_PATH", "VIDEO"]})

    lab.sync()

    assert lab.active() == lab.truth("COURSE", "LEARNING_PATH", "VIDEO")
    assert lab.truth("VIDEO")


def test_the_languages_asked_for_are_the_only_ones_read(make_lab: MakeLab) -> None:
    lab = make_lab(size=40, locales=("en_US", "de_DE", "fr_FR"), filters={"languages": ["de", "fr_FR"]})

    lab.sync()

    assert {stored.course["locale"] for stored in lab.context.courses.all()} == {"de_DE", "fr_FR"}


def test_a_language_nobody_knows_of_is_read_as_well(make_lab: MakeLab) -> None:
    lab = make_lab(size=12)
    [element] = [lab.world.catalogue.element(asset) for asset in list(lab.world.catalogue.handles())[:1]]
    locale = {"language": "sv", "country": "SE"}
    stranger = element | {"urn": "urn:li:lyndaCourse:777", "title": {"value": "Svenska", "locale": locale}}
    lab.world.catalogue.put(stranger)

    lab.sync()

    assert "urn:li:lyndaCourse:777" in lab.active()


def test_an_included_urn_comes_in_whatever_the_filters_say(make_lab: MakeLab) -> None:
    lab = make_lab(size=24)
    [wanted] = sorted(lab.truth("LEARNING_PATH"))[:1]
    lab.changes(filters={"languages": ["fr"], "include_urns": [wanted, "urn:li:lyndaCourse:1"]})

    run = lab.sync()

    assert lab.active() == {wanted}
    assert run["clean"]


def test_a_retired_course_that_is_named_or_that_a_statement_waits_for_comes_in_archived(make_lab: MakeLab) -> None:
    lab = make_lab(size=60, locales=("en_US",))
    lab.step(retire=3)
    named, awaited, other = sorted(lab.truth(retired=True))[:3]
    lab.changes(filters={"include_urns": [named]})
    lab.awaited = {awaited}

    run = lab.sync()

    kept = {stored.urn: stored.archived_reason for stored in lab.context.courses.all() if not stored.is_active}
    assert kept == {named: "retired", awaited: "retired"}
    assert other not in kept
    assert run["counts"]["created"] == len(lab.active()) + 2
    assert run["counts"]["read"] == sum(number for name, number in run["counts"].items() if name != "read")
    assert lab.sync()["counts"]["unchanged"] == run["counts"]["created"]


def test_a_course_the_filters_leave_out_comes_in_archived_where_a_statement_waits_for_it(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, locales=("en_US",))
    awaited = min(lab.truth())
    lab.changes(filters={"exclude_urns": [awaited]})
    lab.awaited = {awaited}

    lab.sync()

    assert {one.urn: one.archived_reason for one in lab.context.courses.all() if not one.is_active} == {
        awaited: "filtered"
    }


def test_classifications_of_the_finders_and_of_the_assets_make_one_graph(make_lab: MakeLab) -> None:
    lab = make_lab(size=40)

    lab.sync()

    known = {item["urn"]: item for item in lab.context.classifications.all()}
    types = {item["type"] for item in known.values()}
    assert {"LIBRARY", "SUBJECT", "TOPIC", "SKILL"} <= types
    assert any(len(item["parents"]) > 1 for item in known.values() if item["type"] == "TOPIC")
    assert any({"en_US", "de_DE"} <= set(item["names"]) for item in known.values())


def test_a_classification_that_was_renamed_is_called_as_linkedin_lists_it(make_lab: MakeLab) -> None:
    lab = make_lab(size=20)
    lab.sync()
    store = lab.context.classifications
    before = {item["urn"]: item for item in store.all()}
    renamed = next(item for item in before.values() if item["type"] == "SUBJECT")
    store.put({**renamed, "names": dict.fromkeys(renamed["names"], "Its former name")})

    lab.sync()

    assert {item["urn"]: item["names"] for item in store.all()} == {urn: item["names"] for urn, item in before.items()}


def test_a_second_run_is_not_begun_while_one_is_under_way(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    first = lab.control.begin("full", "admin").run

    assert not lab.control.begin("full", "admin").is_new
    assert lab.control.begin("full", "admin").run["id"] == first["id"]
    assert lab.sync() == {}


def test_an_inactive_integration_is_not_synced(make_lab: MakeLab) -> None:
    lab = make_lab(size=4, status="inactive")

    assert lab.sync() == {}
    assert lab.calls() == 0


def test_group_and_author_of_the_settings_are_on_every_course(make_lab: MakeLab) -> None:
    lab = make_lab(size=4, target_group="sales", author_email="author@example.com")

    lab.sync()

    assert {(one.labels.group, one.labels.author_email) for one in lab.context.courses.all()} == {
        ("sales", "author@example.com")
    }
