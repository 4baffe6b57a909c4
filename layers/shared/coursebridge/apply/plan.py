"""What one transaction does for the statements of one actor."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coursebridge.apply import judge
from coursebridge.apply.judge import Verdict
from coursebridge.clock import rfc3339
from coursebridge.ids import new_id
from coursebridge.records.evidence import union
from coursebridge.storage import keys
from coursebridge.storage.learners import DatedIdentifier, Learner, unchanged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coursebridge.apply.reading import Known, Pending
    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.learners import IdentityItem, Record
    from coursebridge.storage.table import Table

ALREADY_COMPLETED = Verdict("ignored", "already_completed")


@dataclass
class Person:
    """Who the statements belong to, or why that cannot be said.

    Attributes:
        verdict: what to do with all of them, when it is not applying them.
        new: whether the learner is to be added.
    """

    identity: IdentityItem | None = None
    verdict: Verdict | None = None
    learner: Learner | None = None
    origin: str = ""
    new: bool = False


@dataclass
class Plan:
    """The actions of one transaction; ``settles`` has the statement's number beside each action that settles one."""

    table: Table
    known: Known
    group: Sequence[Pending]
    now: str
    actions: list[dict[str, Any]] = field(default_factory=list)
    settles: list[int | None] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, action: dict[str, Any], settles: int | None = None) -> None:
        """Add an action."""
        self.actions.append(action)
        self.settles.append(settles)


def make(table: Table, known: Known, group: Sequence[Pending], now: str) -> Plan:
    """Decide about every statement of one actor and write the decisions down."""
    plan = Plan(table, known, group, now)
    of = known.rules.actor(group[0].facts)
    person = _person(known, of, now) if of else Person()
    to_apply: dict[str, list[int]] = defaultdict(list)
    missing: set[str] = set()
    for number, one in enumerate(group):
        verdict = judge.at_first_sight(one.facts, known.rules) or person.verdict
        if verdict is None and known.course(one.urn) is None:
            verdict = Verdict("held", "course_unknown", one.urn)
            missing.add(one.urn)
        if verdict is None:
            to_apply[one.urn].append(number)
        else:
            _settle(plan, number, verdict)
    for urn in sorted(missing):
        plan.add(table.check_action(keys.course(known.integration_id, urn), "attribute_not_exists(PK)"))
    _secure(plan, person, applying=bool(to_apply))
    for urn, numbers in to_apply.items():
        _apply(plan, person, urn, numbers)
    return plan


def _person(known: Known, of: Identifier, now: str) -> Person:
    identity = known.identity(of)
    if known.erased(of):
        return Person(identity, Verdict("ignored", "erased"))
    if verdict := judge.of_identity(identity, known.rules):
        return Person(identity, verdict)
    if not identity.live:
        learner = Learner(
            known.integration_id,
            new_id(),
            now,
            identifiers=(DatedIdentifier(of.kind, of.value, now),),
            source="open",
        )
        return Person(identity, None, learner, learner.id, new=True)
    learner_id, holder = next(iter(identity.live.items()))
    found = known.learner(learner_id)
    if found is None or found.status != "active":
        return Person(identity, Verdict("held", "learner_inactive", of.awaited), found)
    return Person(identity, None, found, holder.origin)


def _secure(plan: Plan, person: Person, *, applying: bool) -> None:
    """Make the transaction pass only while what was read of the person still holds; add the learner if new."""
    if person.identity is None:
        return
    if applying and person.new and person.learner:
        identity = person.identity.held_by(person.learner.id, plan.now)
        plan.add(plan.table.put_action(person.learner.to_item(), **unchanged(0)))
        plan.add(plan.table.put_action(identity.to_item(), **unchanged(person.identity.version)))
        return
    plan.add(plan.table.check_action(person.identity.key, **unchanged(person.identity.version)))
    if person.verdict and person.verdict.reason == "learner_inactive" and person.learner:
        plan.add(plan.table.check_action(person.learner.key, **unchanged(person.learner.version)))


def _apply(plan: Plan, person: Person, urn: str, numbers: list[int]) -> None:
    """Fold the statements about one course into its record, and settle them and whatever they change."""
    if person.learner is None:
        return
    before = plan.known.record(person.learner.id, urn)
    course = plan.known.course(urn) or {}
    evidence = union(judge.evidence_of(plan.group[number].facts) for number in numbers)
    after = before.with_evidence(person.origin, evidence, course.get("duration_seconds"))
    plan.add(plan.table.put_action(after.to_item(plan.now), **unchanged(before.version)))
    for number in numbers:
        one = plan.group[number]
        attempt_id = _attempt_id(one, after)
        verdict = Verdict("applied") if attempt_id else ALREADY_COMPLETED
        _settle(plan, number, verdict, person.learner.id, attempt_id)
    settled = {plan.group[number].facts.statement_id for number in numbers}
    for statement_id, attempt_id in after.counted.items():
        if statement_id not in settled and before.counted.get(statement_id) != attempt_id:
            _turn(plan, statement_id, attempt_id)


def _attempt_id(one: Pending, record: Record) -> str | None:
    if one.facts.is_completion:
        return record.counted.get(one.facts.statement_id)
    return record.attempt_at(rfc3339(one.facts.timestamp))


def _settle(
    plan: Plan, number: int, verdict: Verdict, learner_id: str | None = None, attempt_id: str | None = None
) -> None:
    """Write a statement's outcome, on condition that nobody has."""
    one, integration_id = plan.group[number], plan.known.integration_id
    plan.outcomes[f"{verdict.outcome}:{verdict.reason}" if verdict.reason else verdict.outcome] += 1
    values: dict[str, Any] = {
        ":received": "received",
        ":outcome": verdict.outcome,
        ":reason": verdict.reason,
        ":learner": learner_id,
        ":attempt": attempt_id,
        ":now": plan.now,
    }
    expression = (
        "SET outcome = :outcome, reason = :reason, learner_id = :learner, attempt_id = :attempt, judged_at = :now"
    )
    if verdict.outcome == "held":
        pending = keys.pending(
            integration_id, "held", verdict.reason or "", verdict.awaited, one.item["timestamp"], one.id
        ).item(keys.GSI3)
        values |= {":pk": pending["GSI3PK"], ":sk": pending["GSI3SK"], ":awaited": verdict.awaited}
        expression += ", GSI3PK = :pk, GSI3SK = :sk, awaited = :awaited"
    elif verdict.reason == "erased":
        values |= {":nobody": {"type": "erased", "value": None}, ":raw": "{}"}
        expression += ", actor = :nobody, raw = :raw REMOVE GSI2PK, GSI2SK, GSI3PK, GSI3SK, awaited"
    else:
        expression += " REMOVE GSI3PK, GSI3SK, awaited"
    key = keys.statement(integration_id, one.id)
    plan.add(plan.table.update_action(key, expression, values, condition="outcome = :received"), settles=number)


def _turn(plan: Plan, statement_id: str, attempt_id: str | None) -> None:
    """Correct the outcome of an earlier completion that an earlier one, arriving late, has changed."""
    verdict = Verdict("applied") if attempt_id else ALREADY_COMPLETED
    plan.add(
        plan.table.update_action(
            keys.statement(plan.known.integration_id, statement_id),
            "SET outcome = :outcome, reason = :reason, attempt_id = :attempt, judged_at = :now",
            {
                ":outcome": verdict.outcome,
                ":reason": verdict.reason,
                ":attempt": attempt_id,
                ":now": plan.now,
            },
            condition="attribute_exists(PK)",
        )
    )
