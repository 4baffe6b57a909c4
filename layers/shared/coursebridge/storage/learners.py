"""Learners and their identifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.errors import NotFound
from coursebridge.records.identifiers import Identifier, Kind, normalised
from coursebridge.storage import keys
from coursebridge.storage.table import TransactionRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.storage.table import Item, Table


Status = Literal["active", "inactive"]
UNATTENDED = frozenset({"open", "report"})
"""Sources of learners whom nobody entered, but a statement or a report named."""
NOBODY = "there is no such learner"
PRESENT = "attribute_exists(PK) AND (attribute_not_exists(erasing_at) OR erasing_at = :null)"
MOST_MERGES = 10
"""How many merges are followed from one learner to the next before this counts as a circle."""


@dataclass(frozen=True)
class DatedIdentifier:
    """An identifier of a learner, as it was written, with the period in which it was theirs.

    Attributes:
        alias: whether it was assigned in addition to the learner's own identifier of this type.
    """

    type: Kind
    value: str
    since: str
    until: str | None = None
    alias: bool = False

    @property
    def identifier(self) -> Identifier:
        """Return the normalised identifier, for comparisons."""
        return normalised(self.type, self.value)


@dataclass(frozen=True)
class Learner:
    """A person in this system.

    Attributes:
        enterprise_groups: the learner's groups at LinkedIn, according to its reports.
        unique_user_id: the id that the customer gave LinkedIn for the learner, according to its reports.
        merged: the learners that were merged into this one.
        joining: those merged learners whose records have not all been moved here yet.
        merged_into: the learner that this one was merged into.
        parting_from: the learner that this one was merged into and is currently being separated from.
        kept_apart: the learners that this one was separated from, and who are therefore different people.
        erasing_at: since when the learner is being erased; for everything else the learner no longer exists.
    """

    integration_id: str
    id: str
    created_at: str
    status: Status = "active"
    identifiers: tuple[DatedIdentifier, ...] = ()
    groups: tuple[str, ...] = ()
    enterprise_groups: tuple[str, ...] = ()
    unique_user_id: str | None = None
    name: str | None = None
    source: str = "directory"
    merged: tuple[str, ...] = ()
    joining: tuple[str, ...] = ()
    merged_into: str | None = None
    parting_from: str | None = None
    kept_apart: tuple[str, ...] = ()
    erasing_at: str | None = None
    updated_at: str = ""
    version: int = 1

    @property
    def key(self) -> keys.Key:
        """Return the table key."""
        return keys.learner(self.integration_id, self.id)

    @property
    def is_listed(self) -> bool:
        """Whether the learner appears in lists: neither merged into another one nor being erased."""
        return self.merged_into is None and self.erasing_at is None

    @property
    def is_active(self) -> bool:
        """Whether the learner may have new records."""
        return self.is_listed and self.status == "active"

    def to_item(self) -> Item:
        """Return the table item."""
        listed_by = keys.learners if self.is_listed else keys.unlisted_learners
        return {
            **self.key.item(),
            **listed_by(self.integration_id, self.id).item(keys.GSI1),
            **vars(self),
            "entity": "learner",
            "identifiers": [vars(dated) for dated in self.identifiers],
            "groups": list(self.groups),
            "enterprise_groups": list(self.enterprise_groups),
            "merged": list(self.merged),
            "joining": list(self.joining),
            "kept_apart": list(self.kept_apart),
        }

    @classmethod
    def from_item(cls, item: Item) -> Learner:
        """Read the table item."""
        known = {name: item[name] for name in cls.__dataclass_fields__ if name in item}
        return cls(
            **{
                **known,
                "identifiers": tuple(DatedIdentifier(**dated) for dated in item["identifiers"]),
                "groups": tuple(item["groups"]),
                "enterprise_groups": tuple(item.get("enterprise_groups", ())),
                "merged": tuple(item["merged"]),
                "joining": tuple(item.get("joining", ())),
                "kept_apart": tuple(item.get("kept_apart", ())),
            }
        )

    def current(self, kind: Kind) -> str | None:
        """Return the learner's current identifier of a kind: the latest, and an alias only if there is nothing else."""
        live = [dated for dated in self.identifiers if dated.type == kind and dated.until is None]
        own = [dated for dated in live if not dated.alias]
        return (own or live)[-1].value if live else None

    def public(self) -> dict[str, Any]:
        """Return the learner as responses show them."""
        return {
            "id": self.id,
            "name": self.name,
            "email": self.current("email"),
            "username": self.current("username"),
            "external_id": self.current("external_id"),
            "profile_urn": self.current("profile_urn"),
            "status": "inactive" if self.merged_into else self.status,
            "identifiers": [vars(dated) for dated in self.identifiers],
            "groups": list(self.groups),
            "enterprise_groups": list(self.enterprise_groups),
            "unique_user_id": self.unique_user_id,
            "source": self.source,
            "merged": list(self.merged),
            "merged_into": self.merged_into,
            "created_at": self.created_at,
            "updated_at": self.updated_at or self.created_at,
        }


