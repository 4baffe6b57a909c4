"""People in activity reports who could not be matched to a learner: shown to admins, and read again by later syncs.

They are kept in this one place, so that erasing somebody can remove them here, too.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.errors import Unavailable
from coursebridge.records.identifiers import Identifier
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, tries, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from coursebridge.storage.table import Table

Reason = Literal["learner_unknown", "learner_ambiguous", "learner_inactive", "learner_gone"]
MOST_BYTES = 300_000
"""The limit after compression; an item can have 400 KB."""


@dataclass(frozen=True)
class UnplacedPerson:
    """Somebody in a report who is not exactly one learner who can have records.

    Attributes:
        identifiers: all identifiers that LinkedIn uses for them.
        since: the start of the oldest report window that mentions them.
        reason: no learner has these identifiers, several learners have them, the learner is inactive, or the learner
            was merged or erased during the run.
    """

    identifiers: frozenset[Identifier]
    since: str
    reason: Reason = "learner_unknown"

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"since": self.since, "reason": self.reason, "identifiers": self.names}

    @classmethod
    def from_json(cls, told: dict[str, Any] | list[str]) -> UnplacedPerson:
        """Read the stored form; earlier versions stored lists, and only for unknown learners."""
        if isinstance(told, list):
            told = {"since": told[0], "reason": "learner_unknown", "identifiers": told[1:]}
        return cls(frozenset(map(Identifier.awaiting, told["identifiers"])), told["since"], told["reason"])

    @property
    def names(self) -> list[str]:
        """Return the identifiers as sorted texts."""
        return sorted(identifier.awaited for identifier in self.identifiers)


@dataclass(frozen=True)
class UnplacedPeople:
    """The unplaced people of an integration.

    Attributes:
        people: the people, the longest known first and inactive learners last.
        run_id: the run that last wrote them.
        forgotten_at: when somebody was last forgotten; setting it makes concurrent writers start again.
        version: the version of the item; 0 if there is none.
    """

    people: tuple[UnplacedPerson, ...] = ()
    run_id: str = ""
    forgotten_at: str = ""
    version: int = 0


class UnplacedPeopleStore:
    """The unplaced people of one integration, in one item.

    Args:
        table: the application's table.
        integration_id: the integration.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._key = keys.unplaced_people(integration_id)

    def get(self) -> UnplacedPeople:
        """Return all unplaced people."""
        item = self._table.get(self._key)
        if item is None:
            return UnplacedPeople()
        told = json.loads(zlib.decompress(item["people"]))
        people = tuple(UnplacedPerson.from_json(person) for person in told)
        return UnplacedPeople(people, item["run_id"], item["forgotten_at"], item["version"])

    def change(self, think: Callable[[UnplacedPeople], UnplacedPeople]) -> None:
        """Write what ``think`` returns for the stored people; call it again if others write at the same time.

        Raises:
            Unavailable: others kept writing.
        """
        for _ in tries():
            before = self.get()
            after = think(before)
            if after == before:
                return
            item = {
                **self._key.item(),
                "entity": "strangers",
                "people": _compressed(after.people),
                "run_id": after.run_id,
                "forgotten_at": after.forgotten_at,
                "version": before.version + 1,
            }
            try:
                self._table.put(item, **unchanged(before.version))
            except ConditionFailed:
                continue
            return
        raise Unavailable("other writers kept changing the same people, try again")

    def forget(self, identifiers: Collection[Identifier], at: str) -> None:
        """Forget everybody with one of these identifiers, and note when somebody was forgotten.

        Raises:
            Unavailable: others kept writing.
        """
        gone = frozenset(identifiers)
        self.change(
            lambda before: UnplacedPeople(
                tuple(person for person in before.people if not person.identifiers & gone), before.run_id, at
            )
        )


def joined(people: Iterable[UnplacedPerson]) -> list[UnplacedPerson]:
    """Return the distinct people, the longest known first; people who share an identifier are one person.

    Of several reasons the last one counts. Inactive learners come last: most of the many who have left will stay
    inactive, and they should not crowd out people whom an admin can help.
    """
    found: dict[Identifier, UnplacedPerson] = {}
    for person in people:
        parts = {person, *(found[identifier] for identifier in person.identifiers if identifier in found)}
        identifiers = frozenset[Identifier]().union(*(part.identifiers for part in parts))
        whole = UnplacedPerson(identifiers, min(part.since for part in parts), person.reason)
        found.update(dict.fromkeys(whole.identifiers, whole))
    return sorted(
        set(found.values()), key=lambda person: (person.reason == "learner_inactive", person.since, person.names)
    )


def _compressed(people: tuple[UnplacedPerson, ...]) -> bytes:
    """Compress as many people as fit, dropping the later half until they do."""
    while True:
        body = zlib.compress(json.dumps([person.to_json() for person in people]).encode())
        if len(body) <= MOST_BYTES:
            return body
        people = people[: len(people) // 2]
