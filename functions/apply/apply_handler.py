"""Table stream to learners and attempts: statements that were received, identities and courses that have come."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from coursebridge import clients, secret_values
from coursebridge.apply.release import release_for_courses, release_for_identities, release_for_settings
from coursebridge.apply.service import Applier
from coursebridge.clock import utc_now
from coursebridge.observability import count, logger, metrics
from coursebridge.records.identifiers import Identifier
from coursebridge.settings import settings
from coursebridge.storage.table import Table, from_wire

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.storage.table import Item


MATCHING = ("learner_identification", "learner_matching", "statistics_since")
"""The settings by which people are matched."""


@cache
def table() -> Table:
    """Return the application's table."""
    return Table(clients.dynamodb(), settings().need("table_name"))


@cache
def applier() -> Applier:
    """Return what applies statements."""
    return Applier(table(), lambda: secret_values.read(settings().need("pseudonym_secret_arn"))["key"])


def release_what_waited(images: list[tuple[Item, Item]]) -> None:
    """Send round again the statements that waited for these identities, courses and settings.

    Args:
        images: each item as it is and as it was.
    """
    courses: dict[str, set[str]] = defaultdict(set)
    identities: dict[str, set[str]] = defaultdict(set)
    for item, before in images:
        if item["PK"].startswith("COURSE#"):
            courses[item["integration_id"]].add(item["SK"])
        elif item["PK"].startswith("IDENTITY#"):
            identities[item["integration_id"]].add(Identifier(item["kind"], item["value"]).awaited)
        elif any(item[name] != before.get(name) for name in MATCHING):
            count("StatementsReleased", release_for_settings(table(), item["id"], utc_now()))
    for integration_id, awaited in identities.items():
        count("StatementsReleased", release_for_identities(table(), integration_id, awaited, utc_now()))
    for integration_id, urns in courses.items():
        count("StatementsReleased", release_for_courses(table(), integration_id, urns, utc_now()))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle a batch of stream records; what could not be dealt with is named, and the stream tries it again."""
    statements: dict[str, tuple[str, Item]] = {}
    others: list[tuple[Item, Item]] = []
    for record in event["Records"]:
        change = record["dynamodb"]
        item = from_wire(change["NewImage"])
        if item.get("outcome") == "received":
            statements.setdefault(item["PK"], (change["SequenceNumber"], item))
        else:
            others.append((item, from_wire(change.get("OldImage", {}))))
    outcomes, failed = applier().apply([item for _, item in statements.values()])
    for name, value in outcomes.items():
        outcome, _, reason = name.partition(":")
        count(f"Statements{outcome.capitalize()}", value)
        logger.info("statements judged", outcome=outcome, reason=reason or None, count=value)
    release_what_waited(others)
    return {"batchItemFailures": [{"itemIdentifier": statements[item["PK"]][0]} for item in failed]}
