"""Who is who: the people reports tell of, and the learners they are.

LinkedIn names a person by up to three identifiers, and not by the same ones in every row. So everybody a run tells of
is gathered first, and people who share an identifier are one person; then any of them may find the learner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from coursebridge.records.identifiers import Identifier, identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.activity.mapper import Person
    from coursebridge.storage.identities import IdentityItem

Who = Literal["learner", "unknown", "ambiguous", "inactive", "erased"]


@dataclass
class Someone:
    """One person with everything LinkedIn calls them by.

    Attributes:
        identifiers: LinkedIn's own first, then the customer's, then the address.
        name: the display name, if any row has it.
        groups: LinkedIn's enterprise groups.
    """

    identifiers: dict[Identifier, None] = field(default_factory=dict)
    name: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """What a person's identifiers lead to.

    Attributes:
        who: ``learner`` when it is exactly one.
        learner_id: which.
        origin: whose evidence what the person does feeds (merged learners).
    """

    who: Who
    learner_id: str = ""
    origin: str = ""


def identifiers_of(person: Person, identification: str) -> list[Identifier]:
    """Return a person's identifiers in the form they are kept, LinkedIn's own first.

    Args:
        person: whom a row names.
        identification: how the integration identifies learners. The id the customer gave LinkedIn is a user name where
            learners are identified by that, else an external id.
    """
    kind: Literal["username", "external_id"] = "username" if identification == "username" else "external_id"
    named = ((person.profile_urn, "profile_urn"), (person.unique_user_id, kind), (person.email, "email"))
    return [identifier(kind, value) for value, kind in named if value]  # type: ignore[arg-type]


def gathered(people: Iterable[Person], identification: str) -> list[Someone]:
    """Return the distinct people: those that share an identifier, also by way of others, are one."""
    by_identifier: dict[Identifier, Someone] = {}
    for person in people:
        mine = identifiers_of(person, identification)
        parts = {id(known): known for one in mine if (known := by_identifier.get(one))}
        whole = Someone()
        for part in parts.values():
            whole = _joined(whole, part)
        whole = _joined(whole, Someone(dict.fromkeys(mine), person.name, person.groups))
        by_identifier.update(dict.fromkeys(whole.identifiers, whole))
    return list({id(someone): someone for someone in by_identifier.values()}.values())


def _joined(one: Someone, other: Someone) -> Someone:
    order = ("profile_urn", "username", "external_id", "email")
    identifiers = sorted({*one.identifiers, *other.identifiers}, key=lambda i: (order.index(i.kind), i.value))
    return Someone(dict.fromkeys(identifiers), one.name or other.name, tuple(sorted({*one.groups, *other.groups})))


def matched(someone: Someone, identities: Mapping[Identifier, IdentityItem]) -> Match | None:
    """Return the learner a person's identifiers lead to; ``None`` when they lead to nobody.

    More than one is never guessed at, be it that an identifier has several holders or that two lead to different ones.
    """
    found: dict[str, str] = {}
    for one in someone.identifiers:
        identity = identities.get(one)
        for meant in (identity.live if identity else {}).values():
            found.setdefault(meant.learner, meant.origin)
    if not found:
        return None
    if len(found) > 1:
        return Match("ambiguous")
    learner_id, origin = next(iter(found.items()))
    return Match("learner", learner_id, origin)
