"""Assigns and removes aliases: lasting identifiers of a learner, which apply to held statements, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from coursebridge.apply.release import waiting_for_identity
from coursebridge.clock import rfc3339
from coursebridge.errors import Conflict, FieldError, InvalidRequest, NotFound, Unavailable
from coursebridge.people import changes
from coursebridge.records.identifiers import normalised, usable
from coursebridge.storage.identities import read_identity
from coursebridge.storage.learners import Learner, LearnerStore, read_learners
from coursebridge.storage.table import TRANSACTION, tries, unchanged

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.records.identifiers import Identifier, Kind
    from coursebridge.storage.identities import IdentityItem
    from coursebridge.storage.table import Table

MOST_OTHERS = TRANSACTION - 3
"""Learners from whom one transaction can take an identifier; identity, new holder and tombstone are in it, too."""


class Assigned(NamedTuple):
    """What an assignment affects besides the learner who gets the identifier.

    Attributes:
        waiting: how many statements were held for the identifier and are now replayed (counted up to a limit).
        taken_from: the ids of the learners whom the identifier meant until now, including any who had replaced it.
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
    """Give an identifier to a learner, and take it from everybody else.

    Former holders keep what was applied to them. Statements held for the identifier are replayed by the stream alone,
    which carries the identity written here: if this function replayed them, too, the count it returns would depend on
    which of the two came first.

    Args:
        table: the application's table.
        integration_id: the integration's id.
        kind: the kind of identifier.
        value: the identifier.
        learner_id: the learner; for a merged one, the learner they were merged into gets the identifier.
        now: the current time.
        pseudonym_key: the key for the digests of erased identifiers.
        after_erasure: whether to accept the identifier of a person who was erased. Until it is accepted, statements
            with such an identifier are emptied and never applied.

    Raises:
        InvalidRequest: the identifier is empty or too long.
        NotFound: there is no such learner.
        Conflict: the identifier belonged to a person who was erased, or belongs to too many learners.
        Unavailable: the table is busy.
    """
    if not usable(value):
        detail = "is empty or too long"
        raise InvalidRequest(f"the identifier {detail}", errors=(FieldError("value", detail),))
    identifier, at = normalised(kind, value), rfc3339(now)
    # Count before writing the identity, because the stream reacts quickly.
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
    """Take an alias away from a learner, who keeps what was applied and what happened before.

    An identifier that the learner has replaced can be taken away, too: since its replacement it then means nobody.

    Raises:
        NotFound: there is no such learner, or the identifier does not mean them.
        Conflict: the identifier is the learner's own, not an alias.
        Unavailable: the table is busy.
    """
    identifier, at = normalised(kind, value), rfc3339(now)
    for _ in tries():
        learner = LearnerStore(table, integration_id).get_surviving(learner_id)
        identity = read_identity(table, integration_id, identifier)
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


def _learners(
    table: Table, integration_id: str, learner_id: str, identity: IdentityItem
) -> tuple[Learner, list[Learner]]:
    """Return the learner, and all others who currently hold the identifier."""
    learner = LearnerStore(table, integration_id).get_surviving(learner_id)
    others = read_learners(table, integration_id, [other for other in identity.live if other != learner.id])
    return learner, list(others.values())


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
