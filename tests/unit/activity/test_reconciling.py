"""One run over what LinkedIn reports, and what it makes of the records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activity_lab import COURSE, OTHER_COURSE, upstream
from coursebridge.clock import from_millis, rfc3339
from coursebridge.storage import keys

if TYPE_CHECKING:
    from activity_lab import Lab


def moment(millis: int | None) -> str:
    return rfc3339(from_millis(millis or 0))


def test_a_completion_nobody_told_of_is_added(lab: Lab) -> None:
    learner = lab.learner(1)
    activity = lab.did(1, (3, 40), (2, 100))
    lab.knows(learner.id, (activity.engagements[0].at, 40))

    run = lab.sync()

    (attempt,) = lab.attempts(learner.id)
    assert run["status"] == "succeeded", run
    assert (attempt.status, attempt.progress, attempt.source) == ("completed", 100, "report")
    assert attempt.completed_at == moment(activity.completed_at)
    assert attempt.started_at == moment(activity.engagements[0].at)
    assert attempt.reported_seconds_viewed == 120
    assert run["repairs"] == {"completions": 1, "progress": 0, "history": 0, "total": 1}
    assert run["drift_percent"] == 100


def test_lesser_progress_is_raised(lab: Lab) -> None:
    learner = lab.learner(1)
    activity = lab.did(1, (3, 20), (2, 60))
    lab.knows(learner.id, (activity.engagements[0].at, 20))

    run = lab.sync()

    (attempt,) = lab.attempts(learner.id)
    assert (attempt.status, attempt.progress, attempt.source) == ("in_progress", 60, "xapi")
    assert run["repairs"]["progress"] == run["repairs"]["total"] == 1


def test_progress_never_falls(lab: Lab) -> None:
    learner = lab.learner(1)
    activity = lab.did(1, (3, 20))
    lab.knows(learner.id, (activity.engagements[0].at, 75))

    run = lab.sync()

    assert lab.attempts(learner.id)[0].progress == 75
    assert run["repairs"]["total"] == 0
    assert run["drift_percent"] == 0


def test_what_statements_told_is_confirmed_with_the_seconds_viewed(lab: Lab) -> None:
    learner = lab.learner(1)
    activity = lab.did(1, (2, 100))
    lab.knows(learner.id, (activity.engagements[0].at, 100))

    run = lab.sync()

    (attempt,) = lab.attempts(learner.id)
    assert (attempt.source, attempt.time_spent_seconds, attempt.reported_seconds_viewed) == ("xapi", 3600, 60)
    assert run["counts"]["updated"] == 1
    assert run["repairs"]["total"] == 0


def test_a_second_run_writes_nothing(lab: Lab) -> None:
    for number in range(3):
        lab.learner(number)
        lab.did(number, (20, 30), (2, 100))
    lab.sync()
    before = [lab.table.get(key) for key in _records(lab)]

    run = lab.sync()

    assert run["counts"]["unchanged"] == run["counts"]["read"] == 3
    assert [lab.table.get(key) for key in _records(lab)] == before
    assert run["repairs"]["total"] == 0


def test_seconds_add_up_over_windows_and_are_counted_once_however_often_they_are_read(lab: Lab) -> None:
    lab.changes(activity={"lookback_days": 90})
    learner = lab.learner(1)
    lab.did(1, (80, 10), (50, 20), (20, 30), (1, 40))

    for _ in range(3):
        lab.sync()

    assert lab.attempts(learner.id)[0].reported_seconds_viewed == 240


def test_history_from_before_the_push_is_filled_and_is_no_drift(lab: Lab) -> None:
    lab.changes(statistics_since=from_millis(lab.ago(5)))
    learner = lab.learner(1)
    lab.did(1, (10, 100))

    run = lab.sync()

    assert lab.attempts(learner.id)[0].status == "completed"
    assert run["repairs"] == {"completions": 1, "progress": 0, "history": 1, "total": 1}
    assert run["drift_percent"] == 0


def test_counts_add_up(lab: Lab) -> None:
    lab.changes(learner_matching="directory")
    lab.learner(1)
    lab.did(1, (1, 50))
    lab.did(1, (1, 50), urn=OTHER_COURSE)
    lab.did(2, (1, 50))

    counts = lab.sync()["counts"]

    assert counts["read"] == sum(value for name, value in counts.items() if name != "read") == 3
    assert (counts["created"], counts["ignored"]) == (1, 2)


def test_what_is_reported_of_a_course_that_comes_later_is_read_again(lab: Lab) -> None:
    lab.changes(activity={"lookback_days": 90})
    learner = lab.learner(1)
    lab.did(1, (70, 100), urn=OTHER_COURSE)
    first = lab.sync("incremental")
    lab.sync("incremental")
    lab.course(OTHER_COURSE)

    run = lab.sync("incremental")

    assert first["not_repaired"]["course_unknown"] == 1
    assert lab.attempts(learner.id, OTHER_COURSE)[0].status == "completed"
    assert run["repairs"]["completions"] == 1
    assert run["mode"] == "incremental"
    assert run["windows"] < first["windows"]


def test_what_is_reported_of_somebody_who_comes_later_is_read_again(lab: Lab) -> None:
    lab.changes(activity={"lookback_days": 90}, learner_matching="directory")
    lab.did(1, (70, 100))
    first = lab.sync("incremental")
    lab.sync("incremental")
    learner = lab.learner(1, profile_urn=upstream(1).profile_urn)

    run = lab.sync("incremental")

    assert first["people"]["unknown"] == 1
    assert first["unknown_learners"] == [{"type": "profile_urn", "value": upstream(1).profile_urn}]
    assert lab.context.runs.get(first["id"])["unknown_learners"] == []
    assert lab.attempts(learner.id)[0].status == "completed"
    assert run["repairs"]["completions"] == 1


def test_a_later_completion_changes_no_record_and_is_noted_once(lab: Lab) -> None:
    learner = lab.learner(1)
    activity = lab.did(1, (10, 100))
    lab.sync()
    before = lab.attempts(learner.id)
    again = lab.did(1, (2, 100))

    first, second = lab.sync(), lab.sync()

    note = lab.table.get(_reengagement(learner.id))
    assert lab.attempts(learner.id)[0].completed_at == before[0].completed_at == moment(activity.engagements[0].at)
    assert note is not None
    assert note["completed_at"] == moment(again.completed_at)
    assert (first["reengaged"], second["reengaged"]) == (1, 0)


def test_nothing_of_what_was_read_stays_behind(lab: Lab) -> None:
    lab.learner(1)
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.objects() == [f"runs/acme/{run['id']}/waiting"]


def _records(lab: Lab) -> list[keys.Key]:
    return [keys.record("acme", f"learner-{number}", COURSE) for number in range(3)]


def _reengagement(learner_id: str) -> keys.Key:
    return keys.reengagement("acme", learner_id, COURSE)
