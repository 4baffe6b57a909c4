"""Orders exports: writes the job, then queues the message that starts the exports function."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.exports.jobs import JobStore

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from coursebridge.exports.jobs import Format, Job, What
    from coursebridge.storage.table import Table


@dataclass(frozen=True)
class Exports:
    """Takes orders for exports.

    Attributes:
        table: the application's table.
        sqs: the SQS client.
        queue_url: the queue of the exports function.
    """

    table: Table
    sqs: SQSClient
    queue_url: str

    def order(self, integration_id: str, what: What, format_: Format, now: datetime) -> Job:
        """Order an export."""
        job = JobStore(self.table).create(integration_id, what, format_, now)
        self.send(job.integration_id, job.id)
        return job

    def send(self, integration_id: str, job_id: str) -> None:
        """Queue a job, to be worked on from where it stopped or from the beginning."""
        body = json.dumps({"integration_id": integration_id, "job_id": job_id})
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)
