"""Records: one learner's attempts at one course, and the evidence they are computed from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from coursebridge.records.evidence import Evidence, union
from coursebridge.records.fold import Attempt, Course, Folded, fold
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coursebridge.storage.table import Item


@dataclass(frozen=True)
class Record:
    """One learner's attempts at one course, and the evidence they are computed from.

    Attributes:
        parts: the evidence, by the learner it was recorded for; after a merge there are several.
        counted: for every completion, the id of the attempt it completed, if any (see :class:`Folded`).
    """

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
        """Return the record with additional evidence and the attempts that result."""
        joined = self.parts.get(origin, Evidence()) | evidence
        return self.with_parts({**self.parts, origin: joined}, duration_seconds)

    def with_parts(self, parts: Mapping[str, Evidence], duration_seconds: int | None) -> Record:
        """Return the record with these parts and the attempts that result."""
        folded = self.fold(parts, duration_seconds)
        return replace(self, parts=parts, attempts=folded.attempts, counted=folded.counted, version=self.version + 1)

    def fold(self, parts: Mapping[str, Evidence], duration_seconds: int | None) -> Folded:
        """Compute the attempts that result from these parts."""
        course = Course(self.learner_id, self.course_urn, duration_seconds)
        return fold(union(parts.values()), course, self.attempts)

    def attempt_at(self, moment: str) -> str | None:
        """Return the id of the attempt that was the latest at a moment, or else of the first attempt."""
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
    def of(cls, item: Item | None, integration_id: str, learner_id: str, course_urn: str) -> Record:
        """Read the table item; without one, return an empty record."""
        return cls.from_item(item) if item else cls(integration_id, learner_id, course_urn)

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
