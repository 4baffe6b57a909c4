"""Creates the directory's services for a function, with its table, secret and time limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from coursebridge.clock import time_is_up
from coursebridge.people.directory import Directory
from coursebridge.people.erasure import Erasure
from coursebridge.people.importing import Importer
from coursebridge.people.merging import Merging
from coursebridge.secret_values import pseudonym_key
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE_MILLIS = 6_000
"""Time reserved at the end of an invocation for finishing the current step and answering."""
INDEX_LAG_SECONDS = 1.0


def let_indexes_follow() -> None:
    """Wait until the indexes reflect what was just written, which usually takes a fraction of a second."""
    time.sleep(INDEX_LAG_SECONDS)


def directory(integration_id: str) -> Directory:
    """Return the directory of an integration."""
    return Directory(table(), integration_id, pseudonym_key)


def importer(integration_id: str, context: LambdaContext) -> Importer:
    """Return the importer for an integration's directory."""
    return Importer(directory(integration_id), time_is_up(context, RESERVE_MILLIS))


def merging(integration_id: str, context: LambdaContext) -> Merging:
    """Return the service that merges and parts an integration's learners."""
    return Merging(table(), integration_id, time_is_up=time_is_up(context, RESERVE_MILLIS))


def erasure(integration_id: str, context: LambdaContext) -> Erasure:
    """Return the service that erases an integration's people."""
    return Erasure(
        table(),
        integration_id,
        pseudonym_key,
        time_is_up=time_is_up(context, RESERVE_MILLIS),
        let_indexes_follow=let_indexes_follow,
    )
