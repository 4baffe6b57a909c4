"""What follows from settings that were saved: courses archived or restored, held statements looked at again."""

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
    """Lets saved settings take effect, within the time of a request.

    Attributes:
        table: the application's table.
        context: returns the catalogue of an integration.
        functions: AWS Lambda.
        background: the function that does what there is no time for.
        time_is_up: whether a request should come to its end.
    """

    table: Table
    context: Callable[[str], Context]
    functions: LambdaClient
    background: str
    time_is_up: Callable[[], bool]

    def follow(self, before: Integration, after: Integration) -> None:
        """Do what follows from a change of settings, if anything does."""
        if Wish.of(before) != Wish.of(after):
            self.apply(after)
        if any(getattr(before, name) != getattr(after, name) for name in WHO):
            release_after_change(self.table, after.id, self.time_is_up)

    def apply(self, integration: Integration) -> dict[str, Any]:
        """Make the courses what the settings say; return what became of them."""
        applied = apply_settings(self.context(integration.id), self.time_is_up, MOST_INDEXED_AT_ONCE)
        if not applied.complete:
            task = {"task": "conform", "integration_id": integration.id}
            self.functions.invoke(FunctionName=self.background, InvocationType="Event", Payload=json.dumps(task))
        return {**applied.counts, "complete": applied.complete}