def read_learners(
    table: Table, integration_id: str, ids: Iterable[str], *, consistent: bool = True
) -> dict[str, Learner]:
    """Read those of these learners that exist, by id, even if they were merged or are being erased."""
    items = table.get_many((keys.learner(integration_id, learner_id) for learner_id in ids), consistent=consistent)
    return {item["id"]: Learner.from_item(item) for item in items.values()}


def family(table: Table, learner: Learner) -> list[Learner]:
    """Return a learner and all learners that were merged into them, directly or indirectly."""
    found, wanted = {learner.id: learner}, set(learner.merged)
    while wanted:
        generation = read_learners(table, learner.integration_id, sorted(wanted))
        found |= generation
        wanted = {merged for relative in generation.values() for merged in relative.merged} - found.keys()
    return list(found.values())


class LearnerStore:
    """The learners of one integration, without those who are being erased unless asked for.

    Args:
        table: the application's table.
        integration_id: the integration.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def find(self, learner_id: str, *, even_erasing: bool = False) -> Learner | None:
        """Return a learner, even one who was merged into another; ``None`` if there is none."""
        item = self._table.get(keys.learner(self._integration_id, learner_id))
        learner = Learner.from_item(item) if item else None
        return None if learner and learner.erasing_at and not even_erasing else learner

    def get(self, learner_id: str, *, even_erasing: bool = False) -> Learner:
        """Return a learner, even one who was merged into another.

        Raises:
            NotFound: there is no such learner.
        """
        return _found(self.find(learner_id, even_erasing=even_erasing))

    def find_surviving(self, learner_id: str) -> Learner | None:
        """Return a learner, or the one they were finally merged into; ``None`` if there is none."""
        for _ in range(MOST_MERGES):
            learner = self.find(learner_id)
            if learner is None or learner.merged_into is None:
                return learner
            learner_id = learner.merged_into
        return None

    def get_surviving(self, learner_id: str) -> Learner:
        """Return a learner, or the one they were finally merged into.

        Raises:
            NotFound: there is no such learner.
        """
        return _found(self.find_surviving(learner_id))

    def write_for(self, learner_id: str, action: Mapping[str, Any]) -> bool:
        """Write an item that belongs to a learner, unless the learner is erased in the meantime.

        Args:
            learner_id: the learner.
            action: a conditional write (see :meth:`coursebridge.storage.table.Table.put_action`).

        Returns:
            Whether it was written; ``False`` if others wrote at the same time, so that it must be decided on again.

        Raises:
            NotFound: there is no such learner.
            Unavailable: the table is busy.
        """
        present = self._table.check_action(keys.learner(self._integration_id, learner_id), PRESENT, {":null": None})
        try:
            self._table.transact([action, present])
        except TransactionRefused as refused:
            if refused.failed[1]:
                raise NotFound(NOBODY) from refused
            return False
        return True


def _found(learner: Learner | None) -> Learner:
    if learner is None:
        raise NotFound(NOBODY)
    return learner
