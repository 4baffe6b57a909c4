"""Matches the people in reports to learners. Pure rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal

from coursebridge.records.identifiers import Identifier, normalised
from coursebridge.storage.learners import UNATTENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.activity.mapper import Person
    from coursebridge.records.identifiers import Identification, Kind
    from coursebridge.storage.identities import IdentityItem, Meant
    from coursebridge.storage.learners import Learner

GIVEN = ("username", "external_id")
"""The kinds that the customer's id can be (:func:`identifiers_of`)."""
Who = Literal["learner", "unknown", "ambiguous", "inactive", "erased"]


@dataclass
class Someone:
    """One person with all the identifiers by which LinkedIn names them.

    Attributes:
        identifiers: LinkedIn's own first, then the customer's, then the e-mail address.
        name: the display name, if any row has it.
        groups: the person's enterprise groups at LinkedIn.
        number: the person's number in the roster of the run.
    """

    identifiers: dict[Identifier, None] = field(default_factory=dict)
    name: str | None = None
    groups: tuple[str, ...] = ()
    number: int = 0

    @property
    def unique_user_id(self) -> str | None:
        """Return the id that the customer gave LinkedIn for the person; ``None`` if there is none or more than one."""
        given = [identifier.value for identifier in self.identifiers if identifier.kind in GIVEN]
        return given[0] if len(given) == 1 else None


@dataclass(frozen=True)
class Match:
    """The result of matching a person's identifiers.

    Attributes:
        who: ``learner`` if they lead to exactly one learner, otherwise why they do not.
        learner_id: the id of that learner.
        origin: the id of the learner, possibly one merged into that learner, to whose evidence the activity is added.
        version: the version that the learner had then. Identifiers that are moved, merges and partings raise it, so the
            match is out of date once the learner has another one.
    """

    who: Who
    learner_id: str = ""
    origin: str = ""
    version: int = 0


def identifiers_of(person: Person, identification: Identification) -> list[Identifier]:
    """Return a person's identifiers in their normalised form, LinkedIn's own first.

    Args:
        person: the person as a row names them.
        identification: how the integration identifies learners. If by user name, the id that the customer gave
            LinkedIn is a user name, otherwise an external id.
    """
    given: Kind = "username" if identification == "username" else "external_id"
    named: tuple[tuple[Kind, str | None], ...] = (
        ("profile_urn", person.profile_urn),
        (given, person.unique_user_id),
        ("email", person.email),
    )
    return [normalised(kind, value) for kind, value in named if value]


def matched(
    someone: Someone, identities: Mapping[Identifier, IdentityItem], learners: Mapping[str, Learner]
) -> Match | None:
    """Return the learner to whom a person's identifiers lead, or ``None`` if they lead to nobody.

    If they lead to several learners, because several hold one identifier or two identifiers lead to different learners,
    the match is ambiguous. An identifier that its learner has since replaced counts only if nobody holds any of the
    identifiers, and the other identifiers do not suggest that it has passed to another person.
    """
    known = [identities[identifier] for identifier in someone.identifiers if identifier in identities]
    found = _led_to(identity.live for identity in known) or {
        learner_id: origin
        for learner_id, origin in _led_to(identity.meant_now for identity in known).items()
        if not (learner_id in learners and _is_another(someone, learners[learner_id]))
    }
    if not found:
        return None
    if len(found) > 1:
        return Match("ambiguous")
    learner_id, origin = next(iter(found.items()))
    return Match("learner", learner_id, origin)


def _led_to(by_identifier: Iterable[Mapping[str, Meant]]) -> dict[str, str]:
    """Return each learner with their origin, taken from the first identifier that leads to the learner."""
    found: dict[str, str] = {}
    for learners in by_identifier:
        for meant in learners.values():
            found.setdefault(meant.learner, meant.origin)
    return found


def _is_another(someone: Someone, learner: Learner) -> bool:
    """Whether a person has an identifier that the learner never had, of a kind of which the learner has another."""
    had = {dated.identifier for dated in learner.identifiers}
    has = {dated.type for dated in learner.identifiers if dated.until is None}
    return any(identifier.kind in has and identifier not in had for identifier in someone.identifiers)


def one_person(
    someone: Someone, identities: Mapping[Identifier, IdentityItem], learners: Mapping[str, Learner]
) -> tuple[Learner, Learner] | None:
    """Return the two learners to whom a person's identifiers lead, if both are certainly this person.

    That is certain if LinkedIn names one person by identifiers of both, each identifier is held by one learner only,
    both learners are active, at least one of them was added from a statement or a report rather than by somebody,
    nobody has parted them before, and all three together have no two identifiers of one kind. Two of one kind could
    mean that an address or account has passed from one person to another.

    Returns:
        The learner who stays (one that somebody entered, otherwise the older one), and the one merged into them.
    """
    held = [identities[identifier].live for identifier in someone.identifiers if identifier in identities]
    ids = {learner_id for live in held for learner_id in live}
    pair = sorted(
        (learners[learner_id] for learner_id in ids if learner_id in learners),
        key=lambda learner: (bool(learner.merged_into), learner.source in UNATTENDED, learner.created_at, learner.id),
    )
    if any(len(live) > 1 for live in held) or len(ids) != len(pair) or len(pair) != 2:  # noqa: PLR2004  (a pair)
        return None
    survivor, other = pair
    if other.merged_into == survivor.id and not survivor.merged_into:
        return survivor, other  # an earlier merge was interrupted
    if any(learner.status != "active" or not learner.is_listed or learner.parting_from for learner in pair):
        return None
    if other.source not in UNATTENDED or other.id in survivor.kept_apart or survivor.id in other.kept_apart:
        return None
    return None if _contradict(someone, survivor, other) else (survivor, other)


def _contradict(someone: Someone, *learners: Learner) -> bool:
    theirs = (dated.identifier for learner in learners for dated in learner.identifiers if dated.until is None)
    known = set(chain(someone.identifiers, theirs))
    return len({identifier.kind for identifier in known}) < len(known)
