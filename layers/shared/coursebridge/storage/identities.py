"""Identifiers, and who holds them in which period."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from coursebridge.records.identifiers import Identifier
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.storage.table import Item, Table


@dataclass(frozen=True)
class Holder:
    """A period in which a learner holds an identifier.

    Attributes:
        learner: the holder: the learner it was given to, or the one that learner was merged into since.
        since: the start of the period.
        until: its end; ``None`` while the identifier is held.
        replaced: whether the holder now has another identifier of this kind instead. LinkedIn goes on sending the old
            one for a while, so it still means the same learner until somebody else gets it.
    """

    learner: str
    since: str
    until: str | None = None
    replaced: bool = False


class Meant(NamedTuple):
    """A learner that an identifier means, and the learner whose evidence it feeds (see ``Record.parts``)."""

    learner: str
    origin: str


@dataclass(frozen=True)
class IdentityItem:
    """An identifier and the learners who hold or held it; with two current holders it is ambiguous.

    Attributes:
        holders: the holders, by the learner that the identifier was given to.
        version: grows with every change; 0 if the item is not in the table.
    """

    integration_id: str
    identifier: Identifier
    holders: Mapping[str, Holder] = field(default_factory=dict)
    version: int = 0

    @property
    def live(self) -> dict[str, Meant]:
        """Return the learners who hold the identifier now."""
        held = {origin: holder for origin, holder in self.holders.items() if holder.until is None}
        return {meant.learner: meant for meant in _distinct(held)}

    @property
    def meant_now(self) -> dict[str, Meant]:
        """Return the learners the identifier means now: its holders, or else the last one, if they replaced it."""
        lasting = {origin: holder for origin, holder in self.holders.items() if self._end(holder) is None}
        return {meant.learner: meant for meant in _distinct(lasting)}

    @property
    def never_held(self) -> bool:
        """Whether nobody ever held the identifier; only then can it belong to a new learner."""
        return not self.holders

    def meant(self, moment: str) -> list[Meant]:
        """Return whom the identifier means in something that happened at a moment.

        It means its current holder, even before the holder's period began, unless another learner held it at that
        moment. An identifier without a current holder means its last holder until they gave it up, and also after that
        if they replaced it by another one.
        """
        live = {origin: holder for origin, holder in self.holders.items() if holder.until is None}
        former = {
            origin: holder
            for origin, holder in self.holders.items()
            if holder.until is not None and ((end := self._end(holder)) is None or moment < end)
        }
        at_that_time = {origin: holder for origin, holder in former.items() if holder.since <= moment}
        if len(self.live) > 1 or any(holder.since <= moment for holder in live.values()):
            return _distinct(live)
        return _distinct(at_that_time or live or former)

    def _end(self, holder: Holder) -> str | None:
        """Return when the identifier stops meaning a holder; ``None`` if it still does."""
        if holder.until is None or not holder.replaced:
            return holder.until
        until = holder.until
        later = (other for other in self.holders.values() if other.until is None or other.until > until)
        return min((max(until, other.since) for other in later), default=None)

    def held_by(self, learner_id: str, since: str, origin: str | None = None) -> IdentityItem:
        """Return the identity with one more holder; ``origin`` is the merged learner that it was given to, if any."""
        return self._with({**self.holders, origin or learner_id: Holder(learner_id, since)})

    def left_by(self, learner_id: str, until: str, *, replaced: bool = False) -> IdentityItem:
        """Return the identity with all periods of a learner ended, including those of learners merged into them.

        Args:
            learner_id: the learner.
            until: the end of the periods that are still open.
            replaced: whether the learner has another identifier of this kind instead; if not, it no longer means them,
                even where they had replaced it before.
        """

        def left(holder: Holder) -> Holder:
            if holder.learner != learner_id:
                return holder
            if holder.until is None:
                return replace(holder, until=until, replaced=replaced)
            return replace(holder, replaced=holder.replaced and replaced)

        return self._with({origin: left(holder) for origin, holder in self.holders.items()})

    def moved(self, origins: Iterable[str], learner_id: str) -> IdentityItem:
        """Return the identity with everything that was given to ``origins`` now held by another learner."""
        moving = frozenset(origins)
        return self._with(
            {
                origin: replace(holder, learner=learner_id) if origin in moving else holder
                for origin, holder in self.holders.items()
            }
        )

    def without(self, origins: Iterable[str]) -> IdentityItem:
        """Return the identity as if it had never been given to these learners."""
        gone = frozenset(origins)
        return self._with({origin: holder for origin, holder in self.holders.items() if origin not in gone})

    def touched(self) -> IdentityItem:
        """Return the identity with a new version, so that the stream carries it and waiting statements are checked."""
        return self._with(self.holders)

    def _with(self, holders: Mapping[str, Holder]) -> IdentityItem:
        return replace(self, holders=holders, version=self.version + 1)

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.identity(self.integration_id, *self.identifier)

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **self.key.item(),
            "entity": "identity",
            "integration_id": self.integration_id,
            "kind": self.identifier.kind,
            "value": self.identifier.value,
            "holders": {origin: vars(holder) for origin, holder in self.holders.items()},
            "version": self.version,
        }

    @classmethod
    def of(cls, item: Item | None, integration_id: str, identifier: Identifier) -> IdentityItem:
        """Read the table item; without one, return the identity of an identifier that nobody has ever held."""
        return cls.from_item(item) if item else cls(integration_id, identifier)

    @classmethod
    def from_item(cls, item: Item) -> IdentityItem:
        """Read the table item."""
        return cls(
            item["integration_id"],
            Identifier(item["kind"], item["value"]),
            {origin: Holder(**holder) for origin, holder in item["holders"].items()},
            item["version"],
        )


def read_identity(table: Table, integration_id: str, identifier: Identifier) -> IdentityItem:
    """Read an identity from the table; it is empty if nobody has ever held the identifier."""
    return IdentityItem.of(table.get(keys.identity(integration_id, *identifier)), integration_id, identifier)


def _distinct(holders: Mapping[str, Holder]) -> list[Meant]:
    """Return each learner once, preferring what was given to the learner over what came with a merge."""
    found: dict[str, str] = {}
    for origin, holder in sorted(holders.items(), key=lambda entry: (entry[0] != entry[1].learner, entry[0])):
        found.setdefault(holder.learner, origin)
    return [Meant(learner, origin) for learner, origin in found.items()]
