"""Windows have no gaps or overlaps, and are the same in every run."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coursebridge.activity.windows import DAY, LENGTH, ORIGIN, Coverage, Window, due, joined, windows

LOOKBACKS = (14, 30, 90, 180, 365)
PACIFIC = ZoneInfo("America/Los_Angeles")
moments = st.integers(1_400_000_000, 2_400_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
lookbacks = st.sampled_from(LOOKBACKS)
around = st.timedeltas(timedelta(days=-3), timedelta(days=3))
# Both clock changes of a year, leap days, the turn of a year, and midnight.
turning_points = st.sampled_from(
    [
        datetime(2026, 3, 8, 2, tzinfo=PACIFIC),
        datetime(2026, 11, 1, 2, tzinfo=PACIFIC),
        datetime(2028, 2, 29, tzinfo=UTC),
        datetime(2024, 2, 29, 8, tzinfo=UTC),
        datetime(2100, 2, 28, 23, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        ORIGIN,
    ]
).flatmap(lambda point: around.map(lambda offset: (point + offset).astimezone(UTC)))
nows = moments | turning_points


@given(nows, lookbacks)
def test_windows_follow_each_other_without_gap_or_overlap(now: datetime, days: int) -> None:
    found = windows(now, days)

    assert all(before.end == after.start for before, after in pairwise(found))


@given(nows, lookbacks)
def test_windows_cover_the_lookback_up_to_this_moment(now: datetime, days: int) -> None:
    found = windows(now, days)

    assert found[0].start <= now - (days - 1) * DAY
    assert now < found[-1].end <= now + DAY


@given(nows, lookbacks)
def test_no_window_is_longer_than_linkedin_answers(now: datetime, days: int) -> None:
    assert all(1 <= window.days <= 14 for window in windows(now, days))


@given(nows, nows, lookbacks, lookbacks)
def test_the_same_time_always_lies_in_the_same_window(one: datetime, other: datetime, days: int, more: int) -> None:
    starts = {window.start for window in [*windows(one, days), *windows(other, more)]}

    assert all((start - ORIGIN) % LENGTH == timedelta() for start in starts)
    assert all(window.days == 14 for window in windows(one, days)[:-1])


@given(nows)
@example(datetime(2026, 11, 1, 9, 30, tzinfo=UTC))
def test_a_year_takes_27_windows(now: datetime) -> None:
    assert len(windows(now, 365)) == 27


@pytest.mark.parametrize(("days", "least"), [(14, 1), (30, 3), (90, 7), (180, 13), (365, 27)])
@given(now=nows)
def test_a_lookback_takes_the_fewest_windows_or_one_more(now: datetime, days: int, least: int) -> None:
    assert len(windows(now, days)) in (least, least + 1)


@given(nows, lookbacks)
def test_the_first_run_reads_the_whole_lookback(now: datetime, days: int) -> None:
    assert due(now, days, None) == windows(now, days)


@given(nows, lookbacks, st.timedeltas(timedelta(), timedelta(days=40)))
def test_a_later_run_reads_again_what_had_not_settled(now: datetime, days: int, later: timedelta) -> None:
    covered = joined(None, windows(now, days), now)

    found = due(now + later, days, covered)

    assert found[0].start <= max(now - LENGTH, covered.since)
    assert found[-1].end > now + later
    assert all(before.end == after.start for before, after in pairwise(found))
    assert len(found) <= 5


@given(nows, lookbacks, st.timedeltas(timedelta(), timedelta(days=700)))
def test_after_a_gap_longer_than_the_lookback_a_run_goes_on_where_the_last_one_ended(
    now: datetime, days: int, later: timedelta
) -> None:
    covered = joined(None, windows(now, days), now)

    found = due(now + later, days, covered)

    assert covered.since <= found[0].start <= max(now, windows(now + later, 365)[0].start)
    assert found[-1].end > now + later
    assert all(before.end == after.start for before, after in pairwise(found))


@given(nows)
def test_a_window_has_settled_fourteen_days_after_its_end(now: datetime) -> None:
    window = windows(now, 30)[0]
    settled, younger = (
        due(now, 30, Coverage(window.start, window.end + 14 * DAY - short, frozenset()))
        for short in (0 * DAY, DAY / 24)
    )

    assert window not in settled
    assert window in younger


@given(nows)
def test_a_longer_lookback_makes_the_next_run_read_all_of_it(now: datetime) -> None:
    covered = joined(None, windows(now, 14), now)

    assert due(now, 365, covered) == windows(now, 365)


@given(nows, st.integers(0, 26))
def test_a_window_with_something_that_found_its_place_is_read_again(now: datetime, number: int) -> None:
    waiting = windows(now, 365)[number]
    covered = joined(None, windows(now, 365), now)

    found = due(now, 14, Coverage(covered.since, covered.until, frozenset({waiting.start})))

    assert waiting in found
    assert len(found) <= 4


def test_coverage_only_grows() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    covered = joined(None, windows(now, 365), now)
    later = joined(covered, windows(now + DAY, 14), now + DAY)

    assert (later.since, later.until) == (covered.since, now + DAY)


def test_a_windows_key_is_its_start() -> None:
    assert Window(ORIGIN, 14).key == "2000-01-01T08:00:00.000Z"
