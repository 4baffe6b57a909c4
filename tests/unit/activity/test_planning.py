"""A run relies on what an earlier run read only if the settings were the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog_lab import integration
from coursebridge.activity import planning
from coursebridge.activity.planning import settings_digest
from coursebridge.activity.tasks import activity_sync

if TYPE_CHECKING:
    from activity_lab import Lab


@pytest.mark.parametrize(
    "settings",
    [
        {"learner_matching": "directory"},
        {"learner_identification": "username"},
        {"learner_identification": "external_id"},
        {"filters": {"asset_types": ["COURSE", "VIDEO"]}},
    ],
    ids=str,
)
def test_settings_that_decide_who_and_what_is_found_are_told_apart(settings: dict[str, Any]) -> None:
    assert settings_digest(integration(**settings)) != settings_digest(integration())


def test_no_other_setting_is_and_no_order() -> None:
    one = integration(filters={"asset_types": ["COURSE", "VIDEO"]})
    other = integration(
        name="Other", filters={"asset_types": ["VIDEO", "COURSE"], "languages": ["en"]}, archive_limit_percent=1
    )

    assert settings_digest(one) == settings_digest(other)


def test_a_plan_that_is_repeated_with_less_to_read_leaves_no_ranges_of_the_first(lab: Lab) -> None:
    lab.changes(filters={"asset_types": ["COURSE", "VIDEO"]})
    planned = activity_sync.plan(lab.context, {"mode": "full", "trigger": "schedule"})
    lab.changes(filters={"asset_types": ["COURSE"]})
    run = lab.context.runs.get(planned["run_id"])

    numbers = planning.lay_out(lab.context, run, lab.clock())

    assert len(numbers) == len(planned["ranges"]) // 2
    assert [known["number"] for known in lab.context.runs.ranges(run["id"])] == numbers


def test_what_was_read_while_strangers_were_held_is_read_again_when_they_are_added(lab: Lab) -> None:
    lab.changes(learner_matching="directory", activity={"lookback_days": 90})
    lab.did(1, (60, 40), (1, 80))
    lab.sync()
    assert lab.found("email", "learner1@example.com") is None

    lab.changes(learner_matching="open")
    run = lab.sync("incremental")

    learner = lab.found("email", "learner1@example.com")
    assert learner is not None
    assert run["mode"] == "full"
    assert [attempt.progress for attempt in lab.attempts(learner.id)] == [80]
    assert lab.attempts(learner.id)[0].reported_seconds_viewed == 120
