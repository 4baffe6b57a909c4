"""The schedules of an integration in EventBridge Scheduler: daily and weekly catalog sync, activity sync.

They are derived from the integration's settings and have no state of their own, so they can be rewritten at any time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from coursebridge import clients
from coursebridge.errors import FieldError, InvalidRequest, Unavailable
from coursebridge.integrations import cron
from coursebridge.settings import settings
from coursebridge.storage.table import tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from coursebridge.integrations.models import Integration, Schedule
    from coursebridge.storage.run_shapes import Kind, Mode

# Starting a sync more than an hour late is pointless: the next one reads the same and more.
RETRIES = {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}


@dataclass(frozen=True)
class Planned:
    """One schedule of an integration."""

    kind: Kind
    mode: Mode
    schedule: Schedule
    field: str

    def name(self, integration_id: str) -> str:
        """Return its name in EventBridge Scheduler."""
        return f"{integration_id}-{self.kind}-{self.mode}"


def planned(integration: Integration) -> Iterator[Planned]:
    """Yield the schedules an integration has, enabled or not."""
    daily = integration.catalog_schedule
    on = integration.status == "active" and integration.credentials.any()
    once_a_week = daily.model_copy(update={"expression": cron.weekly(daily.expression)})
    yield Planned("catalog", "incremental", _enabled(daily, on and daily.enabled), "catalog_schedule.expression")
    yield Planned("catalog", "full", _enabled(once_a_week, on and daily.enabled), "catalog_schedule.expression")
    activity = integration.activity
    reports = on and activity.enabled and activity.schedule.enabled
    yield Planned("activity", "incremental", _enabled(activity.schedule, reports), "activity.schedule.expression")


def _enabled(schedule: Schedule, on: bool) -> Schedule:
    return schedule.model_copy(update={"enabled": on})


@dataclass(frozen=True)
class Schedules:
    """Keeps the schedules of integrations in line with their settings.

    Attributes:
        client: EventBridge Scheduler.
        group: the schedule group of this stack.
        role_arn: the role with which schedules start syncs.
        dead_letter_arn: the queue for syncs that could not be started.
        targets: the state machine of each kind of sync.
    """

    client: EventBridgeSchedulerClient
    group: str
    role_arn: str
    dead_letter_arn: str
    targets: Mapping[Kind, str]

    def keep(self, integration: Integration) -> None:
        """Write the schedules of an integration according to its settings.

        Raises:
            InvalidRequest: EventBridge Scheduler rejects an expression.
            Unavailable: other requests keep changing the same schedules.
        """
        for plan in planned(integration):
            self._put(integration.id, plan, self.targets[plan.kind])

    def remove(self, integration: Integration) -> None:
        """Remove the schedules of an integration.

        Raises:
            Unavailable: other requests keep changing them.
        """
        for plan in planned(integration):
            name = plan.name(integration.id)
            try:
                _once_alone(partial(self.client.delete_schedule, GroupName=self.group, Name=name))
            except self.client.exceptions.ResourceNotFoundException:
                continue

    def _put(self, integration_id: str, plan: Planned, target: str) -> None:
        request: dict[str, Any] = {
            "GroupName": self.group,
            "Name": plan.name(integration_id),
            "ScheduleExpression": plan.schedule.expression,
            "ScheduleExpressionTimezone": plan.schedule.timezone,
            "State": "ENABLED" if plan.schedule.enabled else "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": target,
                "RoleArn": self.role_arn,
                "DeadLetterConfig": {"Arn": self.dead_letter_arn},
                "RetryPolicy": RETRIES,
                "Input": json.dumps(
                    {"integration_id": integration_id, "kind": plan.kind, "mode": plan.mode, "trigger": "schedule"}
                ),
            },
        }
        try:
            _once_alone(partial(self._create_or_update, request))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            told = error.response["Error"]["Message"]
            raise InvalidRequest(
                "EventBridge Scheduler does not accept this schedule", errors=(FieldError(plan.field, told),)
            ) from error

    def _create_or_update(self, request: dict[str, Any]) -> None:
        try:
            self.client.update_schedule(**request)
        except self.client.exceptions.ResourceNotFoundException:
            self.client.create_schedule(**request)


def _once_alone(call: Callable[[], object]) -> None:
    """Make a call, repeating it while another change of the same schedule is under way.

    Raises:
        Unavailable: other requests keep changing it.
    """
    for _ in tries():
        try:
            call()
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
        else:
            return
    raise Unavailable("others keep changing the schedules of this integration; try again")


def of_stack() -> Schedules:
    """Return the :class:`Schedules` of this stack."""
    here = settings()
    return Schedules(
        clients.scheduler(),
        here.schedule_group_name,
        here.schedule_role_arn,
        here.schedule_dead_letter_arn,
        {"catalog": here.catalog_state_machine_arn, "activity": here.activity_state_machine_arn},
    )
