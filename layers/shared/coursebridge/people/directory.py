"""The learner directory: creates, changes and finds learners."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Conflict, InvalidRequest, Unavailable
from coursebridge.ids import new_id
from coursebridge.people import changes
from coursebridge.records.identifiers import KINDS, normalised
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner, LearnerStore
from coursebridge.storage.table import Page, pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from coursebridge.people.fields import LearnerFields
    from coursebridge.records.identifiers import Kind
    from coursebridge.storage.table import Item, Table

NEEDS_ONE = f"a learner needs at least one of {', '.join(KINDS)}"
MOST_PAGES = 10
"""Index pages read in one request: if a filter lets little through, the caller continues from the cursor."""


@dataclass(frozen=True)
class Directory:
    """The learners of one integration.

    Attributes:
        table: the application's table.
        integration_id: the integration's id.
        pseudonym_key: returns the key for the digests of erased identifiers.
        now: the clock.
        pause: waits before trying again when others are writing the same learners.
    """

    table: Table
    integration_id: str
    pseudonym_key: Callable[[], str]
    now: Callable[[], datetime] = utc_now
    pause: Callable[[float], None] = time.sleep

    def get(self, learner_id: str) -> Learner:
        """Return a learner.

        Raises:
            NotFound: there is no learner with this id, or they are being erased.
        """
        return LearnerStore(self.table, self.integration_id).get(learner_id)

    def create(self, fields: LearnerFields, *, shared: bool = False, after_erasure: bool = False) -> Learner:
        """Add a learner.

        Args:
            fields: the learner's data, with at least one identifier.
            shared: whether to accept identifiers that another learner holds.
            after_erasure: whether to accept identifiers of a person who was erased.

        Raises:
            InvalidRequest: there is no identifier.
            Conflict: an identifier belongs to another learner, or belonged to a person who was erased.
            Unavailable: the table is busy.
        """
        if not any(fields.identifiers().values()):
            raise InvalidRequest(NEEDS_ONE)
        at = rfc3339(self.now())
        after = changes.changed(Learner(self.integration_id, new_id(self.now()), at, version=0), fields, at)
        for pause in pauses():
            if self._written(None, after, at, shared=shared, after_erasure=after_erasure):
                return after
            self.pause(pause)
        raise Unavailable("other writers kept changing the same identifiers, try again")

    def change(
        self, learner_id: str, fields: LearnerFields, *, shared: bool = False, after_erasure: bool = False
    ) -> tuple[Learner, Learner]:
        """Change a learner and return them before and after the change. For the arguments, see :meth:`create`.

        A replaced identifier is kept with its dates, and means the learner until it is given to somebody else, because
        LinkedIn may keep sending it for a while.

        Raises:
            NotFound: there is no such learner.
            InvalidRequest: the last identifier would be taken away.
            Conflict: the learner was merged into another, or an identifier is refused as in :meth:`create`.
            Unavailable: the table is busy.
        """
        for pause in pauses():
            before, at = self.get(learner_id), rfc3339(self.now())
            if before.merged_into:
                raise Conflict("the learner was merged into another one; change that one, or undo the merge")
            after = changes.changed(before, fields, at)
            if changes.live(before) and not changes.live(after):
                raise InvalidRequest(NEEDS_ONE)
            if after == before or self._written(before, after, at, shared=shared, after_erasure=after_erasure):
                return before, after
            self.pause(pause)
        raise Unavailable("other writers kept changing the same learner, try again")

    def _written(self, before: Learner | None, after: Learner, at: str, *, shared: bool, after_erasure: bool) -> bool:
        """Write a learner with their identities; return ``False`` if others wrote at the same time."""
        was, is_now = changes.live(before), changes.live(after)
        snapshot = changes.read(self.table, self.integration_id, changes.ever(before, after), self.pseudonym_key())
        gained = is_now.keys() - was.keys()
        if not after_erasure:
            changes.refuse_erased(snapshot, gained)
        if not shared:
            changes.refuse_shared(snapshot, gained, after.id)
        return changes.write(self.table, changes.actions(self.table, snapshot, before, after, at))

    def find(
        self, identifiers: Mapping[Kind, str], *, group: str | None = None, status: str | None = None
    ) -> list[Learner]:
        """Return the learners who currently hold all of these identifiers, optionally of one group or one status."""
        wanted = [normalised(kind, value) for kind, value in identifiers.items()]
        snapshot = changes.read(self.table, self.integration_id, wanted, self.pseudonym_key())
        common = set.intersection(*({learner.id for learner in snapshot.holders(identifier)} for identifier in wanted))
        listed = (
            snapshot.learners[learner_id] for learner_id in sorted(common) if snapshot.learners[learner_id].is_listed
        )
        return [learner for learner in listed if group in (None, *learner.groups) and status in (None, learner.status)]

    def page(self, *, group: str | None, status: str | None, limit: int, after: Item | None) -> Page:
        """Return a page of all learners, in the order in which they were added, and the position of the next page.

        With a filter, a page may have fewer than ``limit`` learners and still not be the last.
        """
        conditions: list[str] = []
        names: dict[str, str] = {}
        values: dict[str, str] = {}
        if group is not None:
            conditions.append("contains(#groups, :group)")
            names["#groups"], values[":group"] = "groups", group
        if status is not None:
            conditions.append("#status = :status")
            names["#status"], values[":status"] = "status", status
        options: dict[str, Any] = {"condition": " AND ".join(conditions), "names": names, "values": values}
        pk = keys.learners_partition(self.integration_id)
        found: list[Item] = []
        for _ in range(MOST_PAGES):
            page = self.table.query(pk, index=keys.GSI1, limit=limit - len(found), after=after, **options)
            found, after = found + page.items, page.last_key
            if after is None or len(found) >= limit:
                break
        return Page(found, after)
