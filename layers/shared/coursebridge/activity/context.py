"""What the tasks of an activity run share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.activity.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.storage.runs import RunStore
    from coursebridge.storage.table import Table


@dataclass(frozen=True)
class Context:
    """One integration, seen from a task.

    Attributes:
        integration_id: the integration's id.
        integration: reads the current settings.
        linkedin: creates a client with the report credentials, or with the content credentials if there are none.
        runs: the integration's activity runs.
        table: the application's table.
        s3: a boto3 S3 client.
        bucket: the bucket in which runs stage what they have read.
        pseudonym_key: returns the key for the digests of erased identifiers.
        now: the clock.
    """

    integration_id: str
    integration: Callable[[], Integration]
    linkedin: Callable[[], LinkedInClient]
    runs: RunStore
    table: Table
    s3: S3Client
    bucket: str
    pseudonym_key: Callable[[], str]
    now: Callable[[], datetime]

    def staging(self, run_id: str) -> Staging:
        """Return the staging area of a run."""
        return Staging(self.s3, self.bucket, self.integration_id, run_id)
