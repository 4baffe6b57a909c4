"""The directory's services as a function has them: on its table, with its secret and its time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from coursebridge import secret_values
from coursebridge.auth import wiring
from coursebridge.people.directory import Directory
from coursebridge.people.erasure import Erasure
from coursebridge.people.importing import Importer
from coursebridge.people.merging import Merging
from coursebridge.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE_MILLISECONDS = 6_000
"""What is left of an invocation for the step that is going on, and for answering."""
INDEX_LAG_SECONDS = 1.0


def pseudonym_key() -> str:
    """Return the key of the digests of erased identifiers."""
    return str(secret_values.read(settings().need("pseudonym_secret_arn"))["key"])


def time_is_up(context: LambdaContext) -> Callable[[], bool]:
    """Return what tells whether an invocation has no time left for another step."""
    return lambda: context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS


def let_indexes_follow() -> None:
    """Wait until the indexes tell of what was just written, which takes them a fraction of a second as a rule."""
    time.sleep(INDEX_LAG_SECONDS)


def directory(integration_id: str) -> Directory:
    """Return the directory of an integration."""
    return Directory(wiring.table(), integration_id, pseudonym_key)


def importer(integration_id: str, context: LambdaContext) -> Importer:
    """Return what imports into the directory of an integration."""
    return Importer(directory(integration_id), time_is_up(context))


def merging(integration_id: str, context: LambdaContext) -> Merging:
    """Return what merges and parts learners of an integration."""
    return Merging(wiring.table(), integration_id, time_is_up=time_is_up(context))


def erasure(integration_id: str, context: LambdaContext) -> Erasure:
    """Return what erases people of an integration."""
    return Erasure(
        wiring.table(),
        integration_id,
        pseudonym_key,
        time_is_up=time_is_up(context),
        let_indexes_follow=let_indexes_follow,
    )
