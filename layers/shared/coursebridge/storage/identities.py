"""Identifiers and who holds them, each from when until when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from coursebridge.records.identifiers import Identifier
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.storage.table import Item


@dataclass(frozen=True)
class Holder:
    """A time during which an identifier is somebody's.

    Attributes:
        learner: who holds it: whom it was given to, or whom that one was merged into since.
        since: from when.
        until: until when; ``None`` while it is held.
    """

    learner: str
    since: str
    until: str | None = None

    def spans(self, moment: str) -> bool:
        """Whether the identifier was this holder's at a moment."""
        return self.since <= moment and (self.until is None or moment < self.until)


class Meant(NamedTuple):
    """Somebody an identifier means: the learner, and the learner whose evidence it feeds (see ``Record.parts``)."""

    learner: str
    origin: str


@dataclass(frozen=True)
class IdentityItem:
    """An identifier and the learners who hold or held it; two at a time make it ambiguous.

    Attributes:
        holders: by the learner it was given to.
        version: grows with every change; 0 when nothing stands in the table.
    """

    integration_id: str
    identifier: Identifier
    holders: Mapping[str, Holder] = field(default_factory=dict)
    version: int = 0

    @property
    def live(self) -> dict[str, Meant]:
        """Return the learners who hold it now."""
        held = {origin: holder for origin, holder in self.holders.items() if holder.until is None}
        return {meant.learner: meant for meant in _distinct(held)}

    def meant(self, moment: str) -> list[Meant]:
        """Return whom the identifier means in something that happened at a moment.

        Whoever holds it now is meant, also for the time before we knew, unless it was another's at that moment. One
        that nobody holds any more still means the last holder in what happened before they gave it up.
        """
        live = {origin: holder for origin, holder in self.holders.items() if holder.until is None}
        former = {
            origin: holder
            for origin, holder in self.holders.items()
            if holder.until is not None and moment < holder.until
        }
        at_that_time = {origin: holder for origin, holder in former.items() if holder.spans(moment)}
        if len(self.live) > 1 or any(holder.spans(moment) for holder in live.values()):
            return _distinct(live)
        return _distinct(at_that_time or live or former)

    def held_by(self, learner_id: str, since: str, origin: str | None = None) -> IdentityItem:
        """Return the identity with one more holder; ``origin`` is one merged into them whose evidence it is to feed."""
        return self._with({**self.holders, origin or learner_id: Holder(learner_id, since)})

    def left_by(self, learner_id: str, until: str) -> IdentityItem:
        """Return the identity with a learner, whoever was merged into them included, holding it no longer."""
        return self._with(
            {
                origin: replace(holder, until=until)
                if holder.learner == learner_id and holder.until is None
                else holder
                for origin, holder in self.holders.items()
            }
        )

    def moved(self, origins: Iterable[str], learner_id: str) -> IdentityItem:
        """Return the identity with what was given to these learners held by another, as they are merged or parted."""
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
        """Return the identity as changed, so that the stream carries it and what waits for it is looked at again."""
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
    def from_item(cls, item: Item) -> IdentityItem:
        """Read the table item."""
        return cls(
            item["integration_id"],
            Identifier(item["kind"], item["value"]),
            {origin: Holder(**holder) for origin, holder in item["holders"].items()},
            item["version"],
        )


def _distinct(holders: Mapping[str, Holder]) -> list[Meant]:
    """Return each learner once; what was given to the learner comes before what came with a merge."""
    found: dict[str, str] = {}
    for origin, holder in sorted(holders.items(), key=lambda entry: (entry[0] != entry[1].learner, entry[0])):
        found.setdefault(holder.learner, origin)
    return [Meant(learner, origin) for learner, origin in found.items()]
