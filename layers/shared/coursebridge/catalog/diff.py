"""Decides what a run does with one asset: create, update, archive, restore or nothing. Pure.

The outcome is sticky within a run: an asset that is read again, because pages overlap or a task was
retried, comes out as it did the first time. So a run's counts do not depend on what happened on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coursebridge.storage.course_shapes import Reason, Status
    from coursebridge.storage.courses import Labels


class Outcome(IntEnum):
    """What became of an asset; where it was read more than once, the highest number counts."""

    UNCHANGED = 0
    IGNORED = 1
    FAILED = 2
    UPDATED = 3
    RESTORED = 4
    CREATED = 5
    ARCHIVED = 6

    @property
    def count(self) -> str:
        """Return the name of its count in a run."""
        return self.name.lower()


@dataclass(frozen=True)
class StoredAsset:
    """What stands here of an asset before it is read."""

    status: Status
    reason: Reason | None
    hash: str
    labels: Labels
    run_id: str
    action: str


@dataclass(frozen=True)
class Read:
    """What a run has read of an asset.

    Attributes:
        retired: whether LinkedIn has retired it.
        matches: whether the filters want it.
        hash: the digest of its element.
        labels: what the settings add to it.
        run_id: the run.
        needed: whether it is kept even if it is retired or not wanted: learning is recorded of what is here alone.
    """

    retired: bool
    matches: bool
    hash: str
    labels: Labels
    run_id: str
    needed: bool = False

    @property
    def objection(self) -> Reason | None:
        """Return why it should not be in the catalogue, ``None`` if it should."""
        if self.retired:
            return "retired"
        return None if self.matches else "filtered"


@dataclass(frozen=True)
class Decision:
    """What to do.

    Attributes:
        outcome: how the asset counts.
        writes: whether anything that is kept has changed.
        status: the status to write.
        reason: the reason to write.
        archive: why it is to be archived when the run finishes and the brake allows; ``None`` if it is not.
    """

    outcome: Outcome
    writes: bool
    status: Status
    reason: Reason | None
    archive: Reason | None = None


def decide(stored: StoredAsset | None, read: Read) -> Decision:
    """Return what a run does with an asset.

    Archiving an active course is left to the end of the run: until then its content is renewed and it stays active.
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
    """Return the outcome this run has come to before, if it is the weightier one."""
    before = _ACTIONS.get(stored.action)
    if stored.run_id != read.run_id or before is None or (before is Outcome.ARCHIVED and stored.status == "active"):
        return now
    return max(now, before)


_ACTIONS = {outcome.count: outcome for outcome in Outcome if outcome >= Outcome.UPDATED}
