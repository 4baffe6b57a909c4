"""Learners, their identifiers, and their records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from coursebridge.records.evidence import Evidence, union
from coursebridge.records.fold import Attempt, Course, Folded, fold
from coursebridge.records.identifiers import Identifier, Kind
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coursebridge.storage.table import Item, Table


def unchanged(version: int) -> dict[str, Any]:
    """Return the condition, with its values, that an item is still at this version; 0 means there is none yet."""
    if version == 0:
        return {"condition": "attribute_not_exists(PK)"}
    return {"condition": "version = :version", "values": {":version": version}}


@dataclass(frozen=True)
class Holder:
    """A learner who holds, or held, an identifier.

    Attributes:
        since: from when.
        until: until when; ``None`` while it is held.
        origin: whose evidence it feeds: the learner it was given to, also after that one was merged into another.
    """

    since: str
    until: str | None
    origin: str


@dataclass(frozen=True)
class IdentityItem:
    """An identifier and the learners who hold it; two at a time make it ambiguous."""

    integration_id: str
    identifier: Identifier
    holders: Mapping[str, Holder] = field(default_factory=dict)
    version: int = 0

    @property
    def live(self) -> dict[str, Holder]:
        """Return who holds it now."""
        return {learner: holder for learner, holder in self.holders.items() if holder.until is None}

    def held_by(self, learner_id: str, since: str, origin: str | None = None) -> IdentityItem:
        """Return the identity with one more holder from now on."""
        holder = Holder(since, None, origin or learner_id)
        return replace(self, holders={**self.holders, learner_id: holder}, version=self.version + 1)

    def left_by(self, learner_id: str, until: str) -> IdentityItem:
        """Return the identity with a holder that holds it no longer."""
        holder = replace(self.holders[learner_id], until=until)
        return replace(self, holders={**self.holders, learner_id: holder}, version=self.version + 1)

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.identity(self.integration_id, *self.identifier)

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **self.key.item(),
            "entity": "identity",
            "integration_id": self.integration_id,
            "kind": self.identifier.kind,
            "value": self.identifier.value,
            "holders": {learner: vars(holder) for learner, holder in self.holders.items()},
            "version": self.version,
        }

    @classmethod
    def from_item(cls, item: Item) -> IdentityItem:
        """Read the table item."""
        return cls(
            item["integration_id"],
            Identifier(item["kind"], item["value"]),
            {learner: Holder(**holder) for learner, holder in item["holders"].items()},
            item["version"],
        )


@dataclass(frozen=True)
class DatedIdentifier:
    """An identifier of a learner, as it was written, with the time it was theirs."""

    type: Kind
    value: str
    since: str
    until: str | None = None


@dataclass(frozen=True)
class Learner:
    """A person in this system (design, section 4.7).

    Attributes:
        enterprise_groups: the groups LinkedIn has the learner in; reports tell of them.
        merged: the learners that were merged into this one.
        merged_into: the learner this one was merged into.
    """

    integration_id: str
    id: str
    created_at: str
    status: str = "active"
    identifiers: tuple[DatedIdentifier, ...] = ()
    groups: tuple[str, ...] = ()
    enterprise_groups: tuple[str, ...] = ()
    name: str | None = None
    source: str = "directory"
    merged: tuple[str, ...] = ()
    merged_into: str | None = None
    updated_at: str = ""
    version: int = 1

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.learner(self.integration_id, self.id)

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **self.key.item(),
            **keys.learners(self.integration_id, self.id).item(keys.GSI1),
            **vars(self),
            "entity": "learner",
            "identifiers": [vars(identifier) for identifier in self.identifiers],
            "groups": list(self.groups),
            "enterprise_groups": list(self.enterprise_groups),
            "merged": list(self.merged),
        }

    @classmethod
    def from_item(cls, item: Item) -> Learner:
        """Read the table item."""
        known = {name: item[name] for name in cls.__dataclass_fields__ if name in item}
        return cls(
            **{
                **known,
                "identifiers": tuple(DatedIdentifier(**identifier) for identifier in item["identifiers"]),
                "groups": tuple(item["groups"]),
                "enterprise_groups": tuple(item.get("enterprise_groups", ())),
                "merged": tuple(item["merged"]),
            }
        )

    def current(self, kind: Kind) -> str | None:
        """Return the learner's present identifier of a kind: the latest that is still theirs."""
        live = [identifier for identifier in self.identifiers if identifier.type == kind and identifier.until is None]
        return live[-1].value if live else None

    def public(self) -> dict[str, Any]:
        """Return the learner as answers show them."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.current("email"),
            "username": self.current("username"),
            "external_id": self.current("external_id"),
            "profile_urn": self.current("profile_urn"),
            "status": self.status,
            "identifiers": [vars(identifier) for identifier in self.identifiers],
            "groups": list(self.groups),
            "enterprise_groups": list(self.enterprise_groups),
            "source": self.source,
            "merged": list(self.merged),
            "created_at": self.created_at,
            "updated_at": self.updated_at or self.created_at,
        }


@dataclass(frozen=True)
class Record:
    """One learner's attempts at one course, and the evidence they follow from, by the learner it belongs to."""

    integration_id: str
    learner_id: str
    course_urn: str
    parts: Mapping[str, Evidence] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    counted: Mapping[str, str | None] = field(default_factory=dict)
    version: int = 0

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.record(self.integration_id, self.learner_id, self.course_urn)

    def with_evidence(self, origin: str, evidence: Evidence, duration_seconds: int | None) -> Record:
        """Return the record with more evidence and the attempts that follow."""
        joined = self.parts.get(origin, Evidence()) | evidence
        return self.with_parts({**self.parts, origin: joined}, duration_seconds)

    def with_parts(self, parts: Mapping[str, Evidence], duration_seconds: int | None) -> Record:
        """Return the record with these parts and the attempts that follow."""
        folded = self.fold(parts, duration_seconds)
        return replace(self, parts=parts, attempts=folded.attempts, counted=folded.counted, version=self.version + 1)

    def fold(self, parts: Mapping[str, Evidence], duration_seconds: int | None) -> Folded:
        """Compute what parts amount to."""
        course = Course(self.learner_id, self.course_urn, duration_seconds)
        return fold(union(parts.values()), course, self.attempts)

    def attempt_at(self, moment: str) -> str | None:
        """Return the id of the attempt that was going on at a moment."""
        return Folded(self.attempts, self.counted).attempt_at(moment)

    def to_item(self, now: str) -> Item:
        """Return the table item."""
        return {
            **self.key.item(),
            **keys.records(self.integration_id, self.course_urn, self.learner_id).item(keys.GSI1),
            "entity": "record",
            "integration_id": self.integration_id,
            "learner_id": self.learner_id,
            "course_urn": self.course_urn,
            "parts": {origin: evidence.to_item() for origin, evidence in self.parts.items()},
            "attempts": [attempt.to_item() for attempt in self.attempts],
            "counted": dict(self.counted),
            "version": self.version,
            "updated_at": now,
        }

    @classmethod
    def from_item(cls, item: Item) -> Record:
        """Read the table item."""
        return cls(
            item["integration_id"],
            item["learner_id"],
            item["course_urn"],
            {origin: Evidence.from_item(part) for origin, part in item["parts"].items()},
            tuple(Attempt(**attempt) for attempt in item["attempts"]),
            item["counted"],
            item["version"],
        )


class RecordStore:
    """Reads and writes records, one at a time, with optimistic locking."""

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def get(self, learner_id: str, urn: str) -> Record:
        """Return a record, an empty one where there is none yet."""
        item = self._table.get(keys.record(self._integration_id, learner_id, urn))
        return Record.from_item(item) if item else Record(self._integration_id, learner_id, urn)

    def add(
        self,
        learner_id: str,
        urn: str,
        origin: str,
        evidence: Evidence,
        duration_seconds: int | None,
        now: str,
    ) -> Record:
        """Add evidence to a record and return it; two writers at once both get theirs in.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; nothing was done.
        """
        while True:
            before = self.get(learner_id, urn)
            after = before.with_evidence(origin, evidence, duration_seconds)
            if after.parts == before.parts and before.version:
                return before
            try:
                self._table.put(after.to_item(now), **unchanged(before.version))
            except ConditionFailed:
                continue
            return after
