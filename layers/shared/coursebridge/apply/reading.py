"""Reads what a batch of statements needs from the table, in two calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from coursebridge.apply.judge import MOST_URN_BYTES, Rules
from coursebridge.clock import rfc3339
from coursebridge.records.identifiers import Identifier, normalised, usable
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem, Meant
from coursebridge.storage.learners import Learner
from coursebridge.storage.records import Record
from coursebridge.storage.tombstones import tombstone_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from coursebridge.storage.table import Item, Table
    from coursebridge.xapi.statement import Facts


@dataclass(frozen=True)
class Pending:
    """A statement to apply: its item and the facts in it."""

    item: Item
    facts: Facts

    @property
    def urn(self) -> str:
        """Return the course's URN; empty if the object cannot be a course."""
        urn = self.facts.object_id or ""
        return urn if len(urn.encode()) <= MOST_URN_BYTES else ""


class Whom(NamedTuple):
    """Who a statement is about, as far as its actor says. Statements with equal values are settled together.

    Attributes:
        identifier: the identifier the integration matches by; ``None`` if the actor lacks it.
        meant: the learners it means.
        erased: whether the person was erased.
    """

    identifier: Identifier | None
    meant: tuple[Meant, ...]
    erased: bool


@dataclass(frozen=True)
class BatchSnapshot:
    """The items read for a batch, kept up to date with what the batch writes."""

    integration_id: str
    rules: Rules
    items: dict[keys.Key, Item]
    pseudonym_key: str

    def whom(self, pending: Pending) -> Whom:
        """Return who a statement is about."""
        identifier = self.rules.actor(pending.facts)
        # The identifier that the rules match by decides alone: as another kind, the same text may be somebody else's.
        # Only an e-mail address is the same person's as whatever it is sent.
        decisive = [identifier, *_as_address(identifier.value)] if identifier else possible_identifiers(pending.facts)
        erased = any(self.tombstone(each) in self.items for each in decisive)
        meant = self.identity(identifier).meant(rfc3339(pending.facts.timestamp)) if identifier else []
        return Whom(identifier, tuple(meant), erased)

    def identity(self, identifier: Identifier) -> IdentityItem:
        """Return an identity, or an empty one if nobody has ever held it."""
        item = self.items.get(keys.identity(self.integration_id, *identifier))
        return IdentityItem.of(item, self.integration_id, identifier)

    def course(self, urn: str) -> Item | None:
        """Return a course's item."""
        return self.items.get(keys.course(self.integration_id, urn))

    def learner(self, learner_id: str) -> Learner | None:
        """Return a learner."""
        item = self.items.get(keys.learner(self.integration_id, learner_id))
        return Learner.from_item(item) if item else None

    def record(self, learner_id: str, urn: str) -> Record:
        """Return a record, or an empty one if there is none yet."""
        item = self.items.get(keys.record(self.integration_id, learner_id, urn))
        return Record.of(item, self.integration_id, learner_id, urn)

    def note(self, written: Iterable[Item]) -> None:
        """Add items that were just written, so that the rest of the batch need not be read again."""
        for item in written:
            self.items[keys.Key(item["PK"], item["SK"])] = item

    def tombstone(self, identifier: Identifier) -> keys.Key:
        """Return the key of an identifier's tombstone, which exists if its person was erased."""
        return tombstone_key(self.integration_id, identifier, self.pseudonym_key)


def read(table: Table, integration_id: str, batch: Sequence[Pending], pseudonym_key: str) -> BatchSnapshot | None:
    """Read what a batch needs; ``None`` if the integration no longer exists."""
    integration_key = keys.integration(integration_id)
    people = _people(integration_id, batch, pseudonym_key)
    found = table.get_many([integration_key, *_courses(integration_id, batch), *people])
    integration = found.get(integration_key)
    if integration is None:
        return None
    snapshot = BatchSnapshot(integration_id, Rules.of(integration), found, pseudonym_key)
    found.update(table.get_many(_learners_and_records(snapshot, batch)))
    return snapshot


def _courses(integration_id: str, batch: Sequence[Pending]) -> Iterator[keys.Key]:
    for pending in batch:
        if pending.urn:
            yield keys.course(integration_id, pending.urn)


def _people(integration_id: str, batch: Sequence[Pending], pseudonym_key: str) -> Iterator[keys.Key]:
    for pending in batch:
        for identifier in possible_identifiers(pending.facts):
            yield keys.identity(integration_id, *identifier)
            yield tombstone_key(integration_id, identifier, pseudonym_key)


def _learners_and_records(snapshot: BatchSnapshot, batch: Sequence[Pending]) -> Iterator[keys.Key]:
    for pending in batch:
        for meant in snapshot.whom(pending).meant:
            yield keys.learner(snapshot.integration_id, meant.learner)
            if snapshot.course(pending.urn):
                yield keys.record(snapshot.integration_id, meant.learner, pending.urn)


def possible_identifiers(facts: Facts) -> list[Identifier]:
    """Return the identifiers an actor could be matched by under any rules, which are read only in the same call."""
    found = [normalised("email", facts.email)] if usable(facts.email) else []
    if usable(facts.account_name):
        found += [normalised("username", facts.account_name), normalised("external_id", facts.account_name)]
        found += _as_address(str(facts.account_name))
    return found


def _as_address(value: str) -> list[Identifier]:
    """Return a value as an e-mail address, if it is one."""
    return [normalised("email", value)] if "@" in value else []
