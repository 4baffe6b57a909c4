"""Plans the transaction that settles the statements of one person."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from coursebridge.apply import judge
from coursebridge.clock import rfc3339
from coursebridge.ids import new_id
from coursebridge.records.evidence import union
from coursebridge.storage import keys, statement_outcomes
from coursebridge.storage.learners import DatedIdentifier, Learner
from coursebridge.storage.statement_outcomes import ERASED, Verdict
from coursebridge.storage.table import unchanged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coursebridge.apply.reading import BatchSnapshot, Pending, Whom
    from coursebridge.storage.identities import IdentityItem
    from coursebridge.storage.records import Record
    from coursebridge.storage.table import Item, Table

Outcomes = Counter[tuple[Verdict, str | None]]
"""How many statements got which verdict (with ``awaited`` left out), by the API request that brought them."""


@dataclass
class Person:
    """The learner the statements belong to, or why there is none.

    Attributes:
        identity: the identity they are matched by, as it was read.
        verdict: the verdict on all of them; ``None`` if each is judged by itself.
        learner: the learner they belong to.
        origin: the id of the learner whose evidence they are (see ``Record.parts``).
        new: whether the learner is yet to be added.
    """

    identity: IdentityItem | None = None
    verdict: Verdict | None = None
    learner: Learner | None = None
    origin: str = ""
    new: bool = False


@dataclass
class Plan:
    """A transaction under construction.

    Attributes:
        actions: the actions of the transaction.
        settles: for each action, the index in ``group`` of the statement it settles, if any.
        writes: the items it puts.
        outcomes: how many statements of which request get which verdict.
    """

    table: Table
    snapshot: BatchSnapshot
    group: Sequence[Pending]
    now: str
    actions: list[dict[str, Any]] = field(default_factory=list)
    settles: list[int | None] = field(default_factory=list)
    writes: list[Item] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Counter)

    def put(self, item: Item, version: int) -> None:
        """Put an item, on condition that the stored one still has this version."""
        self.writes.append(item)
        self._add(self.table.put_action(item, **unchanged(version)))

    def check(self, key: keys.Key, version: int) -> None:
        """Make the transaction depend on a stored item still having this version."""
        self._add(self.table.check_action(key, **unchanged(version)))

    def settle(
        self, number: int, verdict: Verdict, learner_id: str | None = None, attempt_id: str | None = None
    ) -> None:
        """Give a statement its outcome."""
        item = self.group[number].item
        self.outcomes[replace(verdict, awaited=""), item.get("request_id")] += 1
        if verdict.reason == ERASED:
            action = statement_outcomes.empty(self.table, item, self.now, only_received=True)
        else:
            decisive = self.snapshot.rules.actor(self.group[number].facts)
            action = statement_outcomes.settle(self.table, item, verdict, self.now, learner_id, attempt_id, decisive)
        self._add(action, number)

    def turn(self, before: Record, after: Record, settled: Sequence[str]) -> None:
        """Correct the outcomes of statements settled earlier, as the change of the record requires."""
        for action in statement_outcomes.turns(self.table, before, after, self.now, settled=settled):
            self._add(action)

    def _add(self, action: dict[str, Any], settles: int | None = None) -> None:
        self.actions.append(action)
        self.settles.append(settles)


def make(table: Table, snapshot: BatchSnapshot, group: Sequence[Pending], now: str) -> Plan:
    """Return the plan that settles statements about the same person."""
    plan = Plan(table, snapshot, group, now)
    person = _person(snapshot, snapshot.whom(group[0]), now)
    to_apply: dict[str, list[int]] = defaultdict(list)
    missing: set[str] = set()
    for number, pending in enumerate(group):
        verdict = _verdict(pending, person, snapshot)
        if verdict is None:
            to_apply[pending.urn].append(number)
            continue
        if verdict.reason == "course_unknown":
            missing.add(pending.urn)
        plan.settle(number, verdict)
    for urn in sorted(missing):
        plan.check(keys.course(snapshot.integration_id, urn), 0)
    _secure(plan, person, applying=bool(to_apply))
    for urn, numbers in to_apply.items():
        _apply(plan, person, urn, numbers)
    return plan


def hold(table: Table, snapshot: BatchSnapshot, pending: Pending, verdict: Verdict, now: str) -> Plan:
    """Return the plan that gives one statement this verdict, whatever it says."""
    plan = Plan(table, snapshot, [pending], now)
    plan.settle(0, verdict)
    return plan


def _verdict(pending: Pending, person: Person, snapshot: BatchSnapshot) -> Verdict | None:
    """Judge a statement; ``None`` if it is to be applied. Erasure comes first: nothing of the person may be kept."""
    if person.verdict and person.verdict.reason == ERASED:
        return person.verdict
    verdict = judge.at_first_sight(pending.facts, snapshot.rules) or person.verdict
    if verdict is None and snapshot.course(pending.urn) is None:
        return Verdict("held", "course_unknown", pending.urn)
    return verdict


def _person(snapshot: BatchSnapshot, whom: Whom, now: str) -> Person:
    if whom.erased:
        return Person(verdict=Verdict("ignored", ERASED))
    if whom.identifier is None:
        return Person()
    identity = snapshot.identity(whom.identifier)
    if verdict := judge.of_actor(whom.identifier, whom.meant, snapshot.rules, never_held=identity.never_held):
        return Person(identity, verdict)
    if not whom.meant:
        dated = DatedIdentifier(*whom.identifier, now)
        learner = Learner(snapshot.integration_id, new_id(), now, identifiers=(dated,), source="open")
        return Person(identity, None, learner, learner.id, new=True)
    meant = whom.meant[0]
    found = snapshot.learner(meant.learner)
    if found is None or found.status != "active":
        return Person(identity, Verdict("held", "learner_inactive", whom.identifier.awaited), found)
    return Person(identity, None, found, meant.origin)


def _secure(plan: Plan, person: Person, *, applying: bool) -> None:
    """Make the transaction depend on what was read of the person, and add the learner if new."""
    if person.identity is None:
        return
    if applying and person.new and person.learner:
        plan.put(person.learner.to_item(), 0)
        plan.put(person.identity.held_by(person.learner.id, plan.now).to_item(), person.identity.version)
        # Tombstone and identity are not read at the same moment: the person may have been erased in between.
        plan.check(plan.snapshot.tombstone(person.identity.identifier), 0)
        return
    plan.check(person.identity.key, person.identity.version)
    if person.verdict and person.verdict.reason == "learner_inactive" and person.learner:
        plan.check(person.learner.key, person.learner.version)


def _apply(plan: Plan, person: Person, urn: str, numbers: list[int]) -> None:
    """Add the statements about one course to its record; settle them, and correct earlier ones that this changes."""
    learner = cast("Learner", person.learner)  # without a learner there is a verdict, and nothing to apply
    before = plan.snapshot.record(learner.id, urn)
    course = plan.snapshot.course(urn) or {}
    evidence = union(judge.evidence_of(plan.group[number].facts) for number in numbers)
    after = before.with_evidence(person.origin, evidence, course.get("duration_seconds"))
    if after.parts == before.parts and before.version:
        plan.check(before.key, before.version)
    else:
        plan.put(after.to_item(plan.now), before.version)
        plan.turn(before, after, [plan.group[number].facts.statement_id for number in numbers])
    for number in numbers:
        facts = plan.group[number].facts
        if facts.is_completion:
            attempt_id = after.counted.get(facts.statement_id)
            plan.settle(number, statement_outcomes.of_completion(attempt_id), learner.id, attempt_id)
        else:
            plan.settle(number, Verdict("applied"), learner.id, after.attempt_at(rfc3339(facts.timestamp)))
