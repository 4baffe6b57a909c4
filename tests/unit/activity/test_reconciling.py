"""How a run reconciles the records with what LinkedIn reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from activity_lab import BUCKET, COURSE, DURATION, OTHER_COURSE, upstream
from coursebridge.activity import reconcile, recording
from coursebridge.activity.mapper import Person, ReportedActivity
from coursebridge.clock import from_millis, rfc3339
from coursebridge.errors import TooLarge
from coursebridge.people.merging import Merging
from coursebridge.records.evidence import Completion, Evidence, Point, Report, union
from coursebridge.records.identifiers import Kind, normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.record_store import RecordStore
from coursebridge.storage.records import Record
from coursebridge.storage.table import Table
from coursebridge.storage.unplaced_people import UnplacedPeopleStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from activity_lab import Lab


def moment(millis: int | None) -> str:
    return rfc3339(from_millis(millis or 0))


def test_a_completion_nobody_told_of_is_added(real_lab: Lab) -> None:
    learner = real_lab.learner(1)
    activity = real_lab.did(1, (3, 40), (2, 100))
    real_lab.knows(learner.id, (activity.engagements[0].at, 40))

    run = real_lab.sync()

    (attempt,) = real_lab.attempts(learner.id)
    assert run["status"] == "succeeded", run
    assert (attempt.status, attempt.progress, attempt.source) == ("completed", 100, "report")
    assert attempt.completed_at == moment(activity.completed_at)
    assert attempt.started_at == moment(activity.engagements[0].at)
    assert attempt.reported_seconds_viewed == 120
    assert run["repairs"] == {"completions": 1, "progress": 0, "history": 0, "total": 1}
    assert run["drift_percent"] == 100


def test_lesser_progress_is_raised(real_lab: Lab) -> None:
    learner = real_lab.learner(1)
    activity = real_lab.did(1, (3, 20), (2, 60))
    real_lab.knows(learner.id, (activity.engagements[0].at, 20))

    run = real_lab.sync()

    (attempt,) = real_lab.attempts(learner.id)
    assert (attempt.status, attempt.progress, attempt.source) == ("in_progress", 60, "xapi")
    assert run["repairs"]["progress"] == run["repairs"]["total"] == 1


def test_a_completion_from_before_a_launch_turns_the_statement_that_counted_for_the_first_attempt(
    real_lab: Lab,
) -> None:
    learner = real_lab.learner(1)
    real_lab.did(1, (9, 100))
    launch, completion = moment(real_lab.ago(5)), moment(real_lab.ago(3))
    evidence = Evidence(launches=frozenset({launch}), completions={"s1": Completion(completion)})
    record = Record("acme", learner.id, COURSE).with_evidence(learner.id, evidence, 3600)
    real_lab.table.put(record.to_item(completion))
    statement = keys.statement("acme", "s1")
    outcome = {"outcome": "applied", "reason": None, "attempt_id": record.attempts[0].id, "statement_id": "s1"}
    real_lab.table.put({**statement.item(), **outcome})

    real_lab.sync()

    first, second = real_lab.attempts(learner.id)
    turned = real_lab.table.get(statement)
    assert (first.source, first.completion_statement_id) == ("report", None)
    assert (second.source, second.completion_statement_id) == ("xapi", "s1")
    assert turned is not None
    assert turned["attempt_id"] == second.id


def test_progress_never_falls(real_lab: Lab) -> None:
    learner = real_lab.learner(1)
    activity = real_lab.did(1, (3, 20))
    real_lab.knows(learner.id, (activity.engagements[0].at, 75))

    run = real_lab.sync()

    assert real_lab.attempts(learner.id)[0].progress == 75
    assert run["repairs"]["total"] == 0
    assert run["drift_percent"] == 0


def test_what_statements_told_is_confirmed_with_the_seconds_viewed(real_lab: Lab) -> None:
    learner = real_lab.learner(1)
    activity = real_lab.did(1, (2, 100))
    real_lab.knows(learner.id, (activity.engagements[0].at, 100))

    run = real_lab.sync()

    (attempt,) = real_lab.attempts(learner.id)
    assert (attempt.source, attempt.time_spent_seconds, attempt.reported_seconds_viewed) == ("xapi", 3600, 60)
    assert run["counts"]["updated"] == 1
    assert run["repairs"]["total"] == 0


def test_a_completion_from_a_report_took_the_courses_time_and_one_that_goes_on_none_yet(real_lab: Lab) -> None:
    done, going_on = real_lab.learner(1), real_lab.learner(2)
    real_lab.did(1, (3, 40), (2, 100))
    real_lab.did(2, (3, 40), (2, 60), (1, 80))

    real_lab.sync()

    times = [
        (one.source, one.time_spent_seconds, one.reported_seconds_viewed, one.statement_duration_seconds)
        for learner in (done, going_on)
        for one in real_lab.attempts(learner.id)
    ]
    assert times == [("report", DURATION, 120, None), ("report", None, 180, None)]


def test_a_second_run_writes_nothing(real_lab: Lab) -> None:
    for number in range(3):
        real_lab.learner(number)
        real_lab.did(number, (20, 30), (2, 100))
    real_lab.sync()
    before = [real_lab.table.get(key) for key in _records(real_lab)]

    run = real_lab.sync()

    assert run["counts"]["unchanged"] == run["counts"]["read"] == 3
    assert [real_lab.table.get(key) for key in _records(real_lab)] == before
    assert run["repairs"]["total"] == 0


def test_seconds_add_up_over_windows_and_are_counted_once_however_often_they_are_read(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    learner = real_lab.learner(1)
    real_lab.did(1, (80, 10), (50, 20), (20, 30), (1, 40))

    for _ in range(3):
        real_lab.sync()

    assert real_lab.attempts(learner.id)[0].reported_seconds_viewed == 240


def test_history_from_before_the_push_is_filled_and_is_no_drift(real_lab: Lab) -> None:
    real_lab.changes(statistics_since=from_millis(real_lab.ago(5)))
    learner = real_lab.learner(1)
    real_lab.did(1, (10, 100))

    run = real_lab.sync()

    assert real_lab.attempts(learner.id)[0].status == "completed"
    assert run["repairs"] == {"completions": 1, "progress": 0, "history": 1, "total": 1}
    assert run["drift_percent"] == 0


def test_counts_add_up(real_lab: Lab) -> None:
    real_lab.changes(learner_matching="directory")
    real_lab.learner(1)
    real_lab.did(1, (1, 50))
    real_lab.did(1, (1, 50), urn=OTHER_COURSE)
    real_lab.did(2, (1, 50))

    counts = real_lab.sync()["counts"]

    assert counts["read"] == sum(value for name, value in counts.items() if name != "read") == 3
    assert (counts["created"], counts["ignored"]) == (1, 2)


def test_what_is_reported_of_a_course_that_comes_later_is_read_again(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    learner = real_lab.learner(1)
    real_lab.did(1, (70, 100), urn=OTHER_COURSE)
    first = real_lab.sync("incremental")
    real_lab.sync("incremental")
    real_lab.course(OTHER_COURSE)

    run = real_lab.sync("incremental")

    assert first["not_repaired"]["course_unknown"] == 1
    assert real_lab.attempts(learner.id, OTHER_COURSE)[0].status == "completed"
    assert run["repairs"]["completions"] == 1
    assert run["mode"] == "incremental"
    assert run["windows"] < first["windows"]


@pytest.mark.parametrize("kind", ["profile_urn", "email", "external_id"])
def test_what_is_reported_of_somebody_who_comes_later_is_read_again(real_lab: Lab, kind: Kind) -> None:
    urn, email = upstream(1).profile_urn, upstream(1).email
    real_lab.changes(activity={"lookback_days": 90}, learner_matching="directory")
    real_lab.did(1, (70, 100))
    first = real_lab.sync("incremental")
    real_lab.sync("incremental")
    met = [set(one.identifiers) for one in UnplacedPeopleStore(real_lab.table, "acme").get().people]
    learner = real_lab.learner(1, **{kind: {"profile_urn": urn, "email": email, "external_id": "E1"}[kind]})

    run = real_lab.sync("incremental")

    assert first["people"]["unknown"] == 1
    assert met == [{normalised("profile_urn", urn), normalised("email", email), normalised("external_id", "E1")}]
    assert UnplacedPeopleStore(real_lab.table, "acme").get().people == ()
    assert real_lab.attempts(learner.id)[0].status == "completed"
    assert run["repairs"]["completions"] == 1


def _activated(lab: Lab) -> str:
    learner = lab.learner(1, status="inactive")
    lab.sync("incremental")
    lab.table.put(replace(learner, status="active", version=2).to_item())
    return learner.id


def _assigned(lab: Lab) -> str:
    """Give one learner's address to another, who has LinkedIn's own identifier; return the id of the latter."""
    learner = lab.learner(1, profile_urn=upstream(1).profile_urn)
    other = lab.learner(2, email=upstream(1).email)
    lab.sync("incremental")
    now, key = rfc3339(lab.clock()), keys.identity("acme", *normalised("email", upstream(1).email))
    identity = IdentityItem.from_item(lab.table.get(key) or {})
    lab.table.put(identity.left_by(other.id, now).held_by(learner.id, now).to_item())
    return learner.id


def _merged(lab: Lab) -> str:
    learner = lab.learner(1, profile_urn=upstream(1).profile_urn)
    other = lab.learner(2, email=upstream(1).email)
    lab.sync("incremental")
    Merging(lab.table, "acme").merge(learner.id, other.id)
    return learner.id


@pytest.mark.parametrize(
    ("resolved", "reason"),
    [(_activated, "inactive"), (_assigned, "ambiguous"), (_merged, "ambiguous")],
    ids=["activated", "assigned", "merged"],
)
def test_what_is_reported_of_somebody_ambiguous_or_inactive_is_read_again_when_that_is_resolved(
    real_lab: Lab, resolved: Callable[[Lab], str], reason: str
) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    real_lab.did(1, (70, 100))
    learner_id = resolved(real_lab)
    (met,) = UnplacedPeopleStore(real_lab.table, "acme").get().people

    run = real_lab.sync("incremental")

    assert met.reason == f"learner_{reason}"
    assert UnplacedPeopleStore(real_lab.table, "acme").get().people == ()
    assert real_lab.attempts(learner_id)[0].status == "completed"
    assert (run["mode"], run["repairs"]["completions"]) == ("incremental", 1)


def test_whoever_stays_ambiguous_or_inactive_is_not_read_again_in_vain(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    real_lab.learner(1, status="inactive")
    real_lab.did(1, (70, 100))
    real_lab.learner(2)
    real_lab.learner(3, email=upstream(2).email)
    real_lab.did(2, (60, 100))
    real_lab.sync("incremental")

    run = real_lab.sync("incremental")

    assert run["counts"]["read"] == 0
    assert len(UnplacedPeopleStore(real_lab.table, "acme").get().people) == 2


def test_every_window_since_somebody_was_first_told_of_is_read_again_when_they_come(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90}, learner_matching="directory")
    activity = real_lab.did(1, (70, 20), (40, 100))
    real_lab.sync("incremental")
    learner = real_lab.learner(1)

    real_lab.sync("incremental")

    (attempt,) = real_lab.attempts(learner.id)
    assert (attempt.status, attempt.completed_at) == ("completed", moment(activity.completed_at))
    assert attempt.reported_seconds_viewed == 120


def test_what_waited_for_longer_than_it_is_kept_is_left_to_a_full_run(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    learner = real_lab.learner(1)
    real_lab.did(1, (70, 100), urn=OTHER_COURSE)
    first = real_lab.sync("incremental")
    real_lab.s3.delete_object(Bucket=BUCKET, Key=f"runs/acme/{first['id']}/waiting")
    real_lab.course(OTHER_COURSE)

    real_lab.sync("incremental")
    missed = real_lab.attempts(learner.id, OTHER_COURSE)
    real_lab.sync("full")

    assert missed == ()
    assert real_lab.attempts(learner.id, OTHER_COURSE)[0].status == "completed"


@pytest.mark.parametrize("turns", [False, True])
def test_what_does_not_fit_into_a_record_is_told_and_everything_else_is_recorded(
    real_lab: Lab, monkeypatch: pytest.MonkeyPatch, turns: bool
) -> None:
    original = Table.transact

    def transact(self: Table, actions: Any) -> None:
        if any(
            action.get("Put", {}).get("Item", {}).get("PK") == {"S": "LEARNER#acme#learner-1"} for action in actions
        ):
            raise TooLarge("this is more than one item of the table can hold")
        original(self, actions)

    for number in (1, 2):
        real_lab.learner(number, profile_urn=upstream(number).profile_urn)
        real_lab.did(number, (1, 100))
    real_lab.sync()
    for number in (1, 2):
        real_lab.did(number, (2, 100 if turns else 30))
    monkeypatch.setattr(Table, "transact", transact)

    run = real_lab.sync()

    assert run["status"] == "succeeded"
    assert run["not_repaired"]["record_full"] == 1
    assert (run["counts"]["updated"], run["counts"]["ignored"]) == (1, 1)


def test_a_course_launched_once_more_and_done_again_is_completed_again(real_lab: Lab) -> None:
    real_lab.changes(activity={"lookback_days": 90})
    learner = real_lab.learner(1)
    real_lab.did(1, (60, 50), (55, 100))
    real_lab.sync()
    records, launch = RecordStore(real_lab.table, "acme"), moment(real_lab.ago(10))
    records.add(learner.id, COURSE, learner.id, Evidence(launches=frozenset({launch})), None, launch)
    again = real_lab.did(1, (9, 50), (8, 100))

    run, repeated = real_lab.sync("incremental"), real_lab.sync()

    first, second = real_lab.attempts(learner.id)
    assert (first.status, second.started_at) == ("completed", launch)
    assert (second.status, second.completed_at, second.source) == ("completed", moment(again.completed_at), "report")
    assert (run["repairs"]["completions"], run["drift_percent"], run["reengaged"]) == (1, 0, 0)
    assert (repeated["repairs"]["total"], repeated["reengaged"]) == (0, 0)


def test_a_later_completion_changes_no_record_and_is_noted_once(real_lab: Lab) -> None:
    learner = real_lab.learner(1)
    activity = real_lab.did(1, (10, 100))
    real_lab.sync()
    before = real_lab.attempts(learner.id)
    again = real_lab.did(1, (2, 100))

    first, second = real_lab.sync(), real_lab.sync()

    note = real_lab.table.get(_reengagement(learner.id))
    assert real_lab.attempts(learner.id)[0].completed_at == before[0].completed_at == moment(activity.engagements[0].at)
    assert note is not None
    assert note["completed_at"] == moment(again.completed_at)
    assert (first["reengaged"], second["reengaged"]) == (1, 0)


def test_nothing_of_what_was_read_stays_behind(real_lab: Lab) -> None:
    real_lab.learner(1)
    real_lab.did(1, (1, 50))

    run = real_lab.sync()

    assert real_lab.objects() == [f"runs/acme/{run['id']}/waiting"]


SINCE, EARLIER, LATER = (f"2026-0{month}-01T00:00:00.000Z" for month in (5, 4, 6))
DAY_AFTER, WEEK_AFTER = "2026-05-02T00:00:00.000Z", "2026-05-08T00:00:00.000Z"


def _record(*pieces: Evidence) -> Record:
    return Record("acme", "ada", COURSE).with_evidence("ada", union(pieces), DURATION)


def _told(completed_again_at: str | None = None, **members: Any) -> ReportedActivity:
    return ReportedActivity(Person(profile_urn="u1"), COURSE, Report(**members), completed_again_at)


NOTHING = Evidence()
TIMELESS = Evidence(report=Report(progress=40))
LAUNCHED, LAUNCHED_AGAIN = (Evidence(launches=frozenset({at})) for at in (EARLIER, WEEK_AFTER))
HALF_WAY = Evidence(points={EARLIER: Point(50)})
FURTHER = Evidence(points={SINCE: Point(60)})
DONE, DONE_AGAIN = (Evidence(completions={at: Completion(at)}) for at in (SINCE, LATER))


@pytest.mark.parametrize(
    ("known", "more", "repair"),
    [
        (NOTHING, TIMELESS, None),
        (NOTHING, HALF_WAY, "progress"),
        (HALF_WAY, FURTHER, "progress"),
        (FURTHER, HALF_WAY, None),
        (NOTHING, DONE, "completion"),
        (HALF_WAY, DONE, "completion"),
        (DONE, DONE_AGAIN, None),
        (DONE | LAUNCHED_AGAIN, DONE_AGAIN, "retake"),
        (DONE, LAUNCHED_AGAIN, None),
    ],
    ids=[
        "a report without any time",
        "the first activity",
        "more progress",
        "less progress",
        "a completion of what nobody told of",
        "a completion of what was going on",
        "a completion of what is completed",
        "a completion of what was launched once more",
        "activity after a completion",
    ],
)
def test_what_a_report_adds_to_a_record(known: Evidence, more: Evidence, repair: reconcile.Repair | None) -> None:
    assert reconcile.repair_of(_record(known), _record(known, more)) == repair


@pytest.mark.parametrize(
    ("repair", "completed_at", "last_engaged_at", "expected"),
    [
        ("completion", EARLIER, LATER, True),
        ("completion", SINCE, LATER, False),
        (None, EARLIER, LATER, True),
        (None, None, EARLIER, True),
        (None, None, SINCE, False),
        ("progress", None, EARLIER, True),
        ("progress", EARLIER, LATER, False),
        ("retake", EARLIER, LATER, False),
        ("retake", EARLIER, EARLIER, True),
        (None, None, None, True),
    ],
)
def test_history_is_a_first_completion_or_else_a_last_sign_of_life_from_before_the_push(
    repair: reconcile.Repair | None, completed_at: str | None, last_engaged_at: str | None, expected: bool
) -> None:
    told = _told(completed_at=completed_at, last_engaged_at=last_engaged_at)

    assert reconcile.is_history(told, repair, SINCE) is expected


@pytest.mark.parametrize(
    ("known", "again", "expected"),
    [
        (DONE, None, None),
        (DONE, EARLIER, None),
        (DONE, SINCE, None),
        (DONE, DAY_AFTER, None),
        (DONE, WEEK_AFTER, WEEK_AFTER),
        (DONE | DONE_AGAIN, WEEK_AFTER, None),
        (LAUNCHED, WEEK_AFTER, None),
        (NOTHING, WEEK_AFTER, None),
    ],
    ids=[
        "told of none",
        "before the known one",
        "the known one",
        "within a day",
        "later",
        "before one that counted for no attempt",
        "nothing is completed",
        "nothing is known",
    ],
)
def test_a_course_is_completed_again_only_after_every_completion_that_is_known(
    known: Evidence, again: str | None, expected: str | None
) -> None:
    assert reconcile.completed_again_at(_record(known), _told(again)) == expected


@pytest.mark.parametrize(
    ("sums", "since"),
    [
        ({"seconds": {SINCE: 60, LATER: 60}}, SINCE),
        ({"seconds": {LATER: 60}, "views": {SINCE: 1}}, SINCE),
        ({"completions": {SINCE: 1}, "views": {LATER: 1}}, SINCE),
        ({}, EARLIER),
    ],
    ids=["windows", "views in an older one", "a completion in an older one", "progress alone"],
)
def test_what_has_no_place_waits_since_the_oldest_window_that_tells_of_it(sums: dict[str, Any], since: str) -> None:
    assert recording._oldest(_told(progress=40, first_engaged_at=EARLIER, **sums)) == since


def _records(lab: Lab) -> list[keys.Key]:
    return [keys.record("acme", f"learner-{number}", COURSE) for number in range(3)]


def _reengagement(learner_id: str) -> keys.Key:
    return keys.reengagement("acme", learner_id, COURSE)
