"""Table stream to learners and attempts: statements that were received, identities and courses that have come."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from coursebridge import clients, secret_values
from coursebridge.apply.release import release_for_courses, release_for_identity
from coursebridge.apply.service import Applier
from coursebridge.clock import utc_now
from coursebridge.observability import count, logger, metrics
from coursebridge.records.identifiers import Identifier
from coursebridge.settings import settings
from coursebridge.storage.table import Table, from_wire

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.storage.table import Item


@cache
def table() -> Table:
    """Return the application's table."""
    return Table(clients.dynamodb(), settings().need("table_name"))


@cache
def applier() -> Applier:
    """Return what applies statements."""
    return Applier(table(), lambda: secret_values.read(settings().need("pseudonym_secret_arn"))["key"])


def release_what_waited(items: list[Item]) -> None:
    """Send round again the statements that waited for these identities and courses."""
    courses: dict[str, set[str]] = defaultdict(set)
    for item in items:
        integration_id = item["integration_id"]
        if item["PK"].startswith("COURSE#"):
            courses[integration_id].add(item["SK"])
        elif item["PK"].startswith("IDENTITY#"):
            awaited = Identifier(item["kind"], item["value"]).awaited
            count("StatementsReleased", release_for_identity(table(), integration_id, awaited, utc_now()))
    for integration_id, urns in courses.items():
        count("StatementsReleased", release_for_courses(table(), integration_id, urns, utc_now()))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle a batch of stream records; what could not be dealt with is named, and the stream tries it again."""
    images = [
        (record["dynamodb"]["SequenceNumber"], from_wire(record["dynamodb"]["NewImage"]))
        for record in event["Records"]
        if "NewImage" in record["dynamodb"]
    ]
    statements = {item["statement_id"]: number for number, item in images if item.get("outcome") == "received"}
    outcomes, failed = applier().apply([item for _, item in images if item.get("outcome") == "received"])
    for name, value in outcomes.items():
        outcome, _, reason = name.partition(":")
        count(f"Statements{outcome.capitalize()}", value)
        logger.info("statements judged", outcome=outcome, reason=reason or None, count=value)
    release_what_waited([item for _, item in images if "outcome" not in item])
    return {"batchItemFailures": [{"itemIdentifier": statements[item["statement_id"]]} for item in failed]}
