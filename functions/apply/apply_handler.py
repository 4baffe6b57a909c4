"""Table stream to learners and attempts: statements that were received, identities and courses that have come."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from coursebridge import dead_letters, secret_values
from coursebridge.apply.release import release_for_courses, release_for_identities, release_for_settings
from coursebridge.apply.service import Applier, pending
from coursebridge.clock import utc_now
from coursebridge.observability import count, count_by, logger, metrics
from coursebridge.records.identifiers import Identifier
from coursebridge.settings import settings
from coursebridge.storage import keys
from coursebridge.storage.table import from_wire
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from collections import Counter

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.storage.table import Item

MATCHING = ("learner_identification", "learner_matching", "statistics_since")
"""The settings by which people are matched."""


@cache
def applier() -> Applier:
    """Return what applies statements."""
    return Applier(table(), secret_values.pseudonym_key)


def by_integration() -> dict[str, set[str]]:
    """Return an empty mapping from integration to what came about in it."""
    return defaultdict(set)


@dataclass
class Batch:
    """What the records of a batch ask for.

    Attributes:
        statements: statements to apply, each with the number of its first record.
        courses: URNs of courses that have come.
        identities: identifiers that mean somebody else than before, as statements await them.
        rules: integrations that match people in another way than before.
    """

    statements: dict[str, tuple[str, Item]] = field(default_factory=dict)
    courses: dict[str, set[str]] = field(default_factory=by_integration)
    identities: dict[str, set[str]] = field(default_factory=by_integration)
    rules: set[str] = field(default_factory=set)

    def add(self, change: dict[str, Any]) -> None:
        """Take in one change.

        Raises:
            KeyError, TypeError, ValueError: the item is not as its kind should be.
        """
        item = from_wire(change["NewImage"])
        if item.get("outcome") == "received":
            # Read once for nothing, so that one that cannot be read does not stop the others.
            pending(item)
            self.statements.setdefault(item["PK"], (change["SequenceNumber"], item))
        elif keys.is_course(item):
            self.courses[item["integration_id"]].add(item["urn"])
        elif keys.is_identity(item):
            self.identities[item["integration_id"]].add(Identifier(item["kind"], item["value"]).awaited)
        elif self._matches_otherwise(item, from_wire(change.get("OldImage", {}))):
            self.rules.add(item["id"])

    def release(self) -> int:
        """Send round again the statements that waited for what has come; return how many."""
        now = utc_now()
        released = sum(release_for_settings(table(), one, now) for one in self.rules)
        released += sum(release_for_identities(table(), one, awaited, now) for one, awaited in self.identities.items())
        return released + sum(release_for_courses(table(), one, urns, now) for one, urns in self.courses.items())

    @staticmethod
    def _matches_otherwise(item: Item, before: Item) -> bool:
        return any(item[name] != before.get(name) for name in MATCHING)


def read(records: list[dict[str, Any]]) -> Batch:
    """Read the records of a batch; those that cannot be read go to the dead letters, and the rest goes on."""
    batch = Batch()
    for record in records:
        try:
            batch.add(record["dynamodb"])
        except dead_letters.UNREADABLE as error:
            queue_url = settings().need("apply_dead_letter_url")
            dead_letters.set_aside(queue_url, record, dead_letters.reason_of(error))
            count("RecordsSetAside")
    return batch


def report(outcomes: Counter[str]) -> None:
    """Tell what became of the statements."""
    held: dict[str, int] = {}
    for name, value in outcomes.items():
        outcome, _, reason = name.partition(":")
        count(f"Statements{outcome.capitalize()}", value)
        if outcome == "held":
            held[reason] = value
    count_by("StatementsHeldByReason", "reason", held)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle a batch of stream records; what could not be dealt with is named, and the stream tries it again."""
    batch = read(event["Records"])
    outcomes, failed = applier().apply([item for _, item in batch.statements.values()])
    report(outcomes)
    count("StatementsReleased", batch.release())
    return {"batchItemFailures": [{"itemIdentifier": batch.statements[item["PK"]][0]} for item in failed]}
