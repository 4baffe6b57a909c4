"""Erases a person everywhere: tombstones first and the learner last, so that it can stop and resume at any point.

Tombstones are keyed digests of the person's identifiers, from which nobody can read an identifier. ``apply`` uses them
to recognise and empty statements that are sent or replayed later. A shell of each statement stays, so that sending the
statement again is still a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Conflict, Unavailable
from coursebridge.people import changes
from coursebridge.people.moving import records
from coursebridge.records.identifiers import Identifier, normalised
from coursebridge.storage import keys, statement_outcomes
from coursebridge.storage.identities import read_identity
from coursebridge.storage.learners import Learner, LearnerStore, family, read_learners
from coursebridge.storage.statements import StatementStore, sent_as
from coursebridge.storage.table import tries, unchanged
from coursebridge.storage.tombstones import erased_among, tombstone_item
from coursebridge.storage.unplaced_people import UnplacedPeopleStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from coursebridge.storage.identities import IdentityItem
    from coursebridge.storage.table import Item, Table

PAGE = 50


@dataclass(frozen=True)
class Erasure:
    """Erases people of one integration.

    Attributes:
        table: the application's table.
        integration_id: the integration's id.
        pseudonym_key: returns the key for the digests of erased identifiers.
        now: the clock.
        time_is_up: returns whether to stop for now.
        let_indexes_follow: waits until the indexes reflect all earlier writes.
    """

    table: Table
    integration_id: str
    pseudonym_key: Callable[[], str]
    now: Callable[[], datetime] = utc_now
    time_is_up: Callable[[], bool] = lambda: False
    let_indexes_follow: Callable[[], None] = lambda: None

    def erase(self, learner_id: str) -> bool:
        """Erase a learner and all who were merged into them.

        An identifier that also means another learner stays with that learner: it gets no tombstone, and of the
        statements sent with it, only those applied to the erased person are emptied.

        Returns:
            Whether everything is done; ``False`` if time ran out. Repeat the call to continue.

        Raises:
            NotFound: there is no such learner.
            Conflict: the learner was merged into another one, or a merge of theirs is being undone.
            Unavailable: the table is busy; repeat the call to continue.
        """
        root = LearnerStore(self.table, self.integration_id).get(learner_id, even_erasing=True)
        if root.merged_into:
            raise Conflict("the learner was merged into another one; erase that one, or undo the merge first")
        people = family(self.table, root)
        ids = frozenset(learner.id for learner in people)
        if not root.erasing_at:
            self._refuse_parting(root, ids)
        identifiers = list(dict.fromkeys(dated.identifier for learner in people for dated in learner.identifiers))
        own, apart = self._own(identifiers, ids), separated(people)
        self._set_tombstones(own)
        self._mark(people)
        # Reports may have mentioned them before they were learners.
        UnplacedPeopleStore(self.table, self.integration_id).forget(identifiers, rfc3339(self.now()))
        for identifier in identifiers:
            self._leave(identifier, ids)
        if not self._empty_all(identifiers, own, ids, apart):
            return False
        # Indexes lag behind the table: a statement applied just before the tombstones may have been missed.
        self.let_indexes_follow()
        if not self._empty_all(identifiers, own, ids, apart):
            return False
        for learner in reversed(people):
            self._delete(learner)
        return True

    def _refuse_parting(self, learner: Learner, ids: frozenset[str]) -> None:
        """Refuse while a merge is being undone: until that is finished, one learner has what belongs to the other."""
        origins = {origin for record in records(self.table, learner) for origin in record.parts} - ids
        others = read_learners(self.table, self.integration_id, origins).values()
        if learner.parting_from or any(other.parting_from == learner.id for other in others):
            raise Conflict("a merge of the learner is still being undone; send that request again first")

    def _own(self, identifiers: Sequence[Identifier], ids: frozenset[str]) -> list[Identifier]:
        """Return the identifiers that mean nobody else, including those with a tombstone set by an earlier call."""
        marked = erased_among(self.table, self.integration_id, identifiers, self.pseudonym_key())
        return [
            identifier
            for identifier in identifiers
            if identifier in marked or not self._identity(identifier).meant_now.keys() - ids
        ]

    def _set_tombstones(self, own: Sequence[Identifier]) -> None:
        key, at = self.pseudonym_key(), rfc3339(self.now())
        self.table.put_many(tombstone_item(self.integration_id, identifier, key, at) for identifier in own)

    def _mark(self, people: Sequence[Learner]) -> None:
        """Make these people invisible, and make writes by others that have already read them fail."""
        for learner in people:
            for _ in tries():
                before = LearnerStore(self.table, self.integration_id).find(learner.id)
                if before is None:
                    break
                after = replace(before, erasing_at=rfc3339(self.now()), version=before.version + 1)
                if changes.write(self.table, [self.table.put_action(after.to_item(), **unchanged(before.version))]):
                    break
            else:
                raise Unavailable("other writers kept changing the same learner, try again")

    def _leave(self, identifier: Identifier, ids: frozenset[str]) -> None:
        """Take the person out of an identity, and delete it if nobody else is in it."""
        for _ in tries():
            before = self._identity(identifier)
            after = before.without(ids)
            if after.holders == before.holders:
                return
            condition = unchanged(before.version)
            action = (
                self.table.put_action(after.to_item(), **condition)
                if after.holders
                else self.table.delete_action(before.key, **condition)
            )
            if changes.write(self.table, [action]):
                return
        raise Unavailable("other writers kept changing the same identifier, try again")

    def _empty_all(
        self, identifiers: Sequence[Identifier], own: Sequence[Identifier], ids: frozenset[str], apart: frozenset[str]
    ) -> bool:
        return all(self._empty_statements(identifier, ids, apart, own=identifier in own) for identifier in identifiers)

    def _empty_statements(
        self, identifier: Identifier, ids: frozenset[str], apart: frozenset[str], *, own: bool
    ) -> bool:
        """Take the person out of every statement sent with an identifier; return ``False`` if time ran out."""
        store, at = StatementStore(self.table, self.integration_id), rfc3339(self.now())
        for actor in sent_as(identifier):
            after: Item | None = None
            while True:
                if self.time_is_up():
                    return False
                page = store.list_of_actor(actor.digest(), limit=PAGE, after=after)
                theirs = [item for item in page.items if is_theirs(item, identifier, ids, apart, own=own)]
                emptied = [statement_outcomes.empty(self.table, item, at) for item in theirs]
                if emptied and not changes.write(self.table, emptied):
                    continue
                after = page.last_key
                if after is None:
                    break
        return True

    def _delete(self, learner: Learner) -> None:
        """Delete everything in a learner's partition, and the learner last."""
        pk, _ = learner.key
        found = self.table.query_all(pk, attributes=[keys.PK, keys.SK], consistent=True)
        places = [keys.Key(item[keys.PK], item[keys.SK]) for item in found]
        self.table.delete_many(place for place in places if place != learner.key)
        self.table.delete(learner.key)

    def _identity(self, identifier: Identifier) -> IdentityItem:
        return read_identity(self.table, self.integration_id, identifier)


def separated(people: Iterable[Learner]) -> frozenset[str]:
    """Return the ids of the learners that these people were merged into for a while."""
    return frozenset(other for learner in people for other in learner.kept_apart)


def is_theirs(
    item: Item, identifier: Identifier, ids: frozenset[str], apart: frozenset[str] = frozenset(), *, own: bool
) -> bool:
    """Whether a statement found by an identifier is about one of these learners.

    Args:
        item: the statement's item.
        identifier: the identifier.
        ids: the learners' ids.
        apart: the learners they were separated from (:func:`separated`). What was sent about them while they were
            merged names those as its learners, and goes on to do so.
        own: whether the identifier means nobody else, so that statements applied to nobody are theirs, too.
    """
    applied_to = item["learner_id"]
    if applied_to and not (own and applied_to in apart):
        return applied_to in ids
    value = item["actor"]["value"] or ""
    return own and (identifier.kind == "email" or normalised(identifier.kind, value) == identifier)
