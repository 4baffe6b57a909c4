"""Saved settings take effect on the courses at once, or in the background when there are too many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import catalog_builders
from catalog_builders import LIBRARY, SUBJECT, TOPIC
from coursebridge.admin import wiring
from coursebridge.catalog import settings_change
from coursebridge.catalog import wiring as catalog
from coursebridge.catalog.classification_graph import merge_nodes
from coursebridge.catalog.classifications import Node, merged
from coursebridge.catalog.search.publishing import FORM
from coursebridge.errors import PreconditionFailed
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.runs import STALE, RunStore

if TYPE_CHECKING:
    from unit.admin.conftest import Api

LOCALES = ["en_US", "en_US", "de_DE"]


@pytest.fixture
def integration_id(api: Api) -> str:
    """An integration with two English courses and a German one."""
    made: str = api.integration()["id"]
    CourseStore(api.table, made).restate(
        [
            replace(catalog_builders.stored(urn=f"urn:li:lyndaCourse:{n}", locale=locale), integration_id=made)
            for n, locale in enumerate(LOCALES)
        ]
    )
    return made


def statuses(api: Api, integration_id: str) -> list[tuple[str, str | None]]:
    """Return the status and the archive reason of each course, ordered by URN."""
    courses = sorted(CourseStore(api.table, integration_id).all(), key=lambda one: one.urn)
    return [(one.status, one.archived_reason) for one in courses]


ACTIVE, FILTERED, DEACTIVATED = ("active", None), ("archived", "filtered"), ("archived", "deactivated")


def test_a_preview_counts_and_names_and_changes_nothing(api: Api, integration_id: str) -> None:
    told = api.ask("POST", f"/admin/integrations/{integration_id}/filters/preview", {"languages": ["de"]})

    assert (told["archived"], told["restored"], told["kept"]) == (2, 0, 1)
    assert {one["urn"] for one in told["samples"]["archived"]} == {"urn:li:lyndaCourse:0", "urn:li:lyndaCourse:1"}
    assert statuses(api, integration_id) == [ACTIVE] * 3
    assert api.ask("GET", f"/admin/integrations/{integration_id}")["filters"]["languages"] == []


def test_saved_filters_archive_at_once_and_restore_again(api: Api, integration_id: str) -> None:
    path = f"/admin/integrations/{integration_id}/filters"

    saved = api.ask("PUT", path, {"languages": ["de"]})
    assert saved["applied"] == {"archived": 2, "restored": 0, "complete": True}
    assert saved["filters"]["languages"] == ["de"]
    assert statuses(api, integration_id) == [FILTERED, FILTERED, ACTIVE]
    assert api.ask("PUT", path, {"languages": ["en"]})["applied"]["restored"] == 2
    assert statuses(api, integration_id) == [ACTIVE, ACTIVE, FILTERED]


def test_filters_of_a_stale_version_are_refused(api: Api, integration_id: str) -> None:
    path = f"/admin/integrations/{integration_id}/filters"

    assert api.send("PUT", path, {}, headers={"If-Match": "0"}).status == 412


@pytest.mark.parametrize("call", ["activate", "deactivate"])
def test_switching_a_stale_version_is_refused(api: Api, integration_id: str, call: str) -> None:
    path = f"/admin/integrations/{integration_id}"
    etag = api.ask("GET", path)["etag"]

    assert api.send("POST", f"{path}/{call}", headers={"If-Match": "0"}).status == 412
    assert api.ask("GET", path)["etag"] == etag
    assert statuses(api, integration_id) == [ACTIVE] * 3
    assert api.send("POST", f"{path}/{call}", headers={"If-Match": etag}).status == 200


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, []),
        ({"languages": ["de"]}, []),
        ({"licensed_only": False}, [("licensed_only", "bring")]),
        ({"curated_videos_only": True}, [("curated_videos_only", "archive")]),
        (
            {"licensed_only": False, "curated_videos_only": True},
            [("licensed_only", "bring"), ("curated_videos_only", "archive")],
        ),
    ],
)
def test_what_linkedin_alone_knows_is_said_to_wait_for_the_next_syncs(
    api: Api, integration_id: str, filters: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    path = f"/admin/integrations/{integration_id}/filters"
    RunStore(api.table, integration_id, "catalog").remember(watermark="2026-01-01T00:00:00.000Z")
    reverse = {"archive": "bring", "bring": "archive"}

    previewed = api.ask("POST", f"{path}/preview", filters)["notes"]
    saved = api.ask("PUT", path, filters)["notes"]
    again = api.ask("PUT", path, filters)["notes"]
    back = api.ask("POST", f"{path}/preview", {})["notes"]

    assert previewed == saved
    assert [_setting_and_effect(note) for note in saved] == told
    assert again == []
    of_settings = [_setting_and_effect(note) for note in back if not note.startswith("The filters are wider")]
    assert of_settings == [(setting, reverse[effect]) for setting, effect in told]


WIDER = ["The filters are wider: courses that match but are not here yet come with the next sync, which is full."]


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        ({}, {"asset_types": ["COURSE", "VIDEO"]}, WIDER),
        ({"languages": ["en"]}, {"languages": ["en", "de"]}, WIDER),
        ({}, {"languages": ["en"]}, []),
        ({"classifications": [LIBRARY]}, {"classifications": [TOPIC]}, []),
        ({"classifications": [TOPIC]}, {"classifications": [LIBRARY]}, WIDER),
    ],
)
def test_filters_that_may_bring_more_say_that_it_comes_with_the_next_sync(
    api: Api, integration_id: str, before: dict[str, Any], after: dict[str, Any], notes: list[str]
) -> None:
    path = f"/admin/integrations/{integration_id}/filters"
    RunStore(api.table, integration_id, "catalog").remember(watermark="2026-01-01T00:00:00.000Z")
    graph = merged([Node(TOPIC, "TOPIC", parents={SUBJECT}), Node(SUBJECT, "SUBJECT", parents={LIBRARY})])
    merge_nodes(ClassificationStore(api.table, integration_id), graph)
    api.ask("PUT", path, before)

    assert api.ask("POST", f"{path}/preview", after)["notes"] == notes
    assert api.ask("PUT", path, after)["notes"] == notes


def test_before_the_first_sync_everything_is_said_to_come_with_it(api: Api, integration_id: str) -> None:
    path = f"/admin/integrations/{integration_id}/filters"

    [note] = api.ask("POST", f"{path}/preview", {"languages": ["de"]})["notes"]

    assert note.startswith("Nothing has been synced completely yet")
    assert api.ask("PUT", path, {"languages": ["de"]})["notes"] == [note]


def test_a_patch_that_changes_filters_says_what_is_left_to_syncs(api: Api, integration_id: str) -> None:
    path = f"/admin/integrations/{integration_id}"
    RunStore(api.table, integration_id, "catalog").remember(watermark="2026-01-01T00:00:00.000Z")
    wider = {"filters": {"asset_types": ["COURSE", "VIDEO"]}}

    assert api.ask("PATCH", path, wider)["notes"] == WIDER
    assert api.ask("PATCH", path, wider)["notes"] == []
    assert api.ask("PATCH", path, {"filters": {"languages": ["de"]}})["notes"] == []


def test_a_patch_of_other_settings_says_nothing_of_syncs(api: Api, integration_id: str) -> None:
    assert api.ask("PATCH", f"/admin/integrations/{integration_id}", {"target_group": "Sales"})["notes"] == []


def _setting_and_effect(note: str) -> tuple[str, str]:
    return note.partition(":")[0], note.partition("next full syncs ")[2].partition(" ")[0]


def test_a_patch_of_the_filters_is_as_good(api: Api, integration_id: str) -> None:
    api.ask("PATCH", f"/admin/integrations/{integration_id}", {"filters": {"languages": ["de"]}})

    assert statuses(api, integration_id) == [FILTERED, FILTERED, ACTIVE]


@pytest.mark.parametrize("by_patch", [True, False])
def test_deactivating_archives_every_course_and_activating_restores_them(
    api: Api, integration_id: str, by_patch: bool
) -> None:
    def switch(status: str, call: str) -> Any:
        path = f"/admin/integrations/{integration_id}"
        return api.ask("PATCH", path, {"status": status}) if by_patch else api.ask("POST", f"{path}/{call}")

    api.ask("PUT", f"/admin/integrations/{integration_id}/filters", {"languages": ["en"]})
    assert switch("inactive", "deactivate")["status"] == "inactive"
    assert statuses(api, integration_id) == [DEACTIVATED, DEACTIVATED, FILTERED]
    assert switch("active", "activate")["status"] == "active"
    assert statuses(api, integration_id) == [ACTIVE, ACTIVE, FILTERED]


def test_what_there_is_no_time_for_is_left_to_the_background(
    api: Api, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coursebridge.admin.wiring.TIME_TO_ANSWER_MILLIS", 60_000)

    saved = api.ask("PUT", f"/admin/integrations/{integration_id}/filters", {"languages": ["de"]})

    assert saved["applied"]["complete"] is False
    assert api.functions.asked == [("catalog-sync", {"task": "conform", "integration_id": integration_id})]
    assert RunStore(api.table, integration_id, "catalog").state()["index_form"] == STALE
    settings_change.task(catalog.context(integration_id), {})
    assert statuses(api, integration_id) == [FILTERED, FILTERED, ACTIVE]
    assert RunStore(api.table, integration_id, "catalog").state()["index_form"] == FORM


def test_a_change_that_meets_another_one_is_made_on_top_of_it(
    api: Api, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = IntegrationStore.replace
    met: list[Any] = []

    def meet(self: IntegrationStore, before: Any, after: Any) -> Any:
        if not met:
            met.append(theirs(self, before, before.model_copy(update={"description": "theirs"})))
        return theirs(self, before, after)

    monkeypatch.setattr(IntegrationStore, "replace", meet)
    changed = api.ask("PATCH", f"/admin/integrations/{integration_id}", {"name": "mine"})

    assert (changed["name"], changed["description"]) == ("mine", "theirs")


def test_a_change_back_to_what_was_there_takes_effect_though_another_came_between(
    api: Api, integration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, get = f"/admin/integrations/{integration_id}", IntegrationStore.get
    others: list[Any] = [{"filters": {"languages": ["de"]}}]

    def meet(self: IntegrationStore, wanted: str) -> Any:
        found = get(self, wanted)
        if others:
            wiring.integrations("another").patch(integration_id, others.pop())
            settings_change.apply_settings(catalog.context(integration_id))
        return found

    monkeypatch.setattr(IntegrationStore, "get", meet)
    changed = api.ask("PATCH", path, {"filters": {"languages": []}})

    assert changed["filters"]["languages"] == []
    assert statuses(api, integration_id) == [ACTIVE] * 3


@pytest.mark.parametrize(("headers", "status"), [({"If-Match": "1"}, 412), ({}, 409)])
def test_a_change_that_keeps_meeting_others_is_given_up(
    api: Api, integration_id: str, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    def always(*_arguments: Any) -> None:
        raise PreconditionFailed("it was changed meanwhile")

    monkeypatch.setattr(IntegrationStore, "replace", always)

    answer = api.send("PATCH", f"/admin/integrations/{integration_id}", {"name": "mine"}, headers=headers)
    assert answer.status == status
