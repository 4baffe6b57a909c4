"""Assigns and removes lasting aliases: this identifier is that learner, also for statements that were held."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from coursebridge.apply.release import waiting_for_identity
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, FieldError, InvalidRequest, NotFound, Unavailable
from coursebridge.people import changes
from coursebridge.records.identifiers import normalised, usable
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import Learner, LearnerStore
from coursebridge.storage.table import TRANSACTION, tries, unchanged

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.records.identifiers import Identifier, Kind
    from coursebridge.storage.table import Table

MOST_OTHERS = TRANSACTION - 3
"""From whom an identifier is taken at once: identity, learner and tombstone are in the same transaction."""


class Assigned(NamedTuple):
    """What an assignment changes beside the learner it is about.

    Attributes:
        waiting: how many statements are held for the identifier and are therefore sent round again, a share at most.
        taken_from: the ids of the learners whom the identifier meant until now, those who had replaced it included.
    """

    waiting: int
    taken_from: tuple[str, ...]


def assign(
    table: Table,
    integration_id: str,
    kind: Kind,
    value: str,
    learner_id: str,
    now: datetime,
    pseudonym_key: str,
    *,
    after_erasure: bool = False,
) -> Assigned:
    """Make an identifier a learner's and nobody else's.

    Whoever held it so far holds it no longer; what was applied to them stays with them. What was held for it is sent
    round again by the stream alone, which carries the identity that was written: with a second hand at it, who came
    first would decide what is counted here.

    Args:
        table: the application's table.
        integration_id: whose learner.
        kind: of the identifier.
        value: the identifier.
        learner_id: the learner; one who was merged stands for whom they were merged into.
        now: the present time.
        pseudonym_key: the key of the digests of erased identifiers.
        after_erasure: whether the identifier may be that of a person who was erased. What is sent with such a one is
            emptied and never applied, until somebody says so.

    Raises:
        InvalidRequest: the identifier can be nobody's.
        NotFound: there is no such learner.
        Conflict: the identifier was that of a person who was erased, or is that of too many learners.
        Unavailable: the table is busy; nothing was done.
    """
    if not usable(value):
        detail = "is empty or too long"
        raise InvalidRequest(f"the identifier {detail}", errors=(FieldError("value", detail),))
    identifier, at = normalised(kind, value), rfc3339(now)
    # Counted before the identity is written, as the stream is quick.
    waiting = waiting_for_identity(table, integration_id, identifier.awaited)
    for _ in tries():
        snapshot = changes.read(table, integration_id, [identifier], pseudonym_key)
        if not after_erasure:
            changes.refuse_erased(snapshot, [identifier], field="value")
        identity = snapshot.identity(identifier)
        learner, others = _learners(table, integration_id, learner_id, identity)
        if len(others) > MOST_OTHERS:
            raise Conflict(
                f"{len(others)} learners have this identifier, and it can be taken from {MOST_OTHERS} at once; "
                "take it away from some of them first"
            )
        since = min([at, *(holder.since for holder in identity.holders.values())])
        after = changes.with_identifier(learner, kind, value.strip(), at, alias=True)
        given = identity
        for other in others:
            given = given.left_by(other.id, since)
        given = replace(given.held_by(learner.id, since), version=identity.version + 1)
        transaction = [
            table.put_action(given.to_item(), **unchanged(identity.version)),
            *(_put(table, before, _without(before, identifier, at), at) for before in others),
            _put(table, learner, after, at),
            changes.unerased(table, snapshot, identifier),
        ]
        if changes.write(table, transaction):
            return Assigned(waiting, tuple(sorted(identity.meant_now.keys() - {learner.id})))
    raise Unavailable("other writers kept changing the same learner, try again")


def remove(table: Table, integration_id: str, kind: Kind, value: str, learner_id: str, now: datetime) -> None:
    """Take an identifier away from a learner; what was applied stays, and what was sent before stays theirs.

    One that they replaced by another can be taken away, too: it means them until then, and nobody from then on.

    Raises:
        NotFound: there is no such learner, or it does not mean them.
        Conflict: it is the learner's own and not an alias.
        Unavailable: the table is busy; nothing was done.
    """
    identifier, at = normalised(kind, value), rfc3339(now)
    for _ in tries():
        learner = LearnerStore(table, integration_id).get_surviving(learner_id)
        identity = _identity(table, integration_id, identifier)
        dated = changes.live(learner).get(identifier)
        if dated is None and learner.id not in identity.meant_now:
            raise NotFound("the learner does not have this identifier")
        if dated and not dated.alias:
            raise Conflict("this is the learner's current identifier; change it with PATCH .../learners/{id}")
        left = identity.left_by(learner.id, at)
        transaction = [
            table.put_action(left.to_item(), **unchanged(identity.version)),
            _put(table, learner, _without(learner, identifier, at), at),
        ]
        if changes.write(table, transaction):
            return
    raise Unavailable("other writers kept changing the same learner, try again")


def _identity(table: Table, integration_id: str, identifier: Identifier) -> IdentityItem:
    item = table.get(keys.identity(integration_id, *identifier))
    return IdentityItem.from_item(item) if item else IdentityItem(integration_id, identifier)


def _learners(
    table: Table, integration_id: str, learner_id: str, identity: IdentityItem
) -> tuple[Learner, list[Learner]]:
    """Return the learner, and all others who hold the identifier now."""
    learner = LearnerStore(table, integration_id).get_surviving(learner_id)
    places = [keys.learner(integration_id, other) for other in identity.live if other != learner.id]
    return learner, [Learner.from_item(item) for item in table.get_many(places).values()]


def _without(learner: Learner, identifier: Identifier, now: str) -> Learner:
    return replace(
        learner,
        identifiers=tuple(
            replace(dated, until=now) if dated.until is None and dated.identifier == identifier else dated
            for dated in learner.identifiers
        ),
    )


def _put(table: Table, before: Learner, after: Learner, now: str) -> dict[str, Any]:
    if after == before:
        return table.check_action(before.key, **unchanged(before.version))
    written = replace(after, updated_at=now, version=before.version + 1)
    return table.put_action(written.to_item(), **unchanged(before.version))
