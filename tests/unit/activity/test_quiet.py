"""Silence is judged against the usual rhythm of an integration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.activity.quiet import HOUR, MEMORY_WEEKS, SUSPICIOUS, WEEK, Rhythm, judge, judged, listen
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def office(moment: datetime) -> bool:
    """Return whether a company is active: every hour from eight to six, Monday to Friday."""
    return moment.weekday() < 5 and 8 <= moment.hour < 18


def always(_moment: datetime) -> bool:
    return True


def seldom(moment: datetime) -> bool:
    """Return whether a club is active: on Wednesday evenings."""
    return moment.weekday() == 2 and moment.hour in (19, 20)


def learned(active: Callable[[datetime], bool], weeks: int) -> Rhythm:
    """Return the rhythm after whole weeks, from a Monday on, with a statement in every active hour."""
    rhythm = Rhythm(MONDAY)
    for number in range(weeks * 168):
        hour = MONDAY + number * HOUR
        if active(hour):
            rhythm = rhythm.after(hour + timedelta(minutes=17)).forgetful()
    return rhythm


def state(rhythm: Rhythm, weeks: int, silence: timedelta) -> str:
    return judged(rhythm, MONDAY + timedelta(weeks=weeks) + silence).state


@pytest.mark.parametrize(
    ("active", "silence", "expected"),
    [
        (office, timedelta(), "normal"),
        (office, timedelta(hours=18), "normal"),
        (office, timedelta(days=1, hours=7), "normal"),
        (office, timedelta(days=2), "quiet"),
        (always, timedelta(hours=12), "normal"),
        (always, timedelta(hours=19), "quiet"),
        (seldom, timedelta(days=21), "normal"),
        (seldom, timedelta(days=70), "quiet"),
    ],
)
def test_silence_is_measured_in_hours_that_are_not_silent_otherwise(
    active: Callable[[datetime], bool], silence: timedelta, expected: str
) -> None:
    assert state(learned(active, 6), 6, silence) == expected


def test_nights_weekends_and_one_holiday_are_no_alarm() -> None:
    friday_evening = learned(office, 6)

    assert friday_evening.surprise(MONDAY + timedelta(weeks=6)) == 0
    assert state(friday_evening, 6, timedelta(days=1)) == "normal"


def test_two_weeks_are_listened_to_before_anything_is_said() -> None:
    rhythm = learned(always, 1)

    assert state(rhythm, 1, timedelta(days=5)) == "learning"
    assert state(rhythm, 1, timedelta(days=8)) == "quiet"


def test_who_never_had_a_statement_is_not_quiet() -> None:
    assert judged(Rhythm(MONDAY), MONDAY + timedelta(weeks=52)).state == "learning"


def test_a_rhythm_that_changed_is_forgotten() -> None:
    once = learned(always, 30)
    now = MONDAY + timedelta(weeks=30)
    for number in range(40 * 168):
        hour = now + number * HOUR
        if office(hour):
            once = once.after(hour).forgetful()

    assert judged(once, now + timedelta(weeks=40, hours=20)).state == "normal"


def test_a_rhythm_that_stays_means_the_same_when_its_older_half_is_forgotten() -> None:
    seldom_in_office = tuple(MEMORY_WEEKS // 4 * office(MONDAY + number * HOUR) for number in range(168))
    whole = Rhythm(MONDAY, seldom_in_office, MONDAY + MEMORY_WEEKS * WEEK)
    now = MONDAY + (MEMORY_WEEKS + 2) * WEEK

    assert whole.forgetful() != whole
    assert whole.forgetful().surprise(now) == pytest.approx(whole.surprise(now))


@pytest.mark.parametrize(("share", "expected"), [(0.99, "normal"), (1.0, "quiet"), (1.01, "quiet")])
def test_silence_is_suspicious_from_a_hundred_percent_on(share: float, expected: str) -> None:
    class Surprised(Rhythm):
        def surprise(self, _now: datetime) -> float:
            return share * SUSPICIOUS

    assert state(Surprised(MONDAY, last_hour=MONDAY), 3, timedelta()) == expected


def test_silence_makes_nothing_forgotten() -> None:
    assert state(learned(office, 20), 20, timedelta(weeks=30)) == "quiet"


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=30), st.integers(0, 3000))
def test_surprise_never_falls_while_the_silence_lasts(hours: list[int], later: int) -> None:
    rhythm = Rhythm(MONDAY)
    for hour in sorted(hours):
        rhythm = rhythm.after(MONDAY + hour * HOUR)
    now = MONDAY + max(hours) * HOUR

    assert 0 <= rhythm.surprise(now) <= rhythm.surprise(now + later * HOUR)


def test_the_sweep_keeps_the_rhythm_and_status_reads_it(table: Table) -> None:
    listen(table, "acme", MONDAY + timedelta(minutes=5), MONDAY + timedelta(minutes=10))
    before = table.get(keys.sync_state("acme", "rhythm"))
    listen(table, "acme", MONDAY + timedelta(minutes=20), MONDAY + timedelta(minutes=25))
    heard = judge(table, "acme", MONDAY + timedelta(hours=3))

    assert table.get(keys.sync_state("acme", "rhythm")) == before
    assert heard.to_json() == {
        "state": "learning",
        "last_statement_hour": "2026-03-02T00:00:00.000Z",
        "surprise_percent": 0,
    }


def test_a_rhythm_outlives_the_statements_it_was_learned_from(table: Table) -> None:
    table.put(learned(office, 3).to_item("acme"))

    assert listen(table, "acme", None, MONDAY + timedelta(weeks=6)).state == "quiet"


def test_nothing_is_kept_before_the_first_statement(table: Table) -> None:
    assert listen(table, "acme", None, MONDAY).state == judge(table, "acme", MONDAY).state == "learning"
    assert table.get(keys.sync_state("acme", "rhythm")) is None


def test_a_rhythm_survives_the_table(table: Table) -> None:
    rhythm = learned(office, 3)
    table.put(rhythm.to_item("acme"))

    assert judge(table, "acme", MONDAY + timedelta(weeks=4)) == judged(rhythm, MONDAY + timedelta(weeks=4))
    assert Rhythm.from_item(Rhythm(MONDAY).to_item("acme")) == Rhythm(MONDAY)
