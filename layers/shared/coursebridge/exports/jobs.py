"""Export jobs in the table: each has one worker at a time and is deleted with its file after a week."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.ids import new_id
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, unchanged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from coursebridge.storage.table import Item, Page, Table

What = Literal["courses", "attempts"]
Format = Literal["csv", "ndjson"]
Status = Literal["queued", "running", "succeeded", "failed"]
KEPT = timedelta(days=7)
"""How long a job is kept: as long as the bucket keeps its file."""
LEASE = timedelta(minutes=6)
"""A little longer than the function may run: a worker that holds the job longer is dead."""


@dataclass(frozen=True)
class Upload:
    """The progress of a file: the parts that S3 has, and where to read on.

    Attributes:
        id: the id of the multipart upload.
        etags: the ETags of its parts, in order.
        position: the table's key to read on from; ``None`` at the beginning.
    """

    id: str
    etags: tuple[str, ...] = ()
    position: dict[str, Any] | None = None


@dataclass(frozen=True)
class Job:
    """One export."""

    integration_id: str
    id: str
    what: What
    format: Format
    created_at: str
    status: Status = "queued"
    finished_at: str | None = None
    rows: int = 0
    bytes: int = 0
    error: str | None = None
    leased_until: str = ""
    upload: Upload | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """The key of its file in the bucket."""
        return f"exports/{self.integration_id}/{self.id}/{self.what}.{self.format}"

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended."""
        return self.status in ("succeeded", "failed")

    @property
    def expires_at(self) -> datetime:
        """When the job and its file are deleted."""
        return parse_rfc3339(self.created_at) + KEPT

    def to_item(self) -> Item:
        """Return the table item."""
        return {
            **keys.export(self.integration_id, self.id).item(),
            "entity": "export",
            **vars(self),
            "upload": {**vars(self.upload), "etags": list(self.upload.etags)} if self.upload else None,
            "expires_at": int(self.expires_at.timestamp()),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Job:
        """Read the table item."""
        upload = item["upload"]
        values = {name: item[name] for name in cls.__dataclass_fields__}
        return cls(**{**values, "upload": Upload(**{**upload, "etags": tuple(upload["etags"])}) if upload else None})


@dataclass(frozen=True)
class JobStore:
    """Export jobs in the table."""

    table: Table

    def create(self, integration_id: str, what: What, format_: Format, now: datetime) -> Job:
        """Create a job."""
        job = Job(integration_id, new_id(now), what, format_, rfc3339(now))
        self.table.put(job.to_item(), condition="attribute_not_exists(PK)")
        return job

    def get(self, integration_id: str, job_id: str) -> Job | None:
        """Return a job."""
        item = self.table.get(keys.export(integration_id, job_id))
        return Job.from_item(item) if item else None

    def list_page(self, integration_id: str, *, limit: int, after: Item | None) -> Page:
        """Return a page of job items, newest first."""
        return self.table.query(keys.export_partition(integration_id), limit=limit, after=after, ascending=False)

    def lease(self, job: Job, now: datetime) -> Job | None:
        """Lease a job to work on it; return ``None`` if another worker holds it."""
        if job.leased_until > rfc3339(now):
            return None
        return self.save(replace(job, status="running", leased_until=rfc3339(now + LEASE)))

    def save(self, job: Job) -> Job | None:
        """Write a job and return its new version, or ``None`` if it was written by others since."""
        after = replace(job, version=job.version + 1)
        try:
            self.table.put(after.to_item(), **unchanged(job.version))
        except ConditionFailed:
            return None
        return after
