"""Reads a learner together with their identities, and writes both in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge.errors import Conflict, FieldError
from coursebridge.records.identifiers import Identifier, normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner, read_learners
from coursebridge.storage.table import TransactionRefused, unchanged
from coursebridge.storage.tombstones import tombstone_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.people.fields import LearnerFields
    from coursebridge.records.identifiers import Kind
    from coursebridge.storage.table import Table


@dataclass(frozen=True)
class IdentitySnapshot:
    """What was read about some identifiers and learners.

    Attributes:
        erased: those of the identifiers that belonged to people who were erased.
        tombstones: for each identifier, the key of its tombstone, whether or not there is one.
    """

    integration_id: str
    identities: Mapping[Identifier, IdentityItem]
    learners: Mapping[str, Learner]
    erased: frozenset[Identifier]
    tombstones: Mapping[Identifier, keys.Key]

    def identity(self, identifier: Identifier) -> IdentityItem:
        """Return the identity of an identifier, empty if nobody ever had it."""
        return self.identities.get(identifier) or IdentityItem(self.integration_id, identifier)

    def holders(self, identifier: Identifier) -> list[Learner]:
        """Return the learners who currently hold an identifier."""
        return [
            self.learners[learner_id] for learner_id in self.identity(identifier).live if learner_id in self.learners
        ]


def read(
    table: Table,
    integration_id: str,
    identifiers: Iterable[Identifier],
    pseudonym_key: str,
    learner_ids: Iterable[str] = (),
) -> IdentitySnapshot:
    """Read identifiers, the learners who hold them, and further learners, in two batches of a hundred keys a call."""
    wanted = list(dict.fromkeys(identifiers))
    places = {keys.identity(integration_id, *identifier): identifier for identifier in wanted}
    tombstones = {identifier: tombstone_key(integration_id, identifier, pseudonym_key) for identifier in wanted}
    found = table.get_many([*places, *tombstones.values()])
    identities = {places[key]: IdentityItem.from_item(item) for key, item in found.items() if key in places}
    ids = {learner for identity in identities.values() for learner in identity.live} | set(learner_ids)
    return IdentitySnapshot(
        integration_id,
        identities,
        read_learners(table, integration_id, ids),
        frozenset(identifier for identifier, key in tombstones.items() if key in found),
        tombstones,
    )


def changed(learner: Learner, fields: LearnerFields, now: str) -> Learner:
    """Return a learner with a caller's changes, or the same object if they change nothing."""
    after = learner
    for kind, value in fields.identifiers().items():
        after = with_identifier(after, kind, value, now)
    given = fields.model_fields_set
    after = replace(
        after,
        name=(fields.name or None) if "name" in given else after.name,
        status=fields.status if "status" in given else after.status,
        groups=tuple(dict.fromkeys(fields.groups or ())) if "groups" in given else after.groups,
    )
    return after if after == learner else replace(after, updated_at=now, version=learner.version + 1)


def with_identifier(learner: Learner, kind: Kind, value: str | None, now: str, *, alias: bool = False) -> Learner:
    """Return a learner with a new identifier of a kind; the previous one is kept with its dates.

    Args:
        learner: the learner before the change.
        kind: the kind of identifier.
        value: the new identifier; ``None`` to take the previous one away.
        now: the time of the change.
        alias: whether to add the identifier beside the learner's own instead of replacing that.
    """
    identifier = normalised(kind, value) if value else None
    same = [dated for dated in learner.identifiers if dated.until is None and dated.identifier == identifier]
    if any(alias or (not dated.alias and dated.value == value) for dated in same):
        return learner
    kept: list[DatedIdentifier] = []
    for dated in learner.identifiers:
        replaced = dated.type == kind and dated.until is None and not alias
        if not replaced or (dated.alias and dated.identifier != identifier):
            kept.append(dated)
        elif dated.identifier != identifier:
            kept.append(replace(dated, until=now))
    since = same[0].since if same else now
    news = [DatedIdentifier(kind, value, since, alias=alias)] if value else []
    return replace(learner, identifiers=(*kept, *news))


