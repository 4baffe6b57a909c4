"""A learner and the identities that belong to it, read together and written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coursebridge.errors import Conflict, FieldError, Unavailable
from coursebridge.records.identifiers import Identifier, digest, normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner
from coursebridge.storage.table import TransactionRefused, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.people.fields import LearnerFields
    from coursebridge.records.identifiers import Kind
    from coursebridge.storage.table import Table


@dataclass(frozen=True)
class IdentitySnapshot:
    """What was read about some identifiers and learners.

    Attributes:
        erased: the identifiers of people who were erased, with the keys of their tombstones.
        tombstones: where the tombstone of each identifier would stand.
    """

    integration_id: str
    identities: Mapping[Identifier, IdentityItem]
    learners: Mapping[str, Learner]
    erased: frozenset[Identifier]
    tombstones: Mapping[Identifier, keys.Key]

    def identity(self, identifier: Identifier) -> IdentityItem:
        """Return an identity, an empty one where nobody ever had it."""
        return self.identities.get(identifier) or IdentityItem(self.integration_id, identifier)

    def holders(self, identifier: Identifier) -> list[Learner]:
        """Return the learners who hold an identifier now."""
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
    """Read identifiers, whoever holds them, and some learners beside; two calls for a hundred keys each."""
    wanted = list(dict.fromkeys(identifiers))
    places = {keys.identity(integration_id, *identifier): identifier for identifier in wanted}
    tombstones = {
        identifier: keys.tombstone(integration_id, digest(identifier, pseudonym_key)) for identifier in wanted
    }
    found = table.get_many([*places, *tombstones.values()])
    identities = {places[key]: IdentityItem.from_item(item) for key, item in found.items() if key in places}
    ids = {learner for identity in identities.values() for learner in identity.live} | set(learner_ids)
    learners = table.get_many(keys.learner(integration_id, learner_id) for learner_id in ids)
    return IdentitySnapshot(
        integration_id,
        identities,
        {item["id"]: Learner.from_item(item) for item in learners.values()},
        frozenset(identifier for identifier, key in tombstones.items() if key in found),
        tombstones,
    )


def changed(learner: Learner, fields: LearnerFields, now: str) -> Learner:
    """Return a learner with what a caller says; itself if that is nothing new."""
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
    """Return a learner whose identifier of a kind is another from now on; the one before is kept with its time.

    Args:
        learner: as they are.
        kind: of the identifier.
        value: the new one, ``None`` for none any more.
        now: the time of the change.
        alias: whether it stands beside the learner's own one rather than in its place.
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
    """Return everything by which learners are or were identified."""
    return [dated.identifier for learner in learners if learner for dated in learner.identifiers]


def live(learner: Learner | None) -> dict[Identifier, DatedIdentifier]:
    """Return what a learner is identified by now."""
    return {dated.identifier: dated for dated in learner.identifiers if dated.until is None} if learner else {}


def actions(
    table: Table, snapshot: IdentitySnapshot, before: Learner | None, after: Learner, now: str
) -> list[dict[str, Any]]:
    """Return the transaction that writes a learner and whatever that changes about identities.

    What is held for the identifiers of a learner who becomes active is released by the stream, which carries every
    identity that was written. An own identifier that gives way to another of its kind goes on meaning the learner; one
    that is taken away without another does not.

    Args:
        table: the application's table.
        snapshot: what was read of everything by which the learner is or was identified.
        before: the learner as they are, ``None`` for a new one.
        after: the learner as they are to be.
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
    """Write a transaction; ``False`` if others wrote at the same time and it must be thought over again.

    Raises:
        Unavailable: the table is busy; nothing was done.
    """
    try:
        table.transact(transaction)
    except TransactionRefused as refused:
        if not refused.contended:
            raise Unavailable("the table is busy, try again") from refused
        return False
    return True


def unerased(table: Table, snapshot: IdentitySnapshot, identifier: Identifier) -> dict[str, Any]:
    """Return the action that passes only if nobody erased the identifier's person meanwhile.

    It lifts the tombstone if it is known and meant.
    """
    place = snapshot.tombstones[identifier]
    return table.delete_action(place) if identifier in snapshot.erased else table.check_action(place, **unchanged(0))


def refuse_erased(snapshot: IdentitySnapshot, identifiers: Iterable[Identifier], *, field: str = "") -> None:
    """Refuse identifiers of people who were erased: whoever comes back does so because somebody says so.

    Args:
        snapshot: what was read about them.
        identifiers: the identifiers.
        field: what the field of the request is called, if not as its kind of identifier.

    Raises:
        Conflict: there are such.
    """
    erased = [identifier for identifier in identifiers if identifier in snapshot.erased]
    if erased:
        detail = "belonged to a person who was erased; send after_erasure=true to add the person again"
        raise Conflict(
            "an identifier belonged to a person who was erased",
            errors=tuple(FieldError(field or identifier.kind, detail) for identifier in erased),
        )


def refuse_shared(snapshot: IdentitySnapshot, identifiers: Iterable[Identifier], learner_id: str) -> None:
    """Refuse identifiers that somebody else holds: what is sent with one would be held, as it is never guessed whose.

    Raises:
        Conflict: there are such.
    """
    shared = [identifier for identifier in identifiers if snapshot.identity(identifier).live.keys() - {learner_id}]
    if shared:
        detail = "belongs to another learner; merge the two, or send shared=true if both really share it"
        raise Conflict(
            "another learner has this identifier",
            errors=tuple(FieldError(identifier.kind, detail) for identifier in shared),
        )
