"""The windows in which activity reports are read: at most 14 days each, disjoint, on boundaries that never move.

LinkedIn answers a request for more than 14 days with a 500. Seconds viewed are reported per window and summed up, so a
window must mean the same period whenever it is read. Windows are therefore cut from a fixed grid instead of being
counted back from now, and reading one again replaces what it said before.

The grid starts at midnight Pacific Standard Time, because that is where LinkedIn's days begin. It is a grid of absolute
time, which daylight saving does not move. While daylight saving is in force, LinkedIn's midnight is an hour earlier,
which shifts all windows alike.
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
"""Reports lag behind: activity younger than this when it is read is read again later."""


@dataclass(frozen=True, order=True)
class Window:
    """A span of whole days.

    Attributes:
        start: a point of the grid, which permanently identifies the window.
        days: from 1 to :data:`MOST_DAYS`; only the newest window, which ends with the current day, may have fewer.
    """

    start: datetime
    days: int

    @property
    def end(self) -> datetime:
        """Return the first moment after the window."""
        return self.start + self.days * DAY

    @property
    def key(self) -> str:
        """Return the name under which the window's seconds are kept."""
        return rfc3339(self.start)


def day_of(moment: datetime) -> datetime:
    """Return the start of the grid's day that contains a moment."""
    return moment - (moment - ORIGIN) % DAY


def windows(now: datetime, lookback_days: int) -> list[Window]:
    """Return the windows that cover this many days, today included, oldest first.

    A year always takes 27 windows; 14 days take two, unless they coincide with one.
    """
    return covering(day_of(now) - (lookback_days - 1) * DAY, now)


def covering(since: datetime, now: datetime) -> list[Window]:
    """Return the windows from the one that contains ``since`` to the one that contains ``now``."""
    end = day_of(now) + DAY
    start = since - (since - ORIGIN) % LENGTH
    found = []
    while start < end:
        found.append(Window(start, min(LENGTH, end - start) // DAY))
        start += LENGTH
    return found


@dataclass(frozen=True)
class Coverage:
    """What earlier clean runs have read.

    Attributes:
        since: the time from which every window has been read.
        until: when the last of these runs started.
        waiting: the starts of windows with activity that could not be placed then but can be now.
    """

    since: datetime
    until: datetime
    waiting: frozenset[datetime] = frozenset()


def due(now: datetime, lookback_days: int, covered: Coverage | None) -> list[Window]:
    """Return the windows that a run has to read.

    That is the whole look-back until a clean run has covered it; after that, windows that had not settled when they
    were read or have not been read since, and windows with activity that was waiting for a course or learner now known.
    If the last clean run was longer ago than the look-back, this reaches further back, by up to a year: the coverage
    that :func:`joined` returns must have no hole.
    """
    wanted = windows(now, lookback_days)
    if covered is None or covered.since > wanted[0].start:
        return wanted
    reach = windows(now, LONGEST_LOOKBACK_DAYS)
    fresh = {window for window in reach if window.start >= covered.since and window.end > covered.until - SETTLING}
    again = {window for window in reach if window.start in covered.waiting}
    return sorted(fresh | again)


def joined(coverage: Coverage | None, read: Iterable[Window], started_at: datetime) -> Coverage:
    """Return the coverage after a clean run over these windows."""
    oldest = min((window.start for window in read), default=started_at)
    since = min(oldest, coverage.since) if coverage else oldest
    return Coverage(since, started_at)
