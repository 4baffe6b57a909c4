"""Finds what the stream lost and releases it: unjudged statements, and held ones whose wait is over.

The stream keeps records for a day and can fail for longer; the sparse index of received and held statements has no such
limit. A sweep only releases statements and decides nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from coursebridge.apply.judge import Rules
from coursebridge.apply.release import SHARE, held, release
from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.records.identifiers import Identifier
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.table import chunks
from coursebridge.xapi.statement import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from coursebridge.storage.statement_outcomes import HeldReason
    from coursebridge.storage.table import Item, Table

CHANGED_LATELY = timedelta(days=1)
"""How long after a change of settings the sweep still releases what the change itself had no time for."""

IsDue: TypeAlias = "Callable[[IdentityItem, frozenset[str], frozenset[str]], bool]"
"""Tells if a wait is over, given the identity, the learners it meant at the time, and the inactive learners."""


@dataclass(frozen=True)
class Swept:
    """How many statements a sweep released, by what they waited for."""

    unjudged: int = 0
    waited_for_course: int = 0
    waited_for_learner: int = 0
    waited_for_rules: int = 0


def integrations(table: Table) -> Iterator[Item]:
    """Yield the items of all integrations."""
    yield from table.query_all(keys.INTEGRATIONS_PARTITION, index=keys.GSI1)


@dataclass(frozen=True)
class Sweep:
    """Sweeps one integration.

    Attributes:
        table: the application's table.
        integration: the item of the integration to sweep.
        now: the time of the sweep.
        lost_after: how long a statement waits to be judged before the stream counts as having lost it. A stream that
            is merely late still delivers it.
        time_is_up: whether to leave the rest to the next sweep.
    """

    table: Table
    integration: Item
    now: datetime
    lost_after: timedelta
    time_is_up: Callable[[], bool] = lambda: False

    @property
    def integration_id(self) -> str:
        """Return the id of the integration."""
        return str(self.integration["id"])

    def run(self) -> Swept:
        """Release what is due."""
        return Swept(
            unjudged=self._release(self._unjudged(), again=True),
            waited_for_course=self._release(self._course_has_come()),
            waited_for_learner=self._release(self._learner_has_come()),
            waited_for_rules=self._release(self._rules_have_changed()),
        )

    def _release(self, statement_ids: Iterator[str], *, again: bool = False) -> int:
        return release(
            self.table, self.integration_id, statement_ids, self.now, again=again, time_is_up=self.time_is_up
        )

    def _unjudged(self) -> Iterator[str]:
        """Yield statements that have been ``received`` for longer than ``lost_after``, oldest first."""
        pk = keys.pending_partition(self.integration_id)
        due = keys.received_until(rfc3339(self.now - self.lost_after))
        for item in self.table.query_all(pk, index=keys.GSI3, between=due):
            yield item["statement_id"]

    def _shares(self, reason: HeldReason) -> Iterator[list[Item]]:
        """Yield what is held for a reason in shares of ``SHARE``, until time is up."""
        for share in chunks(held(self.table, self.integration_id, reason), SHARE):
            if self.time_is_up():
                return
            yield share

    def _course_has_come(self) -> Iterator[str]:
        for share in self._shares("course_unknown"):
            places = {item["statement_id"]: keys.course(self.integration_id, item["awaited"]) for item in share}
            found = self.table.get_many(places.values(), consistent=False)
            yield from (statement_id for statement_id, place in places.items() if place in found)

    def _learner_has_come(self) -> Iterator[str]:
        is_open = self.integration["learner_matching"] == "open"
        yield from self._by_identity(
            "learner_unknown", lambda identity, meant, _inactive: bool(meant) or (is_open and identity.never_held)
        )
        yield from self._by_identity("learner_ambiguous", lambda _identity, meant, _inactive: len(meant) <= 1)
        yield from self._by_identity("learner_inactive", lambda _identity, meant, inactive: not meant & inactive)

    def _rules_have_changed(self) -> Iterator[str]:
        """Yield statements whose actor can be matched under settings that changed lately."""
        if self.now - parse_rfc3339(self.integration["updated_at"]) > CHANGED_LATELY:
            return
        rules = Rules.of(self.integration)
        reasons: tuple[HeldReason, ...] = ("actor_mismatch", "actor_unidentified")
        for reason in reasons:
            for share in self._shares(reason):
                places = [keys.statement(self.integration_id, item["statement_id"]) for item in share]
                found = self.table.get_many(places, consistent=False)
                yield from (item["statement_id"] for item in found.values() if rules.actor(facts_of(item)))

    def _by_identity(self, reason: HeldReason, is_due: IsDue) -> Iterator[str]:
        """Yield statements whose wait is over, judged by whom the identifier meant when the statement happened."""
        for share in self._shares(reason):
            wanted = {item["awaited"]: Identifier.awaiting(item["awaited"]) for item in share}
            places = {
                awaited: keys.identity(self.integration_id, *identifier) for awaited, identifier in wanted.items()
            }
            found = self.table.get_many(places.values(), consistent=False)
            identities = {
                awaited: IdentityItem.of(found.get(places[awaited]), self.integration_id, identifier)
                for awaited, identifier in wanted.items()
            }
            meant = {item["statement_id"]: _meant(identities[item["awaited"]], item) for item in share}
            inactive = self._inactive(set().union(*meant.values()))
            for item in share:
                statement_id = item["statement_id"]
                if is_due(identities[item["awaited"]], meant[statement_id], inactive):
                    yield statement_id

    def _inactive(self, learners: set[str]) -> frozenset[str]:
        places = (keys.learner(self.integration_id, learner_id) for learner_id in learners)
        found = self.table.get_many(places, consistent=False)
        return frozenset(item["id"] for item in found.values() if item["status"] != "active")


def _meant(identity: IdentityItem, pending: Item) -> frozenset[str]:
    return frozenset(meant.learner for meant in identity.meant(keys.timestamp_of_pending(pending)))
