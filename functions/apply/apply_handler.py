"""Applies new statements from the table's stream, and releases held ones when what they wait for arrives."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from coursebridge import dead_letters, secret_values
from coursebridge.apply.batch import Batch
from coursebridge.apply.service import Applier
from coursebridge.clock import utc_now
from coursebridge.observability import count, count_by, logger, metrics
from coursebridge.settings import settings
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from collections import Counter

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.storage.statement_outcomes import Verdict


@cache
def applier() -> Applier:
    """Return the applier of statements."""
    return Applier(table(), secret_values.pseudonym_key)


def read(records: list[dict[str, Any]]) -> Batch:
    """Read the records of a batch; unreadable ones go to the dead-letter queue and do not stop the others."""
    batch = Batch()
    for record in records:
        try:
            batch.add(record["dynamodb"])
        except dead_letters.UNREADABLE as error:
            queue_url = settings().apply_dead_letter_url
            dead_letters.set_aside(queue_url, record, dead_letters.reason_of(error))
            count("RecordsSetAside")
    return batch


def report(outcomes: Counter[Verdict]) -> None:
    """Count the outcomes of statements as metrics."""
    held: dict[str, int] = {}
    for verdict, number in outcomes.items():
        count(f"Statements{verdict.outcome.capitalize()}", number)
        if verdict.outcome == "held" and verdict.reason:
            held[verdict.reason] = number
    count_by("StatementsHeldByReason", "reason", held)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Handle a batch of stream records; return those that failed, so that the stream repeats them."""
    batch = read(event["Records"])
    outcomes, failed = applier().apply(batch.items())
    report(outcomes)
    count("StatementsReleased", batch.release(table(), utc_now()))
    return {"batchItemFailures": [{"itemIdentifier": number} for number in batch.sequence_numbers(failed)]}
