"""The people reports tell of, found among the learners, added or linked where the integration's settings say so.

Everybody is dealt with in batches: identities are read a hundred a call, and what changes is written in transactions of
many people. A refused transaction means another writer, most likely ``apply``; its people are then taken one by one.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.activity.people import Match, matched
from coursebridge.clock import rfc3339
from coursebridge.errors import Unavailable
from coursebridge.ids import new_id
from coursebridge.records.identifiers import digest
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner, unchanged
from coursebridge.storage.table import TRANSACTION, TransactionRefused, chunks, pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from coursebridge.activity.people import Someone, Who
    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.table import Table

BATCH = 100
UNKNOWN_SHOWN = 200
SOURCE = "report"


@dataclass(frozen=True)
class Rules:
    """What decides about people.

    Attributes:
        matching: ``open`` adds unknown people, ``directory`` does not.
        since: when the run started; who was added from reports after that was added by it.
    """

    matching: Literal["directory", "open"]
    since: str


@dataclass
class Found:
    """What became of everybody.

    Attributes:
        people: what everybody's identifiers lead to.
        index: by identifier (``kind:value``), which of them it is.
        counts: how many people were known, added, linked, unknown, ambiguous, inactive or erased.
        unknown: identifiers of unknown people, one each, the first two hundred.
    """

    people: list[Match] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    unknown: list[Identifier] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what tasks that come later need."""
        return {"people": [[one.who, one.learner_id, one.origin] for one in self.people], "index": self.index}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Found:
        """Read it again."""
        return cls([Match(*one) for one in told["people"]], told["index"])


@dataclass(frozen=True)
class _Plan:
    someone: Someone
    match: Match
    actions: list[dict[str, Any]]
    added: bool = False
    linked: bool = False


@dataclass(frozen=True)
class _Known:
    identities: Mapping[Identifier, IdentityItem]
    learners: Mapping[str, Learner]
    erased: frozenset[Identifier]


