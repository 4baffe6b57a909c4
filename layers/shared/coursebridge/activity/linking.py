"""Finds the people in reports among the learners, and adds or links them where the integration's settings say so.

People are processed in batches: identities are read a hundred at a time, and changes are written in transactions of
many people. A refused transaction means another writer, most likely ``apply``; its people are then taken one by one.

One person can be two learners: named by one identifier in statements, and by another in reports that left out the
first. As soon as a report names them by both, and it is certain, the two are merged (:func:`~matching.one_person`).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge import audit
from coursebridge.activity.matching import Match, matched, one_person
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, NotFound, TooLarge, Unavailable
from coursebridge.ids import new_id
from coursebridge.observability import logger
from coursebridge.people.merging import Merging
from coursebridge.records.identifiers import normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import UNATTENDED, DatedIdentifier, Learner, read_learners
from coursebridge.storage.table import TransactionRefused, chunks, pauses, together, unchanged
from coursebridge.storage.tombstones import erased_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from coursebridge.activity.matching import Someone, Who
    from coursebridge.activity.roster import Roster
    from coursebridge.integrations.models import LearnerMatching
    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.table import Table

BATCH = 100
SOURCE = "report"


@dataclass(frozen=True)
class Rules:
    """The rules for people who are not learners yet.

    Attributes:
        matching: ``open`` adds unknown people, ``directory`` does not.
        since: when the run started; learners added from reports after that count as added by this run.
    """

    matching: LearnerMatching
    since: str


@dataclass(frozen=True)
class _Plan:
    someone: Someone
    match: Match
    actions: list[dict[str, Any]]
    added: bool = False
    raised: bool = False
    linked: bool = False
    profile_only: bool = False
    joined: bool = False
    two: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Snapshot:
    identities: Mapping[Identifier, IdentityItem]
    learners: Mapping[str, Learner]
    erased: frozenset[Identifier]


class Linker:
    """Finds, adds and links the learners of one integration.

    Args:
        table: the application's table.
        integration_id: the integration's id.
        rules: the rules for people who are not learners yet.
        pseudonym_key: returns the key for the digests of erased identifiers; called only if there are new identifiers.
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
        """Find all the people in the roster, and note there who they are.

        Returns:
            How many people were known, added, linked, unknown, ambiguous, inactive or erased; how many of the learners
            have only LinkedIn's own identifier, so that no statement can match them (``profile_only``); and how many
            people were two learners and are now one (``joined``).

        Raises:
            coursebridge.errors.Unavailable: the table is busy; a new attempt finds what was already written.
        """
        counts: Counter[str] = Counter()
        for batch in chunks(roster.people(), BATCH):
            for plan in self._settled(batch):
                match = plan.match
                roster.found(plan.someone.number, match)
                if plan.raised:
                    roster.raised(match.learner_id, match.version)
                counts["added" if plan.added else "known" if match.who == "learner" else match.who] += 1
                counts["linked"] += plan.linked
                counts.update(name for name in ("profile_only", "joined") if getattr(plan, name))
        return counts

    def _settled(self, batch: Sequence[Someone]) -> Iterable[_Plan]:
        snapshot = self._read(batch)
        plans = [self._plan(someone, snapshot) for someone in batch]
        # Two people in the reports lead to one learner if each is named by another of the learner's identifiers.
        for some in together([plan for plan in plans if plan.actions], lambda plan: {plan.match.learner_id}):
            yield from self._written(some)
        for plan in plans:
            if not plan.actions:
                yield self._joined(plan) if plan.two else plan

    def _written(self, plans: list[_Plan]) -> Iterable[_Plan]:
        try:
            self._table.transact([action for plan in plans for action in plan.actions])
        except TransactionRefused:
            return [self._alone(plan.someone) for plan in plans]
        return plans

    def _joined(self, plan: _Plan) -> _Plan:
        """Merge two learners, or continue their merge."""
        survivor, other = plan.two or ("", "")
        merging = Merging(self._table, self._integration_id)
        try:
            (merging.merge if plan.match.who == "ambiguous" else merging.go_on)(survivor, other)
        except (Conflict, NotFound, TooLarge):
            # Somebody is merging, parting or erasing them, or their records of a course do not fit into one.
            return self._alone(plan.someone)
        told = {"merged": other, "because": "LinkedIn names one person by the identifiers of both"}
        audit.record(self._table, audit.Entry("system", "learner.merged", survivor, self._integration_id, after=told))
        logger.info("two learners are one person", learner=survivor, merged=other)
        return replace(self._alone(plan.someone), joined=True)

    def _alone(self, someone: Someone) -> _Plan:
        """Process one person whose learner others may be changing at the same time."""
        for pause in pauses():
            plan = self._plan(someone, self._read([someone]))
            try:
                if plan.actions:
                    self._table.transact(plan.actions)
            except TransactionRefused:
                time.sleep(pause)
            else:
                return plan
        raise Unavailable("other writers kept changing the same learner")

    def _read(self, batch: Sequence[Someone]) -> _Snapshot:
        wanted = {
            keys.identity(self._integration_id, *identifier): identifier
            for someone in batch
            for identifier in someone.identifiers
        }
        items = self._table.get_many(wanted)
        identities = {wanted[key]: IdentityItem.from_item(item) for key, item in items.items()}
        ids = {learner_id for identity in identities.values() for learner_id in identity.meant_now}
        learners = read_learners(self._table, self._integration_id, ids)
        news = [identifier for someone in batch for identifier in self._nobodys(someone, identities, learners)]
        return _Snapshot(identities, learners, self._erased(news))

    def _nobodys(
        self, someone: Someone, identities: Mapping[Identifier, IdentityItem], learners: Mapping[str, Learner]
    ) -> list[Identifier]:
        """Return the unheld identifiers that this person should get; callers still check them for erased people.

        A person who matches nobody gets all of them, and every learner gets LinkedIn's own. With ``open`` matching, a
        learner added from a statement or a report also gets the others, so that statements find them: one of each kind
        that they lack, if there is only one. Learners whom somebody entered get their others from the directory alone.
        An identifier that the learner used to have is never given back.
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
            identifier
            for identifier in someone.identifiers
            if identifier not in had and (identifier not in identities or not identities[identifier].live)
        ]
        return [
            identifier
            for identifier in free
            if identifier.kind == "profile_urn"
            or (
                is_told
                and identifier.kind not in has
                and len([other for other in free if other.kind == identifier.kind]) == 1
            )
        ]

    def _erased(self, strangers: Sequence[Identifier]) -> frozenset[Identifier]:
        """Return those of these identifiers that belonged to a person who was erased."""
        if not strangers:
            return frozenset()
        return erased_among(self._table, self._integration_id, strangers, self._pseudonym_key())

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
        # As with statements, an identifier that somebody once held never adds a learner.
        was_held = any(
            not snapshot.identities[identifier].never_held
            for identifier in someone.identifiers
            if identifier in snapshot.identities
        )
        if who == "erased" or was_held or self._rules.matching == "directory":
            return _Plan(someone, Match(who), [])
        learner = Learner(
            self._integration_id,
            new_id(),
            self._now,
            identifiers=tuple(DatedIdentifier(*identifier, self._now) for identifier in someone.identifiers),
            enterprise_groups=someone.groups,
            unique_user_id=someone.unique_user_id,
            name=someone.name,
            source=SOURCE,
        )
        actions = [self._table.put_action(learner.to_item(), **unchanged(0))]
        actions += [self._held(identifier, learner.id, learner.id, snapshot) for identifier in someone.identifiers]
        match = Match("learner", learner.id, learner.id, learner.version)
        return _Plan(someone, match, actions, added=True, profile_only=_is_profile_only(learner))

    def _linked(self, someone: Someone, match: Match, learner: Learner, snapshot: _Snapshot) -> _Plan:
        """Plan to add to a learner what is new: identifiers, what LinkedIn alone knows, and a name if there is none."""
        news = [
            identifier
            for identifier in self._nobodys(someone, snapshot.identities, snapshot.learners)
            if identifier.kind == "profile_urn" or identifier not in snapshot.erased
        ]
        match = replace(match, version=learner.version)
        added = learner.source == SOURCE and learner.created_at >= self._rules.since
        told = replace(
            learner,
            identifiers=(*learner.identifiers, *(DatedIdentifier(*identifier, self._now) for identifier in news)),
            enterprise_groups=someone.groups or learner.enterprise_groups,
            name=learner.name or someone.name,
        )
        told = replace(told, unique_user_id=_unique_user_id(told, someone))
        if told == learner:
            return _Plan(someone, match, [], added=added, profile_only=_is_profile_only(learner))
        after = replace(told, updated_at=self._now, version=learner.version + 1)
        actions = [self._table.put_action(after.to_item(), **unchanged(learner.version))]
        actions += [self._held(identifier, learner.id, match.origin, snapshot) for identifier in news]
        return _Plan(
            someone,
            replace(match, version=after.version),
            actions,
            added=added,
            raised=True,
            linked=bool(news),
            profile_only=_is_profile_only(after),
        )

    def _held(self, identifier: Identifier, learner_id: str, origin: str, snapshot: _Snapshot) -> dict[str, Any]:
        """Return the action that gives an identifier to a learner, provided its identity is unchanged."""
        before = snapshot.identities.get(identifier) or IdentityItem(self._integration_id, identifier)
        after = before.held_by(learner_id, self._now, origin)
        return self._table.put_action(after.to_item(), **unchanged(before.version))


def _unique_user_id(learner: Learner, someone: Someone) -> str | None:
    """Return the learner's id at LinkedIn.

    Where several people in the reports lead to one learner, the one who has the learner's current profile counts, or
    the learner would change with each of them in every run.
    """
    profile = learner.current("profile_urn")
    counts = learner.unique_user_id is None or (
        profile is not None and normalised("profile_urn", profile) in someone.identifiers
    )
    return (someone.unique_user_id if counts else None) or learner.unique_user_id


def _is_profile_only(learner: Learner) -> bool:
    """Whether a learner has only LinkedIn's own identifier, so that no statement can match them."""
    return all(dated.type == "profile_urn" for dated in learner.identifiers if dated.until is None)