def ever(*learners: Learner | None) -> list[Identifier]:
    """Return all identifiers, current and former, of these learners."""
    return [dated.identifier for learner in learners if learner for dated in learner.identifiers]


def live(learner: Learner | None) -> dict[Identifier, DatedIdentifier]:
    """Return a learner's current identifiers."""
    return {dated.identifier: dated for dated in learner.identifiers if dated.until is None} if learner else {}


def actions(
    table: Table, snapshot: IdentitySnapshot, before: Learner | None, after: Learner, now: str
) -> list[dict[str, Any]]:
    """Return the transaction that writes a learner and the identities that change with them.

    When a learner becomes active, every identity that means them is written, so that the stream carries it and releases
    what is held for it. An identifier that is replaced by another of its kind continues to mean the learner; one that
    is taken away without a replacement does not.

    Args:
        table: the application's table.
        snapshot: what was read about the learner's current and former identifiers.
        before: the learner before the change, ``None`` for a new one.
        after: the learner after the change.
        now: the time of the change.
    """
    was, is_now = live(before), live(after)
    own = {identifier.kind for identifier, dated in is_now.items() if not dated.alias}
    gained, lost = is_now.keys() - was.keys(), was.keys() - is_now.keys()
    identities = [snapshot.identity(identifier).held_by(after.id, is_now[identifier].since) for identifier in gained]
    identities += [
        snapshot.identity(identifier).left_by(after.id, now, replaced=identifier.kind in own) for identifier in lost
    ]
    if before is not None and before.status != "active" and after.status == "active":
        rest = set(ever(after)) - gained - lost
        identities += [
            snapshot.identity(identifier).touched()
            for identifier in rest
            if after.id in snapshot.identity(identifier).meant_now
        ]
    return [
        table.put_action(after.to_item(), **unchanged(before.version if before else 0)),
        *(table.put_action(identity.to_item(), **unchanged(identity.version - 1)) for identity in identities),
        *(unerased(table, snapshot, identifier) for identifier in gained),
    ]


def write(table: Table, transaction: list[dict[str, Any]]) -> bool:
    """Write a transaction; return ``False`` if others wrote at the same time, so that it must be planned again.

    Raises:
        TooLarge: an item, or the whole transaction, would be too large.
        Unavailable: the table is busy.
    """
    try:
        table.transact(transaction)
    except TransactionRefused:
        return False
    return True


def unerased(table: Table, snapshot: IdentitySnapshot, identifier: Identifier) -> dict[str, Any]:
    """Return the action that fails the transaction if the identifier's person has been erased since the snapshot.

    If the snapshot already has the identifier's tombstone, the action removes it instead.
    """
    place = snapshot.tombstones[identifier]
    return table.delete_action(place) if identifier in snapshot.erased else table.check_action(place, **unchanged(0))


def refuse_erased(snapshot: IdentitySnapshot, identifiers: Iterable[Identifier], *, field: str = "") -> None:
    """Refuse identifiers of people who were erased: such a person comes back only at somebody's explicit request.

    Args:
        snapshot: what was read about the identifiers.
        identifiers: the identifiers.
        field: the name of the request's field, if it is not the kind of identifier.

    Raises:
        Conflict: at least one of them belonged to a person who was erased.
    """
    erased = [identifier for identifier in identifiers if identifier in snapshot.erased]
    if erased:
        detail = "belonged to a person who was erased; send after_erasure=true to add the person again"
        raise Conflict(
            "an identifier belonged to a person who was erased",
            errors=tuple(FieldError(field or identifier.kind, detail) for identifier in erased),
        )


def refuse_shared(snapshot: IdentitySnapshot, identifiers: Iterable[Identifier], learner_id: str) -> None:
    """Refuse identifiers that another learner holds: statements with a shared identifier are held, not guessed at.

    Raises:
        Conflict: another learner holds at least one of them.
    """
    shared = [identifier for identifier in identifiers if snapshot.identity(identifier).live.keys() - {learner_id}]
    if shared:
        detail = "belongs to another learner; merge the two, or send shared=true if both really share it"
        raise Conflict(
            "another learner has this identifier",
            errors=tuple(FieldError(identifier.kind, detail) for identifier in shared),
        )
