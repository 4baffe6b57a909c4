"""Applies saved settings: archives and restores courses, and replays held statements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.admin.replays import release_after_change
from coursebridge.catalog.conform import Wish
from coursebridge.catalog.settings_change import MOST_INDEXED_AT_ONCE, apply_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

    from coursebridge.catalog.sync.context import Context
    from coursebridge.integrations.models import Integration
    from coursebridge.storage.table import Table

WHO = ("learner_identification", "learner_matching")


@dataclass(frozen=True)
class SettingsChange:
    """Applies saved settings within the time of a request.

    Attributes:
        table: the application's table.
        context: returns the catalogue of an integration.
        functions: the Lambda client.
        background: the name of the function that does what the request has no time for.
        time_is_up: whether the request should come to its end.
    """

    table: Table
    context: Callable[[str], Context]
    functions: LambdaClient
    background: str
    time_is_up: Callable[[], bool]

    def follow(self, before: Integration, after: Integration) -> None:
        """Apply what a change of settings requires, if anything."""
        if Wish.of(before) != Wish.of(after):
            self.apply(after)
        if any(getattr(before, name) != getattr(after, name) for name in WHO):
            release_after_change(self.table, after.id, self.time_is_up)

    def apply(self, integration: Integration) -> dict[str, Any]:
        """Make the courses conform to the settings; return how many changed, by kind of change, and ``complete``."""
        applied = apply_settings(self.context(integration.id), self.time_is_up, MOST_INDEXED_AT_ONCE)
        if not applied.complete:
            task = {"task": "conform", "integration_id": integration.id}
            self.functions.invoke(FunctionName=self.background, InvocationType="Event", Payload=json.dumps(task))
        return {**applied.counts, "complete": applied.complete}
