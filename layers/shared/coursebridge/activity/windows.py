"""The windows in which activity reports are read: at most 14 days each, disjoint, on boundaries that never move.

LinkedIn answers no longer window than 14 days (with a 500). Seconds viewed are told per window and summed up, so a
window must mean the same time whenever it is read: windows are cut from a fixed grid and not counted back from now.
Reading one again then replaces what it said before.

The grid starts at a midnight, Pacific standard time, because LinkedIn cuts its days there. It is a grid of absolute
time: daylight saving moves nothing here. While it is in force LinkedIn's midnight lies an hour earlier, which moves
all windows alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_DAYS = 14
LONGEST_LOOKBACK_DAYS = 365
DAY = timedelta(days=1)
LENGTH = MOST_DAYS * DAY
ORIGIN = datetime(2000, 1, 1, 8, tzinfo=UTC)
SETTLING = MOST_DAYS * DAY
"""Reports lag: what is younger than this when it is read will be read again."""


@dataclass(frozen=True, order=True)
class Window:
    """A span of whole days.

    Attributes:
        start: on the grid; names the window for good.
        days: from 1 to :data:`MOST_DAYS`; fewer than that in the newest window, which ends with the present day.
    """

    start: datetime
    days: int

    @property
    def end(self) -> datetime:
        """Return the first moment after it."""
        return self.start + self.days * DAY

    @property
    def key(self) -> str:
        """Return the name under which its seconds are kept."""
        return rfc3339(self.start)


def day_of(moment: datetime) -> datetime:
    """Return the start of the day a moment lies in, as the grid cuts days."""
    return moment - (moment - ORIGIN) % DAY


def windows(now: datetime, lookback_days: int) -> list[Window]:
    """Return the windows that cover this many days, the present one included, oldest first.

    A year takes 27 windows whenever it is asked for; 14 days take two, unless they are exactly one.
    """
    return covering(day_of(now) - (lookback_days - 1) * DAY, now)


def covering(since: datetime, now: datetime) -> list[Window]:
    """Return the windows from the one that holds ``since`` to the one that holds ``now``."""
    end = day_of(now) + DAY
    start = since - (since - ORIGIN) % LENGTH
    found = []
    while start < end:
        found.append(Window(start, min(LENGTH, end - start) // DAY))
        start += LENGTH
    return found


@dataclass(frozen=True)
class Coverage:
    """What earlier runs have read without a fault.

    Attributes:
        since: from when on every window has been read.
        until: when the last of these runs started.
        waiting: starts of windows that held something which had no place then and has one now.
    """

    since: datetime
    until: datetime
    waiting: frozenset[datetime] = frozenset()


def due(now: datetime, lookback_days: int, covered: Coverage | None) -> list[Window]:
    """Return the windows a run has to read.

    The whole look-back as long as there is no clean run over it; after that what had not settled when it was read, and
    what was waiting for a course or a learner that has come.
    """
    wanted = windows(now, lookback_days)
    if covered is None or covered.since > wanted[0].start:
        return wanted
    fresh = {window for window in wanted if window.end > covered.until - SETTLING}
    again = {window for window in windows(now, LONGEST_LOOKBACK_DAYS) if window.start in covered.waiting}
    return sorted(fresh | again)


def joined(coverage: Coverage | None, read: Iterable[Window], started_at: datetime) -> Coverage:
    """Return the coverage after a clean run over these windows."""
    oldest = min((window.start for window in read), default=started_at)
    since = min(oldest, coverage.since) if coverage else oldest
    return Coverage(since, started_at)
