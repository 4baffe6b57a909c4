"""Decides what a run does with one asset: create, update, archive, restore or nothing. Pure.

Outcomes are sticky within a run: an asset that is read again, because pages overlap or a task is retried, keeps its
first outcome unless the new one weighs more. So a run's counts do not depend on repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coursebridge.storage.course_shapes import Reason, Status
    from coursebridge.storage.courses import Labels


class Outcome(IntEnum):
    """The outcome for an asset; if it was read more than once, the highest number counts."""

    UNCHANGED = 0
    IGNORED = 1
    FAILED = 2
    UPDATED = 3
    RESTORED = 4
    CREATED = 5
    ARCHIVED = 6

    @property
    def count(self) -> str:
        """Return the name of the run's count for this outcome."""
        return self.name.lower()


@dataclass(frozen=True)
class StoredAsset:
    """What is stored of an asset before it is read."""

    status: Status
    reason: Reason | None
    hash: str
    labels: Labels
    run_id: str
    action: str


@dataclass(frozen=True)
class Read:
    """What a run has read about an asset.

    Attributes:
        retired: whether LinkedIn has retired it.
        matches: whether it matches the filters.
        listed: whether a listing of LinkedIn's held it; if not, it may be beyond the licence.
        hash: the fingerprint of its element.
        labels: the labels that the settings give it.
        run_id: the run.
        needed: whether to store it even if there is an objection: learning is recorded for stored courses only.
    """

    retired: bool
    matches: bool
    hash: str
    labels: Labels
    run_id: str
    listed: bool = True
    needed: bool = False

    @property
    def objection(self) -> Reason | None:
        """Return why it should not be in the catalogue; ``None`` if it should."""
        if self.retired:
            return "retired"
        if not self.matches:
            return "filtered"
        return None if self.listed else "missing"


@dataclass(frozen=True)
class Decision:
    """What to do with an asset.

    Attributes:
        outcome: the outcome to count.
        writes: whether to write the course.
        status: the status to write.
        reason: the archive reason to write.
        archive: why to archive it when the run finishes, unless the brake holds; ``None`` if it is to stay.
    """

    outcome: Outcome
    writes: bool
    status: Status
    reason: Reason | None
    archive: Reason | None = None


def decide(stored: StoredAsset | None, read: Read) -> Decision:
    """Return what a run does with an asset.

    An active course is only archived at the end of the run; until then it is updated and stays active.
    """
    if stored is None:
        return _first_sight(read)
    changed = stored.hash != read.hash or stored.labels != read.labels
    if read.objection is None:
        return _belongs(stored, read, changed=changed)
    if stored.status == "active":
        return Decision(Outcome.ARCHIVED, changed, "active", None, archive=read.objection)
    renewed = changed or stored.reason != read.objection
    outcome = _sticky(stored, read, Outcome.UPDATED if renewed else Outcome.UNCHANGED)
    return Decision(outcome, renewed, "archived", read.objection)


def _first_sight(read: Read) -> Decision:
    if read.objection is None:
        return Decision(Outcome.CREATED, writes=True, status="active", reason=None)
    outcome = Outcome.CREATED if read.needed else Outcome.IGNORED
    return Decision(outcome, writes=read.needed, status="archived", reason=read.objection)


def _belongs(stored: StoredAsset, read: Read, *, changed: bool) -> Decision:
    if stored.status == "archived":
        return Decision(Outcome.RESTORED, writes=True, status="active", reason=None)
    outcome = _sticky(stored, read, Outcome.UPDATED if changed else Outcome.UNCHANGED)
    return Decision(outcome, changed, "active", None)


def _sticky(stored: StoredAsset, read: Read, now: Outcome) -> Outcome:
    """Return the outcome, or the earlier one in this run if that weighs more."""
    before = _ACTIONS.get(stored.action)
    if stored.run_id != read.run_id or before is None or (before is Outcome.ARCHIVED and stored.status == "active"):
        return now
    return max(now, before)


_ACTIONS = {outcome.count: outcome for outcome in Outcome if outcome >= Outcome.UPDATED}
