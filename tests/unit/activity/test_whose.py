"""Reported activity is recorded for whom its identifiers mean when it is recorded, not when people were matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from activity_lab import PSEUDONYM_KEY, upstream
from coursebridge.activity.recording import Recorder
from coursebridge.activity.tasks import TASKS
from coursebridge.errors import Unavailable
from coursebridge.people import aliases
from coursebridge.people.merging import Merging
from state_machine import StateMachine

if TYPE_CHECKING:
    from collections.abc import Callable

    from activity_lab import Lab
    from coursebridge.storage.learners import Learner

URN = upstream(1).profile_urn


def sync_with(lab: Lab, happens: Callable[[], object]) -> None:
    """Run a sync during which something happens after people were matched and before any row is recorded."""
    machine = StateMachine(TASKS, lab.context)
    task, happened = machine.task, list[object]()

    def followed(name: str, arguments: dict[str, Any]) -> Any:
        result = task(name, arguments)
        if name == "settle" and result["ranges"] and not happened:
            happened.append(happens())
        return result

    machine.task = followed  # type: ignore[method-assign]
    machine.run({"integration_id": "acme", "mode": "full", "trigger": "test"})
    assert happened


def give(lab: Lab, learner: Learner) -> None:
    """Assign LinkedIn's identifier of the first person to a learner, as an admin would."""
    aliases.assign(lab.table, "acme", "profile_urn", URN, learner.id, lab.clock(), PSEUDONYM_KEY)


def completed(lab: Lab, learner: Learner) -> list[str]:
    return [attempt.status for attempt in lab.attempts(learner.id)]


@pytest.fixture
def two(real_lab: Lab) -> tuple[Learner, Learner]:
    """The learner who has LinkedIn's identifier by mistake, and the one it belongs to."""
    real_lab.did(1, (2, 100))
    return real_lab.learner(1, profile_urn=URN), real_lab.learner(2)


def test_an_identifier_that_is_reassigned_during_a_run_counts_for_its_new_learner(
    real_lab: Lab, two: tuple[Learner, Learner]
) -> None:
    wrong, right = two

    sync_with(real_lab, lambda: give(real_lab, right))
    real_lab.sync("full")

    assert (completed(real_lab, wrong), completed(real_lab, right)) == ([], ["completed"])


def test_a_run_that_is_redriven_days_later_knows_of_an_identifier_reassigned_meanwhile(
    real_lab: Lab, two: tuple[Learner, Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = two

    def busy(*_: Any) -> Any:
        raise Unavailable("the table is busy, try again")

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "record", busy)
        run = real_lab.sync("full")
    assert run["status"] == "failed"
    real_lab.clock.goes_on(days=5)
    give(real_lab, right)
    real_lab.control.redrive(run["id"])

    assert real_lab.sync("full", run_id=run["id"])["status"] == "succeeded"

    assert completed(real_lab, wrong) == []
    real_lab.sync("full")
    assert (completed(real_lab, wrong), completed(real_lab, right)) == ([], ["completed"])


@pytest.fixture
def merged(real_lab: Lab) -> tuple[Learner, Learner]:
    """Two learners who were merged: who stays, and who was merged into them."""
    survivor, other = real_lab.learner(1), real_lab.learner(2)
    Merging(real_lab.table, "acme", real_lab.clock).merge(survivor.id, other.id)
    return survivor, other


def test_people_who_are_parted_during_a_run_keep_what_is_theirs(real_lab: Lab, merged: tuple[Learner, Learner]) -> None:
    survivor, other = merged
    real_lab.did(2, (2, 100))

    sync_with(real_lab, lambda: Merging(real_lab.table, "acme", real_lab.clock).part(other.id))
    real_lab.sync("full")

    assert (completed(real_lab, survivor), completed(real_lab, other)) == ([], ["completed"])


def test_reports_of_two_merged_people_go_with_each_of_them_when_they_are_parted(
    real_lab: Lab, merged: tuple[Learner, Learner]
) -> None:
    _, other = merged
    real_lab.did(1, (2, 100))
    real_lab.did(2, (2, 20))
    run = real_lab.sync("full")
    assert run["counts"]["read"] == run["counts"]["created"] == 1

    Merging(real_lab.table, "acme", real_lab.clock).part(other.id)

    told = [[(one.status, one.progress) for one in real_lab.attempts(who.id)] for who in merged]
    assert told == [[("completed", 100)], [("in_progress", 20)]]


def test_a_person_whom_the_same_run_links_to_their_learner_is_recorded_at_once(real_lab: Lab) -> None:
    survivor, other = real_lab.learner(1), real_lab.learner(2)
    Merging(real_lab.table, "acme", real_lab.clock).merge(survivor.id, other.id)
    real_lab.did(1, (2, 40))
    real_lab.did(2, (2, 30))

    run = real_lab.sync("full")

    assert run["people"]["linked"] == 2
    assert run["counts"]["ignored"] == 0
    assert [one.progress for one in real_lab.attempts(survivor.id)] == [40]
