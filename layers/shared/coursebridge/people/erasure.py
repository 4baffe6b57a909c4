"""Erases a person everywhere: tombstones first, the learner last, so that it can break off and resume anywhere.

The tombstones are keyed digests of the person's identifiers. By them ``apply`` recognises what is sent or sent round
again later, and empties it; nobody can read an identifier from one. Of each statement a shell stays, so that sending it
again is still a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import Conflict, Unavailable
from coursebridge.people import changes
from coursebridge.records.identifiers import Identifier, digest, normalised
from coursebridge.storage import keys, statement_outcomes
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import Learner, LearnerStore, family
from coursebridge.storage.statements import StatementStore, sent_as
from coursebridge.storage.table import tries, unchanged
from coursebridge.storage.unplaced_people import UnplacedPeopleStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

PAGE = 50


@dataclass(frozen=True)
class Erasure:
    """Erases people of one integration.

    Attributes:
        table: the application's table.
        integration_id: whose learners.
        pseudonym_key: returns the key of the digests of erased identifiers.
        now: the clock.
        time_is_up: whether to break off.
        let_indexes_follow: waits until the indexes tell of all that was written before.
    """

    table: Table
    integration_id: str
    pseudonym_key: Callable[[], str]
    now: Callable[[], datetime] = utc_now
    time_is_up: Callable[[], bool] = lambda: False
    let_indexes_follow: Callable[[], None] = lambda: None

    def erase(self, learner_id: str) -> bool:
        """Erase a learner and all who were merged into them.

        An identifier that means another learner, too, stays that one's: no tombstone is set for it, and only what was
        applied to the erased person goes.

        Returns:
            Whether everything is done; ``False`` when the time ran out, and the same call goes on with it.

        Raises:
            NotFound: there is no such learner.
            Conflict: they were merged into another one.
            Unavailable: the table is busy; the same call goes on with it.
        """
        root = LearnerStore(self.table, self.integration_id).get(learner_id, even_erasing=True)
        if root.merged_into:
            raise Conflict("the learner was merged into another one; erase that one, or undo the merge first")
        people = family(self.table, root)
        ids = frozenset(learner.id for learner in people)
        identifiers = list(dict.fromkeys(dated.identifier for learner in people for dated in learner.identifiers))
        own = self._own(identifiers, ids)
        self._set_tombstones(own)
        self._mark(people)
        # Reports may have told of them before they were learners.
        UnplacedPeopleStore(self.table, self.integration_id).forget(identifiers, rfc3339(self.now()))
        for identifier in identifiers:
            self._leave(identifier, ids)
        if not self._empty_all(identifiers, own, ids):
            return False
        # Indexes follow the table a little later: a statement applied just before the tombstones may not have shown.
        self.let_indexes_follow()
        if not self._empty_all(identifiers, own, ids):
            return False
        for learner in reversed(people):
            self._delete(learner)
        return True

    def _own(self, identifiers: Sequence[Identifier], ids: frozenset[str]) -> list[Identifier]:
        """Return the identifiers that mean nobody else; those that were found to before it was broken off included."""
        key = self.pseudonym_key()
        places = {
            identifier: keys.tombstone(self.integration_id, digest(identifier, key)) for identifier in identifiers
        }
        found = self.table.get_many(places.values())
        return [
            identifier
            for identifier in identifiers
            if places[identifier] in found or not self._identity(identifier).meant_now.keys() - ids
        ]

    def _set_tombstones(self, own: Sequence[Identifier]) -> None:
        key, at = self.pseudonym_key(), rfc3339(self.now())
        self.table.put_many(
            {
                **keys.tombstone(self.integration_id, digest(identifier, key)).item(),
                "entity": "tombstone",
                "erased_at": at,
            }
            for identifier in own
        )

    def _mark(self, people: Sequence[Learner]) -> None:
        """Make them invisible, and every write that still has them in mind fail."""
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
        """Take the person out of an identity, which goes when it was nobody else's."""
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

    def _empty_all(self, identifiers: Sequence[Identifier], own: Sequence[Identifier], ids: frozenset[str]) -> bool:
        return all(self._empty_statements(identifier, ids, own=identifier in own) for identifier in identifiers)

    def _empty_statements(self, identifier: Identifier, ids: frozenset[str], *, own: bool) -> bool:
        """Take the person out of every statement; return whether the time was enough."""
        store, at = StatementStore(self.table, self.integration_id), rfc3339(self.now())
        for actor in sent_as(identifier):
            after: Item | None = None
            while True:
                if self.time_is_up():
                    return False
                page = store.list_of_actor(actor.digest(), limit=PAGE, after=after)
                theirs = [item for item in page.items if is_theirs(item, identifier, ids, own=own)]
                emptied = [statement_outcomes.empty(self.table, item, at) for item in theirs]
                if emptied and not changes.write(self.table, emptied):
                    continue
                after = page.last_key
                if after is None:
                    break
        return True

    def _delete(self, learner: Learner) -> None:
        """Delete records and all else that lies with a learner, then the learner."""
        pk, _ = learner.key
        found = self.table.query_all(pk, attributes=[keys.PK, keys.SK], consistent=True)
        places = [keys.Key(item[keys.PK], item[keys.SK]) for item in found]
        self.table.delete_many(place for place in places if place != learner.key)
        self.table.delete(learner.key)

    def _identity(self, identifier: Identifier) -> IdentityItem:
        item = self.table.get(keys.identity(self.integration_id, *identifier))
        return IdentityItem.from_item(item) if item else IdentityItem(self.integration_id, identifier)


def is_theirs(item: Item, identifier: Identifier, ids: frozenset[str], *, own: bool) -> bool:
    """Whether a statement found by an identifier is about one of these learners.

    Args:
        item: the statement's item.
        identifier: the identifier.
        ids: the learners.
        own: whether nobody else holds the identifier, so that what was not applied to anybody is theirs, too.
    """
    if item["learner_id"]:
        return item["learner_id"] in ids
    value = item["actor"]["value"] or ""
    return own and (identifier.kind == "email" or normalised(identifier.kind, value) == identifier)