class Directory:
    """Finds, adds and links the learners of one integration.

    Args:
        table: the application's table.
        integration_id: whose learners.
        rules: what decides about people.
        pseudonym_key: returns the key of the digests of erased identifiers; asked only when somebody is unknown.
        now: the time of this run's writes.
    """

    def __init__(
        self, table: Table, integration_id: str, rules: Rules, pseudonym_key: Callable[[], str], now: datetime
    ) -> None:
        self._table = table
        self._integration_id = integration_id
        self._rules = rules
        self._pseudonym_key = pseudonym_key
        self._now = rfc3339(now)

    def find(self, people: Iterable[Someone]) -> Found:
        """Find everybody.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; what was written is found when it is tried again.
        """
        found = Found()
        for batch in chunks(people, BATCH):
            for plan in self._settled(batch):
                self._note(found, plan)
        return found

    def _note(self, found: Found, plan: _Plan) -> None:
        match = plan.match
        found.index.update((one.awaited, len(found.people)) for one in plan.someone.identifiers)
        found.people.append(match)
        found.counts["added" if plan.added else "known" if match.who == "learner" else match.who] += 1
        found.counts["linked"] += plan.linked
        if match.who == "unknown" and len(found.unknown) < UNKNOWN_SHOWN:
            found.unknown.append(next(iter(plan.someone.identifiers)))

    def _settled(self, batch: Sequence[Someone]) -> Iterable[_Plan]:
        known = self._read(batch)
        writing: list[_Plan] = []
        for plan in [self._plan(someone, known) for someone in batch]:
            if not plan.actions:
                yield plan
                continue
            if sum(len(other.actions) for other in writing) + len(plan.actions) > TRANSACTION:
                yield from self._written(writing)
                writing = []
            writing.append(plan)
        yield from self._written(writing)

    def _written(self, plans: list[_Plan]) -> Iterable[_Plan]:
        if not plans:
            return plans
        try:
            self._table.transact([action for plan in plans for action in plan.actions])
        except TransactionRefused as refused:
            if not refused.contended:
                raise Unavailable("the table is busy") from refused
            return [self._alone(plan.someone) for plan in plans]
        return plans

    def _alone(self, someone: Someone) -> _Plan:
        """Deal with one person whom others may be writing at the same time."""
        for pause in pauses():
            plan = self._plan(someone, self._read([someone]))
            try:
                if plan.actions:
                    self._table.transact(plan.actions)
            except TransactionRefused as refused:
                if not refused.contended:
                    raise Unavailable("the table is busy") from refused
                time.sleep(pause)
            else:
                return plan
        raise Unavailable("other writers kept changing the same learner")

    def _read(self, batch: Sequence[Someone]) -> _Known:
        wanted = {keys.identity(self._integration_id, *one): one for someone in batch for one in someone.identifiers}
        items = self._table.get_many(wanted)
        identities = {wanted[key]: IdentityItem.from_item(item) for key, item in items.items()}
        ids = {learner_id for identity in identities.values() for learner_id in identity.live}
        learners = self._table.get_many(keys.learner(self._integration_id, learner_id) for learner_id in ids)
        strangers = [one for someone in batch if not matched(someone, identities) for one in someone.identifiers]
        return _Known(
            identities,
            {item["id"]: Learner.from_item(item) for item in learners.values()},
            self._erased(strangers),
        )

    def _erased(self, strangers: Sequence[Identifier]) -> frozenset[Identifier]:
        """Return those identifiers of nobody that belonged to a person who was erased."""
        if not strangers:
            return frozenset()
        key = self._pseudonym_key()
        stones = {keys.tombstone(self._integration_id, digest(one, key)): one for one in strangers}
        return frozenset(stones[found] for found in self._table.get_many(stones))

    def _plan(self, someone: Someone, known: _Known) -> _Plan:
        match = matched(someone, known.identities)
        if match is None:
            return self._stranger(someone, known)
        learner = known.learners.get(match.learner_id)
        if match.who != "learner":
            return _Plan(someone, match, [])
        if learner is None or not learner.is_listed or learner.status != "active":
            return _Plan(someone, Match("inactive"), [])
        return self._linked(someone, match, learner, known)

    def _stranger(self, someone: Someone, known: _Known) -> _Plan:
        who: Who = "erased" if known.erased & someone.identifiers.keys() else "unknown"
        if who == "erased" or self._rules.matching == "directory":
            return _Plan(someone, Match(who), [])
        learner = Learner(
            self._integration_id,
            new_id(),
            self._now,
            identifiers=tuple(DatedIdentifier(*one, self._now) for one in someone.identifiers),
            enterprise_groups=someone.groups,
            name=someone.name,
            source=SOURCE,
        )
        actions = [self._table.put_action(learner.to_item(), **unchanged(0))]
        actions += [self._held(one, learner.id, learner.id, known) for one in someone.identifiers]
        return _Plan(someone, Match("learner", learner.id, learner.id), actions, added=True)

    def _linked(self, someone: Someone, match: Match, learner: Learner, known: _Known) -> _Plan:
        """Remember LinkedIn's own identifier and groups of a learner, if they are news."""
        profiles = [one for one in someone.identifiers if one.kind == "profile_urn"]
        news = [one for one in profiles if one not in known.identities or not known.identities[one].live]
        added = learner.source == SOURCE and learner.created_at >= self._rules.since
        groups = someone.groups or learner.enterprise_groups
        if not news and groups == learner.enterprise_groups:
            return _Plan(someone, match, [], added=added)
        after = replace(
            learner,
            identifiers=(*learner.identifiers, *(DatedIdentifier(*one, self._now) for one in news)),
            enterprise_groups=groups,
            updated_at=self._now,
            version=learner.version + 1,
        )
        actions = [self._table.put_action(after.to_item(), **unchanged(learner.version))]
        actions += [self._held(one, learner.id, match.origin, known) for one in news]
        return _Plan(someone, match, actions, added=added, linked=bool(news))

    def _held(self, one: Identifier, learner_id: str, origin: str, known: _Known) -> dict[str, Any]:
        """Return the action that gives an identifier to a learner, provided nobody has done so meanwhile."""
        before = known.identities.get(one) or IdentityItem(self._integration_id, one)
        after = before.held_by(learner_id, self._now, origin)
        return self._table.put_action(after.to_item(), **unchanged(before.version))
