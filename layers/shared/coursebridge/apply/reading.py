"""What a batch of statements needs from the table, read in two calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.apply.judge import Rules
from coursebridge.records.identifiers import Identifier, digest, identifier
from coursebridge.storage import keys
from coursebridge.storage.learners import IdentityItem, Learner, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coursebridge.storage.table import Item, Table
    from coursebridge.xapi.statement import Facts


@dataclass(frozen=True)
class Pending:
    """A statement to apply: its item and the facts in it."""

    item: Item
    facts: Facts

    @property
    def id(self) -> str:
        """Return the statement's id."""
        return str(self.item["statement_id"])

    @property
    def urn(self) -> str:
        """Return the object's id; empty when the object is no activity."""
        return self.facts.object_id or ""


@dataclass(frozen=True)
class Known:
    """What was read for a batch."""

    integration_id: str
    rules: Rules
    items: Mapping[keys.Key, Item]
    pseudonym_key: str

    def identity(self, of: Identifier) -> IdentityItem:
        """Return an identity, an empty one where nobody ever had it."""
        item = self.items.get(keys.identity(self.integration_id, *of))
        return IdentityItem.from_item(item) if item else IdentityItem(self.integration_id, of)

    def erased(self, of: Identifier) -> bool:
        """Whether the person with this identifier was erased."""
        return _tombstone(self.integration_id, of, self.pseudonym_key) in self.items

    def course(self, urn: str) -> Item | None:
        """Return a course's item."""
        return self.items.get(keys.course(self.integration_id, urn))

    def learner(self, learner_id: str) -> Learner | None:
        """Return a learner."""
        item = self.items.get(keys.learner(self.integration_id, learner_id))
        return Learner.from_item(item) if item else None

    def record(self, learner_id: str, urn: str) -> Record:
        """Return a record, an empty one where there is none yet."""
        item = self.items.get(keys.record(self.integration_id, learner_id, urn))
        return Record.from_item(item) if item else Record(self.integration_id, learner_id, urn)


def read(table: Table, integration_id: str, batch: Sequence[Pending], pseudonym_key: str) -> Known | None:
    """Read what a batch needs; ``None`` when the integration no longer exists."""
    integration_key = keys.integration(integration_id)
    people = _people(integration_id, batch, pseudonym_key)
    first = table.get_many([integration_key, *_courses(integration_id, batch), *people])
    integration = first.get(integration_key)
    if integration is None:
        return None
    known = Known(integration_id, Rules.of(integration), first, pseudonym_key)
    second = table.get_many(_learners_and_records(known, batch))
    return Known(integration_id, known.rules, {**first, **second}, pseudonym_key)


def _courses(integration_id: str, batch: Sequence[Pending]) -> Iterator[keys.Key]:
    for one in batch:
        if one.urn:
            yield keys.course(integration_id, one.urn)


def _people(integration_id: str, batch: Sequence[Pending], pseudonym_key: str) -> Iterator[keys.Key]:
    for one in batch:
        for of in possible_identifiers(one.facts):
            yield keys.identity(integration_id, *of)
            yield _tombstone(integration_id, of, pseudonym_key)


def _learners_and_records(known: Known, batch: Sequence[Pending]) -> Iterator[keys.Key]:
    for one in batch:
        of = known.rules.actor(one.facts)
        for learner_id in known.identity(of).live if of else ():
            yield keys.learner(known.integration_id, learner_id)
            if known.course(one.urn):
                yield keys.record(known.integration_id, learner_id, one.urn)


def possible_identifiers(facts: Facts) -> list[Identifier]:
    """Return what the actor may be matched by under any rule: the rule itself is read in the same call."""
    found = [identifier("email", facts.email)] if facts.email else []
    if facts.account_name:
        found += [identifier("username", facts.account_name), identifier("external_id", facts.account_name)]
    return found


def _tombstone(integration_id: str, of: Identifier, pseudonym_key: str) -> keys.Key:
    return keys.tombstone(integration_id, digest(of, pseudonym_key))
