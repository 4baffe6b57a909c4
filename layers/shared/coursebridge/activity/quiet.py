"""Decides whether LinkedIn has gone quiet, by comparing silence with an integration's own rhythm.

No threshold in hours suits everybody: a school is silent for weeks in summer, a bank never for an hour. The rhythm
therefore counts, for each of the 168 hours of a week, in how many of the weeks observed a statement was stored in that
hour. Each silent hour in which statements usually arrive adds to the surprise; an hour that is always silent adds
nothing. Two silent working days are suspicious; with only a few statements a week, it takes about a month.

The sweep keeps the rhythm up to date: from an integration's newest statement and one small item, which it writes at
most once an hour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.storage import keys

if TYPE_CHECKING:
    from coursebridge.storage.table import Item, Table

HOURS = 168
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
LEARNING = 2 * WEEK
MEMORY_WEEKS = 16
"""After this many weeks the older half is forgotten, so that the rhythm follows changes."""
MOST_PER_HOUR = 0.5
"""The highest probability of a statement assumed for any hour: a public holiday is not an outage."""
SUSPICIOUS = 12.0
"""The surprise, in nats, from which silence counts as quiet: about 17 hours in which statements have always come."""
RHYTHM = "rhythm"

State = Literal["learning", "normal", "quiet"]


@dataclass(frozen=True)
class Rhythm:
    """When statements come, by hour of the week (Monday 00:00 UTC is hour 0).

    Attributes:
        since: when observation began.
        active: for each hour of the week, the number of weeks in which a statement was stored in it.
        last_hour: the hour of the last statement counted.
    """

    since: datetime
    active: tuple[int, ...] = (0,) * HOURS
    last_hour: datetime | None = None

    def after(self, statement_at: datetime) -> Rhythm:
        """Return the rhythm with a statement's hour counted, unless it was counted already."""
        hour = _hour(statement_at)
        if self.last_hour is not None and hour <= self.last_hour:
            return self
        place = _of_week(hour)
        active = tuple(count + (number == place) for number, count in enumerate(self.active))
        return replace(self, active=active, last_hour=hour)

    def forgetful(self) -> Rhythm:
        """Return the rhythm, with its older half forgotten once it is long enough. Silence does not make it longer."""
        if self.last_hour is None or self.last_hour - self.since < MEMORY_WEEKS * WEEK:
            return self
        halved = tuple(math.ceil(count / 2) for count in self.active)
        return replace(self, since=self.last_hour - MEMORY_WEEKS // 2 * WEEK, active=halved)

    def surprise(self, now: datetime) -> float:
        """Return how surprising the silence since the last statement is, in nats, counting whole hours."""
        if self.last_hour is None:
            return 0.0
        weeks = max(1.0, (self.last_hour - self.since) / WEEK)
        total, hour = 0.0, self.last_hour + HOUR
        # A year of silence is surprising enough; more need not be computed.
        for _ in range(min((_hour(now) - hour) // HOUR, 52 * HOURS)):
            total -= math.log1p(-min(MOST_PER_HOUR, self.active[_of_week(hour)] / weeks))
            hour += HOUR
        return total

    def to_item(self, integration_id: str) -> Item:
        """Return the table item."""
        return {
            **keys.sync_state(integration_id, RHYTHM).item(),
            "entity": RHYTHM,
            "since": rfc3339(self.since),
            "active": list(self.active),
            "last_hour": rfc3339(self.last_hour) if self.last_hour else None,
        }

    @classmethod
    def from_item(cls, item: Item) -> Rhythm:
        """Read the table item."""
        last_hour = item["last_hour"]
        return cls(parse_rfc3339(item["since"]), tuple(item["active"]), parse_rfc3339(last_hour) if last_hour else None)


@dataclass(frozen=True)
class Judgement:
    """The verdict on an integration's silence.

    Attributes:
        state: ``learning`` in the first two weeks and before the first statement, then ``normal`` or ``quiet``.
        since: the hour of the last statement.
        surprise_percent: the surprise as a percentage of what is suspicious; 100 or more is ``quiet``.
    """

    state: State
    since: str | None
    surprise_percent: int

    def to_json(self) -> dict[str, object]:
        """Return the judgement as ``status`` shows it."""
        return {"state": self.state, "last_statement_hour": self.since, "surprise_percent": self.surprise_percent}


def judged(rhythm: Rhythm, now: datetime) -> Judgement:
    """Judge the silence from the last statement up to now."""
    percent = round(100 * rhythm.surprise(now) / SUSPICIOUS)
    since = rfc3339(rhythm.last_hour) if rhythm.last_hour else None
    if rhythm.last_hour is None or now - rhythm.since < LEARNING:
        return Judgement("learning", since, percent)
    return Judgement("quiet" if percent >= 100 else "normal", since, percent)  # noqa: PLR2004


def judge(table: Table, integration_id: str, now: datetime) -> Judgement:
    """Judge an integration by the rhythm that the sweep keeps; one read."""
    item = table.get(keys.sync_state(integration_id, RHYTHM), consistent=False)
    return judged(Rhythm.from_item(item) if item else Rhythm(now), now)


def listen(table: Table, integration_id: str, newest: datetime | None, now: datetime) -> Judgement:
    """Update an integration's rhythm and judge it; one read, and at most one write an hour.

    Args:
        table: the application's table.
        integration_id: the integration.
        newest: when its newest statement was stored, if there is one.
        now: the time.
    """
    item = table.get(keys.sync_state(integration_id, RHYTHM))
    before = Rhythm.from_item(item) if item else None
    if newest is None and before is None:
        return judged(Rhythm(now), now)
    # If a statement was stored before the first call, observation begins with it.
    after = before or Rhythm(min(now, newest or now))
    if newest is not None:
        after = after.after(newest)
    after = after.forgetful()
    if after != before:
        table.put(after.to_item(integration_id))
    return judged(after, now)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _of_week(hour: datetime) -> int:
    return hour.weekday() * 24 + hour.hour
