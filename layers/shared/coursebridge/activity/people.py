"""Who is who: the people reports tell of, and the learners they are. Pure rules."""

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

Who = Literal["learner", "unknown", "ambiguous", "inactive", "erased"]


@dataclass
class Someone:
    """One person with everything LinkedIn calls them by.

    Attributes:
        identifiers: LinkedIn's own first, then the customer's, then the address.
        name: the display name, if any row has it.
        groups: LinkedIn's enterprise groups.
        number: in the roster of their run.
    """

    identifiers: dict[Identifier, None] = field(default_factory=dict)
    name: str | None = None
    groups: tuple[str, ...] = ()
    number: int = 0


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


def identifiers_of(person: Person, identification: Identification) -> list[Identifier]:
    """Return a person's identifiers in the form they are kept, LinkedIn's own first.

    Args:
        person: whom a row names.
        identification: how the integration identifies learners. The id the customer gave LinkedIn is a user name where
            learners are identified by that, else an external id.
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
    """Return the learner a person's identifiers lead to; ``None`` when they lead to nobody.

    More than one is never guessed at, be it that an identifier has several holders or that two lead to different ones.
    One that a learner has replaced by another counts only when nobody holds any of them, and the others do not say that
    it has passed on to another person.
    """
    known = [identities[one] for one in someone.identifiers if one in identities]
    found = _led_to(one.live for one in known) or {
        learner_id: origin
        for learner_id, origin in _led_to(one.meant_now for one in known).items()
        if not (learner_id in learners and _is_another(someone, learners[learner_id]))
    }
    if not found:
        return None
    if len(found) > 1:
        return Match("ambiguous")
    learner_id, origin = next(iter(found.items()))
    return Match("learner", learner_id, origin)


def _led_to(by_identifier: Iterable[Mapping[str, Meant]]) -> dict[str, str]:
    """Return the learners, with whose evidence they feed: that of the first identifier that leads to them."""
    found: dict[str, str] = {}
    for learners in by_identifier:
        for meant in learners.values():
            found.setdefault(meant.learner, meant.origin)
    return found


def _is_another(someone: Someone, learner: Learner) -> bool:
    """Whether a person is called by what a learner never had, who has another of its kind."""
    had = {dated.identifier for dated in learner.identifiers}
    has = {dated.type for dated in learner.identifiers if dated.until is None}
    return any(one.kind in has and one not in had for one in someone.identifiers)


def one_person(
    someone: Someone, identities: Mapping[Identifier, IdentityItem], learners: Mapping[str, Learner]
) -> tuple[Learner, Learner] | None:
    """Return the two learners whom a person's identifiers lead to if it is certain that both are this person.

    LinkedIn names one person by the identifiers of both, each identifier is one learner's alone, at least one of the
    two is somebody nobody entered (a statement or a report named them), nobody has parted them before, and all three
    together have no two identifiers of one kind: no address or account that has passed from one person to another.

    Returns:
        Who stays, the one somebody entered or else the older one, and who becomes part of them.
    """
    held = [identities[one].live for one in someone.identifiers if one in identities]
    ids = {learner_id for live in held for learner_id in live}
    pair = sorted(
        (learners[one] for one in ids if one in learners),
        key=lambda learner: (bool(learner.merged_into), learner.source in UNATTENDED, learner.created_at, learner.id),
    )
    if any(len(live) > 1 for live in held) or len(ids) != len(pair) or len(pair) != 2:  # noqa: PLR2004  (a pair)
        return None
    survivor, other = pair
    if other.merged_into == survivor.id and not survivor.merged_into:
        return survivor, other  # begun before, and broken off
    if any(one.status != "active" or not one.is_listed or one.parting_from for one in pair):
        return None
    if other.source not in UNATTENDED or other.id in survivor.kept_apart or survivor.id in other.kept_apart:
        return None
    return None if _contradict(someone, survivor, other) else (survivor, other)


def _contradict(someone: Someone, *learners: Learner) -> bool:
    theirs = (dated.identifier for learner in learners for dated in learner.identifiers if dated.until is None)
    known = set(chain(someone.identifiers, theirs))
    return len({one.kind for one in known}) < len(known)
