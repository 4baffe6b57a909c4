"""Evidence folds to the same attempts whatever its order, repetition and grouping, and their rules hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.clock import rfc3339
from coursebridge.records import evidence as evidences
from coursebridge.records.evidence import Completion, Evidence, Point, Report, union
from coursebridge.records.fold import Course, Folded, fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

COURSE = Course("ada", "urn:li:lyndaCourse:1", 600)
DAY = 24 * 60
"""In minutes."""


def at(minute: int) -> str:
    return rfc3339(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))


def launched(minute: int) -> Evidence:
    return Evidence(launches=frozenset({at(minute)}))


def progressed(minute: int, progress: int | None = 10, seconds: int | None = None) -> Evidence:
    return Evidence(points={at(minute): Point(progress, seconds)})


def completed(minute: int, name: str = "c1", source: evidences.Source = "xapi") -> Evidence:
    return Evidence(completions={name: Completion(at(minute), source)})


def reported(**members: object) -> Evidence:
    return Evidence(report=Report(**members))  # type: ignore[arg-type]


def done_again(*minutes: int) -> Evidence:
    """Return a report of completions that each have a time of their own."""
    return reported(completed_at=at(min(minutes)), completion_times=frozenset(map(at, minutes)))


def folded(*pieces: Evidence) -> Folded:
    return fold(union(pieces), COURSE)


minutes = st.integers(0, 20) | st.integers(0, 16).map(lambda thirds: thirds * DAY // 3)
sources = st.sampled_from(["xapi", "aicc"])
pieces = st.one_of(
    st.builds(launched, minutes),
    st.builds(progressed, minutes, st.none() | st.integers(0, 100), st.none() | st.integers(0, 500)),
    st.builds(completed, minutes, st.sampled_from("abcdef"), sources),
    st.builds(
        lambda progress, done, exact, first, last, window, seconds: reported(
            progress=progress,
            completed_at=None if done is None else at(done),
            completion_times=frozenset() if done is None or not exact else frozenset({at(done)}),
            first_engaged_at=at(first),
            last_engaged_at=at(last),
            seconds={at(window): seconds},
        ),
        st.none() | st.integers(0, 100),
        st.none() | minutes,
        st.booleans(),
        minutes,
        minutes,
        minutes,
        st.integers(0, 900),
    ),
)
bodies = st.lists(pieces, max_size=14)


def joined(parts: Sequence[Evidence]) -> Evidence:
    whole = Evidence()
    for part in parts:
        whole |= part
    return whole


@given(bodies, st.randoms())
def test_any_order_and_any_repetition_end_the_same(body: list[Evidence], random: Random) -> None:
    shuffled = [*body, *random.sample(body, len(body) // 2)]
    random.shuffle(shuffled)

    assert joined(shuffled) == joined(body)
    assert fold(joined(shuffled), COURSE) == fold(joined(body), COURSE)


@given(bodies, st.integers(0, 14))
def test_any_grouping_ends_the_same(body: list[Evidence], cut: int) -> None:
    assert joined(body[:cut]) | joined(body[cut:]) == joined(body)
    assert union([joined(body[:cut]), joined(body[cut:])]) == union(body)


@given(bodies)
def test_evidence_survives_the_table(body: list[Evidence]) -> None:
    whole = joined(body)

    assert Evidence.from_item(whole.to_item()) == whole


@given(bodies, pieces)
def test_more_evidence_never_takes_progress_or_a_completion_away(body: list[Evidence], more: Evidence) -> None:
    before, after = folded(*body), folded(*body, more)

    assert len(after.attempts) >= len(before.attempts) or more.completions or more.report
    best_before = max((attempt.progress for attempt in before.attempts), default=0)
    assert max((attempt.progress for attempt in after.attempts), default=0) >= best_before
    done_before = sum(attempt.status == "completed" for attempt in before.attempts)
    assert sum(attempt.status == "completed" for attempt in after.attempts) >= min(done_before, 1)


@given(bodies)
def test_attempts_keep_the_rules(body: list[Evidence]) -> None:
    whole = union(body)
    result = fold(whole, COURSE)

    assert [a.id for a in result.attempts] == [COURSE.attempt_id(n + 1) for n in range(len(result.attempts))]
    for attempt in result.attempts:
        assert (attempt.status == "completed") == (attempt.completed_at is not None)
        assert attempt.status != "completed" or (attempt.progress, attempt.time_spent_seconds) == (100, 600)
        assert attempt.status != "in_progress" or attempt.time_spent_seconds is None
        assert attempt.started_at <= (attempt.completed_at or attempt.last_activity_at) <= attempt.last_activity_at
    assert all(attempt.status == "completed" for attempt in result.attempts[:-1])
    assert set(result.counted) == set(whole.completions)
    counted = [attempt_id for attempt_id in result.counted.values() if attempt_id]
    assert len(counted) == len(set(counted))


def test_nothing_is_no_attempt() -> None:
    assert folded() == Folded((), {})
    assert folded().attempt_at(at(1)) is None


def test_the_first_activity_opens_an_attempt_and_activity_raises_it() -> None:
    [attempt] = folded(progressed(2, 30), progressed(5, 20), progressed(7, None)).attempts

    assert (attempt.status, attempt.progress, attempt.source) == ("in_progress", 30, "xapi")
    assert (attempt.started_at, attempt.last_activity_at) == (at(2), at(7))


def test_a_launch_opens_an_attempt_at_one_percent() -> None:
    [attempt] = folded(launched(1)).attempts

    assert (attempt.status, attempt.progress, attempt.source) == ("in_progress", 1, "launch")


def test_a_second_launch_goes_on_with_the_open_attempt() -> None:
    [attempt] = folded(launched(1), progressed(2, 40), launched(3)).attempts

    assert (attempt.progress, attempt.last_activity_at) == (40, at(3))


def test_a_launch_lifts_an_attempt_without_progress_to_one_percent() -> None:
    [attempt] = folded(progressed(1, None), launched(2)).attempts

    assert attempt.progress == 1


def test_a_completion_closes_the_open_attempt() -> None:
    result = folded(launched(1), progressed(2, 40, 120), completed(3))
    [attempt] = result.attempts

    assert (attempt.status, attempt.progress, attempt.completed_at) == ("completed", 100, at(3))
    assert (attempt.time_spent_seconds, attempt.statement_duration_seconds) == (600, 120)
    assert (attempt.source, attempt.completion_statement_id) == ("xapi", "c1")
    assert result.counted == {"c1": attempt.id}


def test_a_completion_alone_is_an_attempt() -> None:
    [attempt] = folded(completed(3)).attempts

    assert (attempt.started_at, attempt.completed_at) == (at(3), at(3))


def test_a_completion_over_aicc_names_no_statement() -> None:
    assert folded(completed(3, "session", "aicc")).attempts[0].completion_statement_id is None


def test_a_completion_without_an_open_attempt_does_not_count() -> None:
    result = folded(completed(3, "c1"), completed(5, "c2"))

    assert len(result.attempts) == 1
    assert result.counted == {"c1": result.attempts[0].id, "c2": None}


def test_an_earlier_completion_that_comes_late_takes_the_place_of_the_later_one() -> None:
    before, after = folded(completed(5, "c2")), folded(completed(5, "c2"), completed(3, "c1"))

    assert before.counted == {"c2": before.attempts[0].id}
    assert after.counted == {"c1": after.attempts[0].id, "c2": None}
    assert after.attempts[0].completed_at == at(3)


def test_nothing_reopens_a_completed_attempt() -> None:
    [attempt] = folded(completed(3), progressed(5, 20, 60)).attempts

    assert (attempt.status, attempt.progress, attempt.completed_at) == ("completed", 100, at(3))
    assert (attempt.last_activity_at, attempt.statement_duration_seconds) == (at(5), 60)


def test_a_launch_after_a_completion_opens_the_next_attempt() -> None:
    result = folded(completed(3, "c1"), launched(4), progressed(5, 20), completed(6, "c2"))
    first, second = result.attempts

    assert (first.completed_at, second.completed_at) == (at(3), at(6))
    assert result.counted == {"c1": first.id, "c2": second.id}
    assert result.attempt_at(at(0)) == first.id
    assert result.attempt_at(at(5)) == second.id


def test_a_course_whose_duration_changes_later_changes_nobodys_time_spent() -> None:
    before = folded(completed(3))
    longer = replace(COURSE, duration_seconds=900)

    assert fold(completed(3), longer, before.attempts).attempts == before.attempts


def test_a_duration_that_comes_later_is_filled_in() -> None:
    before = fold(completed(3), replace(COURSE, duration_seconds=None))

    assert fold(completed(3), COURSE, before.attempts).attempts[0].time_spent_seconds == 600


def test_an_attempt_that_is_open_again_has_no_time_spent() -> None:
    before = folded(launched(1), completed(3))

    assert fold(launched(1), COURSE, before.attempts).attempts[0].time_spent_seconds is None


def test_what_only_reports_know_is_an_attempt_from_reports() -> None:
    report = reported(progress=40, first_engaged_at=at(1), last_engaged_at=at(9), seconds={at(0): 60, at(8): 30})
    [attempt] = folded(report).attempts

    assert (attempt.source, attempt.status, attempt.progress) == ("report", "in_progress", 40)
    assert (attempt.started_at, attempt.last_activity_at) == (at(1), at(9))
    assert attempt.reported_seconds_viewed == 90


def test_a_report_without_any_time_opens_nothing() -> None:
    assert folded(reported(progress=40)).attempts == ()


def test_a_report_raises_and_never_lowers() -> None:
    assert folded(progressed(2, 30), reported(progress=50)).attempts[0].progress == 50
    assert folded(progressed(2, 30), reported(progress=10)).attempts[0].progress == 30
    assert folded(progressed(2, 30), reported()).attempts[0].progress == 30


def test_a_completion_that_only_a_report_knows_counts() -> None:
    result = folded(progressed(2, 30), reported(completed_at=at(6)))
    [attempt] = result.attempts

    assert (attempt.status, attempt.completed_at, attempt.source) == ("completed", at(6), "report")
    assert (attempt.completion_statement_id, result.counted) == (None, {})


@pytest.mark.parametrize("minute", [4, 6, 8])
def test_a_statement_wins_over_a_report_of_the_same_go(minute: int) -> None:
    [attempt] = folded(progressed(2, 30), reported(completed_at=at(6)), completed(minute)).attempts

    assert (attempt.completed_at, attempt.source) == (at(minute), "xapi")


def test_a_later_go_does_not_undo_the_completion_a_report_told_of() -> None:
    told = reported(completed_at=at(6))
    first, second = folded(launched(1), told, launched(8), completed(2 * DAY)).attempts

    assert (first.completed_at, first.source) == (at(6), "report")
    assert (second.completed_at, second.source) == (at(2 * DAY), "xapi")


@pytest.mark.parametrize(
    "first", [completed(0), completed(0, "session", "aicc"), done_again(0)], ids=["statement", "aicc", "report"]
)
def test_a_course_done_again_completes_the_attempt_that_a_launch_opened(first: Evidence) -> None:
    _, attempt = folded(first, launched(45 * DAY), done_again(47 * DAY)).attempts

    assert (attempt.status, attempt.progress, attempt.source) == ("completed", 100, "report")
    assert (attempt.started_at, attempt.completed_at) == (at(45 * DAY), at(47 * DAY))


def test_every_go_that_reports_know_of_counts() -> None:
    result = folded(done_again(0, 20 * DAY, 50 * DAY), launched(10 * DAY), launched(40 * DAY))

    assert [attempt.completed_at for attempt in result.attempts] == [at(0), at(20 * DAY), at(50 * DAY)]


@pytest.mark.parametrize(
    ("statement", "launch", "report"),
    [(600, 620, 700), (600, 620, 600 + DAY), (600, 0, 300), (600, 500, 480), (600, 0, 600), (9 * DAY, 9 * DAY, 0)],
    ids=["later by hours", "later by a day", "earlier", "before a launch", "the same moment", "up to the next launch"],
)
def test_a_report_of_a_completion_that_something_else_told_of_is_no_second_one(
    statement: int, launch: int, report: int
) -> None:
    without = folded(launched(launch), completed(statement))

    assert folded(launched(launch), completed(statement), done_again(report)) == without


def test_a_completion_told_twice_by_reports_is_one() -> None:
    first, second = folded(done_again(600, 700), launched(650)).attempts

    assert (first.completed_at, second.status) == (at(600), "in_progress")


@given(bodies, minutes, st.integers(-DAY, DAY))
def test_a_report_never_makes_two_of_a_completion_that_was_told(body: list[Evidence], minute: int, off: int) -> None:
    told = [*body, completed(minute, "told")]
    done = {attempt.completed_at for attempt in folded(*told).attempts}

    assert {attempt.completed_at for attempt in folded(*told, done_again(max(0, minute + off))).attempts} <= done


def test_a_completion_without_a_time_of_its_own_is_one_that_was_told_before() -> None:
    told = [completed(0), launched(2 * DAY)]

    assert folded(*told, reported(completed_at=at(4 * DAY))) == folded(*told)


def test_a_report_of_a_later_completion_leaves_a_completed_course_alone() -> None:
    before, after = folded(completed(3)), folded(completed(3), reported(completed_at=at(9)))

    assert after == before


def test_a_completion_only_reports_know_begins_when_they_say() -> None:
    [attempt] = folded(reported(first_engaged_at=at(1), completed_at=at(6))).attempts

    assert (attempt.started_at, attempt.completed_at) == (at(1), at(6))


def test_seconds_viewed_stay_with_the_attempt_that_was_going_on() -> None:
    report = reported(seconds={at(0): 60, at(8): 30})
    first, second = folded(progressed(2), completed(3), launched(7), report).attempts

    assert (first.reported_seconds_viewed, second.reported_seconds_viewed) == (60, 30)


def test_only_the_earliest_fifty_completions_are_kept() -> None:
    many = {f"c{n}": Completion(f"2026-01-{1 + n // 24:02d}T{n % 24:02d}:00:00.000Z") for n in range(60)}
    whole = joined([Evidence(completions={name: completion}) for name, completion in reversed(many.items())])

    assert set(whole.completions) == {f"c{n}" for n in range(50)}


def test_only_fifty_completions_of_reports_are_kept_the_first_and_the_last_of_every_go_among_them() -> None:
    launch = 100 * DAY
    days = [*range(70), *range(101, 171)]
    whole = joined([launched(launch), *(done_again(day * DAY) for day in days)])

    assert whole.report is not None
    assert len(whole.report.completion_times) == evidences.MOST_COMPLETIONS
    assert {at(day * DAY) for day in (0, 69, 101, 170)} <= whole.report.completion_times


def test_evidence_of_a_version_that_kept_the_first_completion_alone_is_read() -> None:
    times = {"completed_at": at(6), "first_engaged_at": at(1), "last_engaged_at": at(9)}
    sums = {"seconds": {at(0): 60}, "views": {}, "completions": {at(0): 1}}
    kept = {"launches": [], "points": {}, "completions": {}, "report": {"progress": 100, **times, **sums}}

    assert Evidence.from_item(kept) == reported(progress=100, **times, **sums)
    assert folded(Evidence.from_item(kept)).attempts[0].completed_at == at(6)


def test_of_two_reports_the_outermost_times_the_highest_level_and_the_most_of_every_window_count() -> None:
    early = reported(progress=70, completed_at=at(6), first_engaged_at=at(1), last_engaged_at=at(7))
    late = reported(progress=40, completed_at=at(8), first_engaged_at=at(3), last_engaged_at=at(9))
    less = {at(0): 0, at(10): 30, at(20): 60}
    more = {at(0): 0, at(10): 50, at(30): 10}
    most = {at(0): 0, at(10): 50, at(20): 60, at(30): 10}

    assert early | late == reported(progress=70, completed_at=at(6), first_engaged_at=at(1), last_engaged_at=at(9))
    for sums in ("seconds", "views", "completions"):
        assert reported(**{sums: less}) | reported(**{sums: more}) == reported(**{sums: most})


def test_a_completion_told_twice_by_its_session_counts_from_the_first_time() -> None:
    whole = completed(9, "session", "aicc") | completed(4, "session", "aicc")

    assert whole.completions["session"].at == at(4)


@given(bodies)
def test_a_record_at_its_bounds_says_the_same(body: list[Evidence]) -> None:
    """This holds if the bounds leave room for the first and the last on both sides of every border."""
    whole = union(body)
    ordered = sorted(body, key=lambda piece: (not (piece.completions or piece.report), not piece.launches))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidences, "MOST_POINTS", 2 * len(whole.launches) + 3)
        reports = whole.report.completed if whole.report else ()
        patch.setattr(evidences, "MOST_LAUNCHES", 2 * (len(whole.completions) + len(reports)) + 3)
        small = joined(ordered)

    assert fold(small, COURSE) == fold(whole, COURSE)


def test_beyond_the_bounds_the_first_the_last_and_the_highest_point_stay() -> None:
    moments = [f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00.000Z" for n in range(400)]
    peak = {moments[200]: Point(99, 7)}
    many = joined([Evidence(points={moment: Point(5)}) for moment in moments] + [Evidence(points=peak)])
    [attempt] = fold(many, COURSE).attempts

    assert len(many.points) == evidences.MOST_POINTS
    assert (attempt.started_at, attempt.last_activity_at) == (moments[0], moments[-1])
    assert (attempt.progress, attempt.statement_duration_seconds) == (99, 7)


def test_beyond_the_bounds_no_point_crosses_a_launch() -> None:
    moments = [f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00.000Z" for n in range(400)]
    high = [Evidence(points={moment: Point(80)}) for moment in moments[:200]]
    low = [Evidence(points={moment: Point(5)}) for moment in moments[201:]]
    borders = [Evidence(launches=frozenset({moments[200]})), Evidence(completions={"c": Completion(moments[199])})]
    _, second = fold(joined([*borders, *high, *low]), COURSE).attempts

    assert second.progress == 5


def test_beyond_the_bounds_launches_on_both_sides_of_a_completion_stay() -> None:
    moments = [f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00.000Z" for n in range(400)]
    done = Evidence(completions={"c": Completion(moments[300])})
    many = joined([done, *(Evidence(launches=frozenset({moment})) for moment in moments)])
    first, second = fold(many, COURSE).attempts

    assert len(many.launches) == evidences.MOST_LAUNCHES
    assert (first.started_at, first.completed_at) == (moments[0], moments[300])
    assert (second.started_at, second.last_activity_at) == (moments[300], moments[-1])


def test_where_every_gap_has_a_border_something_goes_all_the_same() -> None:
    moments = [f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00.000Z" for n in range(302)]
    launches = Evidence(launches=frozenset(moments[:300]))
    points = joined([launches, *(Evidence(points={moment: Point(5)}) for moment in moments)])

    assert len(points.points) == evidences.MOST_POINTS


def test_a_reported_completion_belongs_to_the_launch_before_it_and_ends_at_the_next() -> None:
    first, second, third = folded(
        launched(0), done_again(10 * DAY), launched(20 * DAY), completed(30 * DAY), launched(40 * DAY)
    ).attempts

    assert (first.completed_at, second.completed_at) == (at(10 * DAY), at(30 * DAY))
    assert third.status == "in_progress"


@pytest.mark.parametrize("known", [(completed(3),), (completed(3), launched(5))])
def test_reported_progress_touches_neither_a_completion_nor_a_second_attempt(known: tuple[Evidence, ...]) -> None:
    assert folded(*known, reported(progress=90, last_engaged_at=at(9))).attempts == folded(*known).attempts


def test_activity_without_progress_begins_at_none() -> None:
    assert folded(progressed(2, None)).attempts[0].progress == 0


def test_an_attempt_that_only_reports_tell_of_begins_when_they_first_saw_it() -> None:
    assert folded(reported(progress=40, last_engaged_at=at(9))).attempts[0].started_at == at(9)


@pytest.mark.parametrize("begun", [progressed(1), launched(1), Evidence()])
def test_a_launch_at_the_moment_of_a_reported_completion_comes_after_it(begun: Evidence) -> None:
    first, second = folded(begun, launched(5), done_again(5)).attempts

    assert (first.status, first.completed_at, first.source) == ("completed", at(5), "report")
    assert (second.status, second.started_at, second.source) == ("in_progress", at(5), "launch")


def test_a_launch_at_the_moment_of_a_reported_completion_parts_it_from_the_next() -> None:
    result = folded(progressed(1), launched(5), done_again(5), completed(5 + 2 * DAY))

    assert [attempt.completed_at for attempt in result.attempts] == [at(5), at(5 + 2 * DAY)]
    assert [attempt.source for attempt in result.attempts] == ["report", "xapi"]


def test_a_statement_at_the_moment_of_a_launch_and_a_reported_completion_tells_of_that_completion() -> None:
    first, second = folded(progressed(1), launched(5), done_again(5), completed(5)).attempts

    assert (first.completion_statement_id, first.source) == ("c1", "xapi")
    assert second.status == "in_progress"
