"""Whether LinkedIn has gone quiet: silence judged against an integration's own rhythm.

A threshold in hours suits nobody: a school is silent for weeks in summer, a bank never for an hour. So for each of the
168 hours of a week it is kept in how many of the weeks observed a statement was stored in that hour. Each hour that
passes in silence though statements usually come in it adds to the surprise; an hour in which there are none anyway adds
nothing. Two working days of silence are suspicious; so is a month, where there are a few statements a week.

The sweep keeps the rhythm: it reads the newest statement of an integration and one small item, and writes that item at
the most once an hour.
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
"""After so many weeks the older half is forgotten, so that the rhythm keeps up."""
MOST_PER_HOUR = 0.5
"""However sure an hour is, its silence counts no more than that: a public holiday is not an outage."""
SUSPICIOUS = 12.0
"""The surprise, in nats, from which silence is told: some 17 hours in each of which statements always came."""
RHYTHM = "rhythm"

State = Literal["learning", "normal", "quiet"]


@dataclass(frozen=True)
class Rhythm:
    """When statements come, by hour of the week (Monday 00:00 UTC is hour 0).

    Attributes:
        since: from when on it was observed.
        active: for each hour of the week, in how many weeks a statement was stored in it.
        last_hour: the hour of the last statement that was counted.
    """

    since: datetime
    active: tuple[int, ...] = (0,) * HOURS
    last_hour: datetime | None = None

    def after(self, statement_at: datetime) -> Rhythm:
        """Return the rhythm with the hour of a statement counted, once."""
        hour = _hour(statement_at)
        if self.last_hour is not None and hour <= self.last_hour:
            return self
        place = _of_week(hour)
        active = tuple(count + (number == place) for number, count in enumerate(self.active))
        return replace(self, active=active, last_hour=hour)

    def forgetful(self) -> Rhythm:
        """Return the rhythm with its older half forgotten, when it is long enough. Silence makes nothing forgotten."""
        if self.last_hour is None or self.last_hour - self.since < MEMORY_WEEKS * WEEK:
            return self
        halved = tuple(math.ceil(count / 2) for count in self.active)
        return replace(self, since=self.last_hour - MEMORY_WEEKS // 2 * WEEK, active=halved)

    def surprise(self, now: datetime) -> float:
        """Return how surprising the silence since the last statement is, in nats; whole hours count."""
        if self.last_hour is None:
            return 0.0
        weeks = max(1.0, (self.last_hour - self.since) / WEEK)
        total, hour = 0.0, self.last_hour + HOUR
        # Nobody needs to know how surprising more than a year is.
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
    """What the silence of an integration means.

    Attributes:
        state: ``learning`` in the first two weeks and before the first statement, then ``normal`` or ``quiet``.
        since: the hour of the last statement.
        surprise_percent: how far the silence is on its way to being suspicious; 100 and more is ``quiet``.
    """

    state: State
    since: str | None
    surprise_percent: int

    def to_json(self) -> dict[str, object]:
        """Return it as ``status`` shows it."""
        return {"state": self.state, "last_statement_hour": self.since, "surprise_percent": self.surprise_percent}


def judged(rhythm: Rhythm, now: datetime) -> Judgement:
    """Judge the silence up to now."""
    percent = round(100 * rhythm.surprise(now) / SUSPICIOUS)
    since = rfc3339(rhythm.last_hour) if rhythm.last_hour else None
    if rhythm.last_hour is None or now - rhythm.since < LEARNING:
        return Judgement("learning", since, percent)
    return Judgement("quiet" if percent >= 100 else "normal", since, percent)  # noqa: PLR2004


def judge(table: Table, integration_id: str, now: datetime) -> Judgement:
    """Judge an integration from what the sweep keeps; one read."""
    item = table.get(keys.sync_state(integration_id, RHYTHM), consistent=False)
    return judged(Rhythm.from_item(item) if item else Rhythm(now), now)


def listen(table: Table, integration_id: str, now: datetime) -> Judgement:
    """Keep an integration's rhythm up and judge it; two reads, and a write at the most once an hour."""
    item = table.get(keys.sync_state(integration_id, RHYTHM))
    before = Rhythm.from_item(item) if item else None
    newest = _newest_statement(table, integration_id)
    if newest is None and before is None:
        return judged(Rhythm(now), now)
    # Statements that were stored before anybody listened say since when there was something to hear.
    after = before or Rhythm(min(now, newest or now))
    if newest is not None:
        after = after.after(newest)
    after = after.forgetful()
    if after != before:
        table.put(after.to_item(integration_id))
    return judged(after, now)


def _newest_statement(table: Table, integration_id: str) -> datetime | None:
    pk = keys.statements_partition(integration_id)
    page = table.query(pk, index=keys.GSI1, limit=1, ascending=False, attributes=("stored_at",))
    return parse_rfc3339(page.items[0]["stored_at"]) if page.items else None


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _of_week(hour: datetime) -> int:
    return hour.weekday() * 24 + hour.hour
