"""Applying saved settings to a large catalogue, and beside another change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from catalog_builders import stored
from coursebridge.admin.consequences import SettingsChange
from coursebridge.catalog import settings_change
from coursebridge.catalog.settings_change import apply_settings
from coursebridge.catalog.sync.applying import Applier
from coursebridge.catalog.sync.tasks import TASKS

if TYPE_CHECKING:
    from catalog_lab import MakeLab
    from coursebridge.integrations.models import Integration


class Functions:
    """A Lambda client that only notes which functions are invoked."""

    def __init__(self) -> None:
        self.invoked: list[str] = []

    def invoke(self, **request: Any) -> None:
        self.invoked.append(request["FunctionName"])


def test_the_index_of_a_large_catalogue_is_left_to_the_background(
    monkeypatch: pytest.MonkeyPatch, make_lab: MakeLab
) -> None:
    monkeypatch.setattr("coursebridge.admin.consequences.MOST_INDEXED_AT_ONCE", 1)
    lab, functions = make_lab(size=4), Functions()
    lab.context.courses.restate([stored(urn="urn:1"), stored(urn="urn:2")])
    fake: Any = functions

    answer = SettingsChange(lab.table, lambda _id: lab.context, fake, "catalog", lambda: False).apply(lab.settings)

    assert answer["complete"] is False
    assert functions.invoked == ["catalog"]
    assert lab.indexed == 0
    assert settings_change.task(lab.context, {})
    assert lab.indexed == 1


def test_of_two_changes_at_once_the_later_one_holds(make_lab: MakeLab) -> None:
    lab = make_lab(size=4, status="inactive")
    lab.context.courses.restate([stored("archived", "deactivated", urn=f"urn:{number}") for number in range(3)])
    lab.changes(status="active")
    looks: list[Integration] = []

    def look() -> Integration:
        looks.append(lab.settings)
        if len(looks) == 1:
            lab.changes(status="inactive")
            settings_change.apply_settings(lab.context)
        return looks[-1]

    applied = settings_change.apply_settings(replace(lab.context, integration=look))

    assert (applied.counts["restored"], applied.counts["archived"]) == (3, 3)
    assert lab.active() == set()


@pytest.mark.parametrize("settings", [{"target_group": "new"}, {"tags_enabled": True}])
def test_settings_saved_during_a_run_that_dies_hold_after_the_next_one(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    lab = make_lab(size=150, locales=("en_US",), target_group="old")
    lab.sync()
    apply, pages = Applier.apply, list[int]()

    def after_saving(applier: Applier, elements: Any) -> None:
        if not pages:
            lab.changes(**settings)
            assert apply_settings(lab.context).complete
        pages.append(1)
        apply(applier, elements)

    run_id = lab.control.begin("full", "schedule").run["id"]
    lab.clock.goes_on(seconds=1)
    event = {"integration_id": "acme", "mode": "full", "run_id": run_id}
    with monkeypatch.context() as patch:
        patch.setattr(Applier, "apply", after_saving)
        for number in TASKS["plan"](lab.context, event)["ranges"]:
            TASKS["range"](lab.context, {**event, "number": number})
    TASKS["fail"](lab.context, {**event, "error": "States.Timeout"})

    assert lab.sync("incremental")["clean"]

    labels = {(stored.labels.group, stored.labels.tags_enabled) for stored in lab.context.courses.all()}
    assert labels == {(lab.settings.target_group, lab.settings.tags_enabled)}
