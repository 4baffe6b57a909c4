"""Learners, their identifiers, and their records."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from coursebridge.errors import NotFound, Unavailable
from coursebridge.records.evidence import Evidence, union
from coursebridge.records.fold import Attempt, Course, Folded, fold
from coursebridge.records.identifiers import Identifier, Kind, identifier
from coursebridge.storage import keys
from coursebridge.storage.statement_outcomes import turns
from coursebridge.storage.table import TransactionRefused, pauses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coursebridge.storage.table import Item, Table


UNATTENDED = frozenset({"open", "report"})
"""Sources of learners nobody entered: a statement or a report named them."""


def unchanged(version: int) -> dict[str, Any]:
    """Return the condition, with its values, that an item is still at this version; 0 means there is none yet."""
    if version == 0:
        return {"condition": "attribute_not_exists(PK)"}
    return {"condition": "version = :version", "values": {":version": version}}


@dataclass(frozen=True)
class DatedIdentifier:
    """An identifier of a learner, as it was written, with the time it was theirs.

    Attributes:
        alias: whether it was assigned beside the learner's own identifier of this type.
    """

    type: Kind
    value: str
    since: str
    until: str | None = None
    alias: bool = False

    @property
    def identifier(self) -> Identifier:
        """Return the form in which it is compared."""
        return identifier(self.type, self.value)


@dataclass(frozen=True)
class Learner:
    """A person in this system (design, section 4.7).

    Attributes:
        enterprise_groups: the groups LinkedIn has the learner in; reports tell of them.
        merged: the learners that were merged into this one.
        joining: those of them whose records are still on their way here.
        merged_into: the learner this one was merged into.
        parting_from: the learner this one was merged into and is just being parted from.
        kept_apart: the learners this one was parted from: somebody has said that these are different people.
        erasing_at: since when the learner is being erased; for everybody else there is no such learner any more.
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
    joining: tuple[str, ...] = ()
    merged_into: str | None = None
    parting_from: str | None = None
    kept_apart: tuple[str, ...] = ()
    erasing_at: str | None = None
    updated_at: str = ""
    version: int = 1

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.learner(self.integration_id, self.id)

    @property
    def is_listed(self) -> bool:
        """Whether the learner is somebody of their own: neither merged into another nor being erased."""
        return self.merged_into is None and self.erasing_at is None

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **self.key.item(),
            **(keys.learners(self.integration_id, self.id).item(keys.GSI1) if self.is_listed else {}),
            **vars(self),
            "entity": "learner",
            "identifiers": [vars(dated) for dated in self.identifiers],
            "groups": list(self.groups),
            "enterprise_groups": list(self.enterprise_groups),
            "merged": list(self.merged),
            "joining": list(self.joining),
            "kept_apart": list(self.kept_apart),
        }

    @classmethod
    def from_item(cls, item: Item) -> Learner:
        """Read the table item."""
        known = {name: item[name] for name in cls.__dataclass_fields__ if name in item}
        return cls(
            **{
                **known,
                "identifiers": tuple(DatedIdentifier(**dated) for dated in item["identifiers"]),
                "groups": tuple(item["groups"]),
                "enterprise_groups": tuple(item.get("enterprise_groups", ())),
                "merged": tuple(item["merged"]),
                "joining": tuple(item.get("joining", ())),
                "kept_apart": tuple(item.get("kept_apart", ())),
            }
        )

    def current(self, kind: Kind) -> str | None:
        """Return the learner's present identifier of a kind: the latest that is still theirs, aliases last."""
        live = [dated for dated in self.identifiers if dated.type == kind and dated.until is None]
        own = [dated for dated in live if not dated.alias]
        return (own or live)[-1].value if live else None

    def public(self) -> dict[str, Any]:
        """Return the learner as answers show them."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.current("email"),
            "username": self.current("username"),
            "external_id": self.current("external_id"),
            "profile_urn": self.current("profile_urn"),
            "status": "inactive" if self.merged_into else self.status,
            "identifiers": [vars(dated) for dated in self.identifiers],
            "groups": list(self.groups),
            "enterprise_groups": list(self.enterprise_groups),
            "source": self.source,
            "merged": list(self.merged),
            "merged_into": self.merged_into,
            "created_at": self.created_at,
            "updated_at": self.updated_at or self.created_at,
        }


def family(table: Table, learner: Learner) -> list[Learner]:
    """Return a learner and all who were merged into them, into those, and so on."""
    found, wanted = {learner.id: learner}, set(learner.merged)
    while wanted:
        items = table.get_many(keys.learner(learner.integration_id, one) for one in sorted(wanted))
        generation = [Learner.from_item(item) for item in items.values()]
        found |= {one.id: one for one in generation}
        wanted = {child for one in generation for child in one.merged} - found.keys()
    return list(found.values())


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

        Evidence of a learner who was merged goes to whom they were merged into. One read and one transaction, the
        learner's presence being part of it: nobody who is erased at the same time comes back.

        Raises:
            coursebridge.errors.NotFound: there is no such learner.
            coursebridge.errors.Unavailable: the table is busy; nothing was done.
        """
        for pause in pauses():
            learner, before = self._read(learner_id, urn)
            if learner.merged_into:
                learner_id = learner.merged_into
                continue
            after = before.with_evidence(origin, evidence, duration_seconds)
            if after.parts == before.parts and before.version:
                return before
            actions = [
                self._table.put_action(after.to_item(now), **unchanged(before.version)),
                self._table.check_action(learner.key, **unchanged(learner.version)),
                *turns(self._table, before, after, now),
            ]
            try:
                self._table.transact(actions)
            except TransactionRefused as refused:
                if not refused.contended:
                    raise Unavailable("the table is busy, try again") from refused
                time.sleep(pause)
            else:
                return after
        raise Unavailable("other writers kept changing the same record, try again")

    def _read(self, learner_id: str, urn: str) -> tuple[Learner, Record]:
        learner_key = keys.learner(self._integration_id, learner_id)
        record_key = keys.record(self._integration_id, learner_id, urn)
        found = self._table.get_many([learner_key, record_key])
        learner = Learner.from_item(found[learner_key]) if learner_key in found else None
        if learner is None or learner.erasing_at:
            raise NotFound("there is no such learner")
        record = Record.from_item(found[record_key]) if record_key in found else None
        return learner, record or Record(self._integration_id, learner_id, urn)
