"""Judges statements by pure rules over what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.records.evidence import Completion, Evidence, Point
from coursebridge.records.identifiers import Identifier, normalised, usable
from coursebridge.storage.statement_outcomes import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coursebridge.integrations.models import LearnerMatching
    from coursebridge.records.identifiers import Identification
    from coursebridge.storage.identities import Meant
    from coursebridge.storage.statement_outcomes import HeldReason, IgnoredReason
    from coursebridge.storage.table import Item
    from coursebridge.xapi.statement import Facts

HELD_REASONS: dict[HeldReason, str] = {
    "learner_unknown": "nobody in the directory has this identifier",
    "learner_ambiguous": "more than one learner has this identifier",
    "learner_inactive": "the learner with this identifier is inactive",
    "actor_mismatch": "the actor is not identified in the way that the integration's learner_identification requires",
    "actor_unidentified": "the actor carries no identifier that can be matched",
    "course_unknown": "the course is not in the catalogue yet",
    "record_full": "the record of this learner and course is full",
}
IGNORED_REASONS: dict[IgnoredReason, str] = {
    "already_completed": "the course was completed before and no attempt is open",
    "before_configuration": "the completion is older than this integration",
    "verb_unknown": "the verb says neither progress nor completion",
    "object_not_activity": "the object is not an activity",
    "object_too_long": "the object's id is longer than that of any asset",
    "erased": "the person was erased",
}
REASONS: Mapping[str, str] = dict((*HELD_REASONS.items(), *IGNORED_REASONS.items()))
"""Explanations of why a statement was not applied."""
ACTIVITY_VERBS = frozenset(
    f"{scheme}://adlnet.gov/expapi/verbs/{verb}"
    for scheme in ("http", "https")
    for verb in (
        "progressed",
        "completed",
        "initialized",
        "launched",
        "attempted",
        "experienced",
        "interacted",
        "resumed",
    )
)
MOST_URN_BYTES = 700
"""The limit for a course's URN, because table keys are limited; LinkedIn's URNs take some thirty bytes."""


@dataclass(frozen=True)
class Rules:
    """The settings of an integration that decide about statements."""

    identification: Identification
    matching: LearnerMatching
    statistics_since: str

    @classmethod
    def of(cls, integration: Item) -> Rules:
        """Read the rules from an integration's item."""
        return cls(
            integration["learner_identification"],
            integration["learner_matching"],
            rfc3339(parse_rfc3339(integration["statistics_since"])),
        )

    def actor(self, facts: Facts) -> Identifier | None:
        """Return the actor's identifier of the kind this integration matches people by, if there is one."""
        value = facts.email if self.identification == "email" else facts.account_name
        return normalised(self.identification, value) if usable(value) else None


def at_first_sight(facts: Facts, rules: Rules) -> Verdict | None:
    """Judge a statement by itself, without the table; ``None`` if that does not decide."""
    if facts.object_id is None or facts.object_type != "Activity":
        return Verdict("ignored", "object_not_activity")
    if len(facts.object_id.encode()) > MOST_URN_BYTES:
        return Verdict("ignored", "object_too_long")
    if facts.is_completion and rfc3339(facts.timestamp) < rules.statistics_since:
        return Verdict("ignored", "before_configuration")
    if not facts.is_completion and facts.progress is None and facts.verb_id not in ACTIVITY_VERBS:
        return Verdict("ignored", "verb_unknown")
    if rules.actor(facts) is None:
        other = facts.account_name if rules.identification == "email" else facts.email
        return Verdict("held", "actor_mismatch" if other else "actor_unidentified")
    return None


def of_actor(identifier: Identifier, meant: Sequence[Meant], rules: Rules, *, never_held: bool) -> Verdict | None:
    """Judge who the actor is; ``None`` if that is exactly one learner, or a new one may be added.

    An identifier that somebody has held never makes a new learner
    (docs/decisions/0005-what-a-former-identifier-means.md).
    """
    if len(meant) > 1:
        return Verdict("held", "learner_ambiguous", identifier.awaited)
    if not meant and (rules.matching == "directory" or not never_held):
        return Verdict("held", "learner_unknown", identifier.awaited)
    return None


def evidence_of(facts: Facts) -> Evidence:
    """Return what a statement is evidence of."""
    at = rfc3339(facts.timestamp)
    if facts.is_completion:
        return Evidence(completions={facts.statement_id: Completion(at, "xapi", facts.duration_seconds)})
    return Evidence(points={at: Point(facts.progress, facts.duration_seconds, "xapi")})
