"""Merges two learners who are one person, and parts them again if that was a mistake.

Evidence keeps the id of the learner it came from, so merging loses nothing and parting moves everything back. The steps
are learners, identities, records, in this order. Each is safe to repeat, so an interrupted request can simply be sent
again. Statements that arrive meanwhile end up where they belong, because identities move before records. The surviving
learner lists whose records are still to come (``joining``), so that an interrupted merge that nobody requests again is
found and continued.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Conflict, InvalidRequest, Unavailable
from coursebridge.people import changes
from coursebridge.people.moving import move, records
from coursebridge.storage.identities import read_identity
from coursebridge.storage.learners import DatedIdentifier, Learner, LearnerStore, family
from coursebridge.storage.table import Table, tries, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.identities import IdentityItem
    from coursebridge.storage.records import Record

UNFINISHED = "it is not finished; send the same request again to continue"


@dataclass(frozen=True)
class Merging:
    """Merges and parts the learners of one integration.

    Attributes:
        table: the application's table.
        integration_id: the integration's id.
        now: the clock.
        time_is_up: returns whether to stop for now.
    """

    table: Table
    integration_id: str
    now: Callable[[], datetime] = utc_now
    time_is_up: Callable[[], bool] = lambda: False

    def merge(self, survivor_id: str, other_id: str) -> Learner:
        """Merge another learner into the survivor, and return the survivor.

        Raises:
            InvalidRequest: both are the same learner.
            NotFound: there is no such learner.
            Conflict: one of them was merged into another learner before, or is being parted.
            TooLarge: their records of a course do not fit into one.
            Unavailable: the merge is not finished; repeat the call to continue.
        """
        if survivor_id == other_id:
            raise InvalidRequest("a learner cannot be merged into themselves")
        for _ in tries():
            survivor, other = self._get(survivor_id), self._get(other_id)
            if other.merged_into == survivor.id or self._written(*_merged(survivor, other, self._at())):
                break
        else:
            raise Unavailable("other writers kept changing the same learner, try again")
        return self.go_on(survivor_id, other_id)

    def go_on(self, survivor_id: str, other_id: str) -> Learner:
        """Continue an interrupted merge, unless it has been undone since, and return the survivor.

        Raises:
            NotFound: there is no such learner.
            TooLarge: their records of a course do not fit into one.
            Unavailable: the merge is not finished; repeat the call to continue.
        """
        survivor, other = self._get(survivor_id), self._get(other_id)
        if other.merged_into == survivor.id:
            origins = frozenset(learner.id for learner in family(self.table, other))
            self._move_identities((dated.identifier for dated in other.identifiers), origins, survivor)
            self._move_records(records(self.table, other), origins, survivor)
        return self._joined(survivor_id, other_id)

    def _joined(self, survivor_id: str, other_id: str) -> Learner:
        """Note on the survivor that all records have arrived."""
        for _ in tries():
            before = self._get(survivor_id)
            if other_id not in before.joining:
                return before
            left = tuple(learner_id for learner_id in before.joining if learner_id != other_id)
            after = replace(before, joining=left, version=before.version + 1)
            if self._written(after):
                return after
        raise Unavailable("other writers kept changing the same learner, try again")

    def part(self, learner_id: str) -> Learner:
        """Undo a merge: the learner is separate again, with everything that was theirs, before or since the merge.

        Raises:
            NotFound: there is no such learner.
            Conflict: the learner was not merged.
            Unavailable: the parting is not finished; repeat the call to continue.
        """
        for _ in tries():
            other = self._get(learner_id)
            if other.parting_from or self._written(*self._parted(other)):
                break
        else:
            raise Unavailable("other writers kept changing the same learner, try again")
        other = self._get(learner_id)
        if other.parting_from:
            survivor = self._get(other.parting_from)
            origins = frozenset(learner.id for learner in family(self.table, other))
            self._move_identities((dated.identifier for dated in other.identifiers), origins, other)
            self._move_records(records(self.table, survivor), origins, other)
        return self._kept_apart(learner_id)

    def _kept_apart(self, learner_id: str) -> Learner:
        """Note that the parting is finished, and that these are two people."""
        for _ in tries():
            before = self._get(learner_id)
            if before.parting_from is None:
                return before
            after = replace(
                before,
                parting_from=None,
                kept_apart=tuple(dict.fromkeys((*before.kept_apart, before.parting_from))),
                updated_at=self._at(),
                version=before.version + 1,
            )
            if self._written(after):
                return after
        raise Unavailable("other writers kept changing the same learner, try again")

    def _at(self) -> str:
        return rfc3339(self.now())

    def _get(self, learner_id: str) -> Learner:
        return LearnerStore(self.table, self.integration_id).get(learner_id)

    def _written(self, *learners: Learner) -> bool:
        puts = [self.table.put_action(learner.to_item(), **unchanged(learner.version - 1)) for learner in learners]
        return changes.write(self.table, puts)

    def _parted(self, other: Learner) -> tuple[Learner, Learner]:
        """Return both learners after parting; an identifier goes to the learner to whom it was given."""
        if other.merged_into is None:
            raise Conflict("the learner was not merged into another one")
        survivor, at = self._get(other.merged_into), self._at()
        origins = {learner.id for learner in family(self.table, other)}
        given = {
            identifier: self._identity(identifier).holders.keys()
            for identifier in {dated.identifier for dated in survivor.identifiers}
        }
        theirs = [dated for dated in survivor.identifiers if given[dated.identifier] & origins]
        kept = [
            dated for dated in survivor.identifiers if not given[dated.identifier] or given[dated.identifier] - origins
        ]
        return (
            replace(
                survivor,
                identifiers=tuple(kept),
                merged=tuple(learner_id for learner_id in survivor.merged if learner_id != other.id),
                joining=tuple(learner_id for learner_id in survivor.joining if learner_id != other.id),
                updated_at=at,
                version=survivor.version + 1,
            ),
            replace(
                other,
                identifiers=_as_before(other, theirs),
                merged_into=None,
                parting_from=survivor.id,
                updated_at=at,
                version=other.version + 1,
            ),
        )

    def _identity(self, identifier: Identifier) -> IdentityItem:
        return read_identity(self.table, self.integration_id, identifier)

    def _move_identities(self, identifiers: Iterable[Identifier], origins: frozenset[str], to: Learner) -> None:
        for identifier in dict.fromkeys(identifiers):
            for _ in tries():
                before = self._identity(identifier)
                after = before.moved(origins, to.id)
                if after.holders == before.holders:
                    break
                if changes.write(self.table, [self.table.put_action(after.to_item(), **unchanged(before.version))]):
                    break
            else:
                raise Unavailable("other writers kept changing the same identifier, try again")

    def _move_records(self, found: Iterable[Record], origins: frozenset[str], to: Learner) -> None:
        for record in found:
            if self.time_is_up():
                raise Unavailable(UNFINISHED)
            move(self.table, record, to, origins, self._at())


def _merged(survivor: Learner, other: Learner, at: str) -> tuple[Learner, Learner]:
    """Return both learners after the merge; the other one's identifiers become aliases of the survivor."""
    if survivor.merged_into or other.merged_into:
        raise Conflict("one of the learners was merged into another one; undo that merge first")
    if survivor.parting_from or other.parting_from:
        raise Conflict("a merge of one of the learners is still being undone; send that request again first")
    had = changes.live(survivor)
    news = [replace(dated, alias=True) for dated in other.identifiers if dated.until or dated.identifier not in had]
    return (
        replace(
            survivor,
            identifiers=(*survivor.identifiers, *news),
            merged=(*survivor.merged, other.id),
            joining=(*survivor.joining, other.id),
            updated_at=at,
            version=survivor.version + 1,
        ),
        replace(other, merged_into=survivor.id, updated_at=at, version=other.version + 1),
    )


def _as_before(other: Learner, theirs: list[DatedIdentifier]) -> tuple[DatedIdentifier, ...]:
    """Return the identifiers a learner had when they were merged, in their current state, and those gained since."""
    now = {(dated.identifier, dated.since): dated for dated in theirs}
    before = [
        replace(dated, until=now[place].until) if (place := (dated.identifier, dated.since)) in now else dated
        for dated in other.identifiers
    ]
    known = {dated.identifier for dated in other.identifiers}
    return (*before, *(dated for dated in theirs if dated.identifier not in known))
