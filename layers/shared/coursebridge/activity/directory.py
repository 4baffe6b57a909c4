"""The people reports tell of, found among the learners, added or linked where the integration's settings say so.

Everybody is dealt with in batches: identities are read a hundred a call, and what changes is written in transactions of
many people. A refused transaction means another writer, most likely ``apply``; its people are then taken one by one.

Somebody can be two learners: named by one identifier in statements, and by another in reports that did not tell the
first. As soon as a report names them by both, and it is certain, the two become one (:func:`~people.one_person`).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge import audit
from coursebridge.activity.people import Match, matched, one_person
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, NotFound, TooLarge, Unavailable
from coursebridge.ids import new_id
from coursebridge.observability import logger
from coursebridge.people.merging import Merging
from coursebridge.records.identifiers import digest
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import UNATTENDED, DatedIdentifier, Learner
from coursebridge.storage.table import TRANSACTION, TransactionRefused, chunks, pauses, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from coursebridge.activity.people import Someone, Who
    from coursebridge.activity.roster import Roster
    from coursebridge.integrations.models import LearnerMatching
    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.table import Table

BATCH = 100
SOURCE = "report"


@dataclass(frozen=True)
class Rules:
    """What decides about people.

    Attributes:
        matching: ``open`` adds unknown people, ``directory`` does not.
        since: when the run started; who was added from reports after that was added by it.
    """

    matching: LearnerMatching
    since: str


@dataclass(frozen=True)
class _Plan:
    someone: Someone
    match: Match
    actions: list[dict[str, Any]]
    added: bool = False
    linked: bool = False
    profile_only: bool = False
    joined: bool = False
    two: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Snapshot:
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

    def find(self, roster: Roster) -> Counter[str]:
        """Find everybody, and note in the roster who they are.

        Returns:
            How many people were known, added, linked, unknown, ambiguous, inactive or erased; how many of the learners
            are known by LinkedIn's own identifier alone, so that no statement can find them (``profile_only``); how
            many were two learners and are one now (``joined``).

        Raises:
            coursebridge.errors.Unavailable: the table is busy; what was written is found when it is tried again.
        """
        counts: Counter[str] = Counter()
        for batch in chunks(roster.people(), BATCH):
            for plan in self._settled(batch):
                match = plan.match
                roster.found(plan.someone.number, match)
                counts["added" if plan.added else "known" if match.who == "learner" else match.who] += 1
                counts["linked"] += plan.linked
                counts.update(name for name in ("profile_only", "joined") if getattr(plan, name))
        return counts

    def _settled(self, batch: Sequence[Someone]) -> Iterable[_Plan]:
        snapshot = self._read(batch)
        writing: list[_Plan] = []
        for plan in [self._plan(someone, snapshot) for someone in batch]:
            if not plan.actions:
                yield self._joined(plan) if plan.two else plan
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

    def _joined(self, plan: _Plan) -> _Plan:
        """Make two learners one, or go on with that."""
        survivor, other = plan.two or ("", "")
        merging = Merging(self._table, self._integration_id)
        try:
            (merging.merge if plan.match.who == "ambiguous" else merging.go_on)(survivor, other)
        except (Conflict, NotFound, TooLarge):
            # Others are merging, parting or erasing them, or both records of a course do not fit into one.
            return self._alone(plan.someone)
        told = {"merged": other, "because": "LinkedIn names one person by the identifiers of both"}
        audit.record(self._table, audit.Entry("system", "learner.merged", survivor, self._integration_id, after=told))
        logger.info("two learners are one person", learner=survivor, merged=other)
        return replace(self._alone(plan.someone), joined=True)

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

    def _read(self, batch: Sequence[Someone]) -> _Snapshot:
        wanted = {keys.identity(self._integration_id, *one): one for someone in batch for one in someone.identifiers}
        items = self._table.get_many(wanted)
        identities = {wanted[key]: IdentityItem.from_item(item) for key, item in items.items()}
        ids = {learner_id for identity in identities.values() for learner_id in identity.meant_now}
        items = self._table.get_many(keys.learner(self._integration_id, learner_id) for learner_id in ids)
        learners = {item["id"]: Learner.from_item(item) for item in items.values()}
        news = [one for someone in batch for one in self._nobodys(someone, identities, learners)]
        return _Snapshot(identities, learners, self._erased(news))

    def _nobodys(
        self, someone: Someone, identities: Mapping[Identifier, IdentityItem], learners: Mapping[str, Learner]
    ) -> list[Identifier]:
        """Return the identifiers of nobody that are to be given to this person, provided that nobody erased had them.

        LinkedIn's own go to every learner. Its others go to those nobody entered, whom a statement might not find
        without: one of a kind, for what it says of whom somebody entered is for the directory to say. What a learner
        had before is not given back.
        """
        match = matched(someone, identities, learners)
        if match is None:
            return list(someone.identifiers)
        learner = learners.get(match.learner_id)
        if learner is None:
            return []
        is_told = self._rules.matching == "open" and learner.source in UNATTENDED
        has = {dated.type for dated in learner.identifiers if dated.until is None}
        had = {dated.identifier for dated in learner.identifiers}
        free = [
            one for one in someone.identifiers if one not in had and (one not in identities or not identities[one].live)
        ]
        return [
            one
            for one in free
            if one.kind == "profile_urn"
            or (is_told and one.kind not in has and len([other for other in free if other.kind == one.kind]) == 1)
        ]

    def _erased(self, strangers: Sequence[Identifier]) -> frozenset[Identifier]:
        """Return those identifiers of nobody that belonged to a person who was erased."""
        if not strangers:
            return frozenset()
        key = self._pseudonym_key()
        stones = {keys.tombstone(self._integration_id, digest(one, key)): one for one in strangers}
        return frozenset(stones[found] for found in self._table.get_many(stones))

    def _plan(self, someone: Someone, snapshot: _Snapshot) -> _Plan:
        match = matched(someone, snapshot.identities, snapshot.learners)
        if match is None:
            return self._stranger(someone, snapshot)
        learner = snapshot.learners.get(match.learner_id)
        if match.who != "learner":
            pair = one_person(someone, snapshot.identities, snapshot.learners)
            return _Plan(someone, match, [], two=(pair[0].id, pair[1].id) if pair else None)
        if learner is None or not learner.is_active:
            return _Plan(someone, Match("inactive"), [])
        if learner.joining:
            return _Plan(someone, match, [], two=(learner.id, learner.joining[0]))
        return self._linked(someone, match, learner, snapshot)

    def _stranger(self, someone: Someone, snapshot: _Snapshot) -> _Plan:
        who: Who = "erased" if snapshot.erased & someone.identifiers.keys() else "unknown"
        # An identifier that was somebody's makes nobody new, as with statements.
        was_held = any(
            not snapshot.identities[one].never_held for one in someone.identifiers if one in snapshot.identities
        )
        if who == "erased" or was_held or self._rules.matching == "directory":
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
        actions += [self._held(one, learner.id, learner.id, snapshot) for one in someone.identifiers]
        match = Match("learner", learner.id, learner.id)
        return _Plan(someone, match, actions, added=True, profile_only=_is_profile_only(learner))

    def _linked(self, someone: Someone, match: Match, learner: Learner, snapshot: _Snapshot) -> _Plan:
        """Remember identifiers and groups of a learner, if they are news."""
        news = [
            one
            for one in self._nobodys(someone, snapshot.identities, snapshot.learners)
            if one.kind == "profile_urn" or one not in snapshot.erased
        ]
        added = learner.source == SOURCE and learner.created_at >= self._rules.since
        groups = someone.groups or learner.enterprise_groups
        if not news and groups == learner.enterprise_groups:
            return _Plan(someone, match, [], added=added, profile_only=_is_profile_only(learner))
        after = replace(
            learner,
            identifiers=(*learner.identifiers, *(DatedIdentifier(*one, self._now) for one in news)),
            enterprise_groups=groups,
            updated_at=self._now,
            version=learner.version + 1,
        )
        actions = [self._table.put_action(after.to_item(), **unchanged(learner.version))]
        actions += [self._held(one, learner.id, match.origin, snapshot) for one in news]
        return _Plan(someone, match, actions, added=added, linked=bool(news), profile_only=_is_profile_only(after))

    def _held(self, one: Identifier, learner_id: str, origin: str, snapshot: _Snapshot) -> dict[str, Any]:
        """Return the action that gives an identifier to a learner, provided nobody has done so meanwhile."""
        before = snapshot.identities.get(one) or IdentityItem(self._integration_id, one)
        after = before.held_by(learner_id, self._now, origin)
        return self._table.put_action(after.to_item(), **unchanged(before.version))


def _is_profile_only(learner: Learner) -> bool:
    """Whether a learner is known by LinkedIn's own identifier alone, so that no statement can find them."""
    return all(dated.type == "profile_urn" for dated in learner.identifiers if dated.until is None)
