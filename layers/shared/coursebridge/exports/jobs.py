"""Export jobs in the table: one worker at a time each, deleted after a week with their file."""

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
KEPT = timedelta(days=7)
"""As long as the bucket keeps the file."""
LEASE = timedelta(minutes=6)
"""A little more than the function may run: whoever holds the job longer is dead."""


@dataclass(frozen=True)
class Upload:
    """How far the file is: where to read on, and the parts that S3 has.

    Attributes:
        id: of the multipart upload.
        etags: of its parts, in order.
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
    status: Literal["queued", "running", "succeeded", "failed"] = "queued"
    finished_at: str | None = None
    rows: int = 0
    bytes: int = 0
    error: str | None = None
    leased_until: str = ""
    upload: Upload | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """Return the key of its file in the bucket."""
        return f"exports/{self.integration_id}/{self.id}/{self.what}.{self.format}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ("succeeded", "failed")

    @property
    def expires_at(self) -> datetime:
        """Return when job and file are gone."""
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
        """Write a job down."""
        job = Job(integration_id, new_id(now), what, format_, rfc3339(now))
        self.table.put(job.to_item(), condition="attribute_not_exists(PK)")
        return job

    def get(self, integration_id: str, job_id: str) -> Job | None:
        """Return a job."""
        item = self.table.get(keys.export(integration_id, job_id))
        return Job.from_item(item) if item else None

    def list_page(self, integration_id: str, *, limit: int, after: Item | None) -> Page:
        """Return a page of items, newest first."""
        return self.table.query(keys.export_partition(integration_id), limit=limit, after=after, ascending=False)

    def lease(self, job: Job, now: datetime) -> Job | None:
        """Take a job to work on it; ``None`` when somebody else does."""
        if job.leased_until > rfc3339(now):
            return None
        return self.save(replace(job, status="running", leased_until=rfc3339(now + LEASE)))

    def save(self, job: Job) -> Job | None:
        """Write a job if nobody else has since; return it as it is now, else ``None``."""
        after = replace(job, version=job.version + 1)
        try:
            self.table.put(after.to_item(), **unchanged(job.version))
        except ConditionFailed:
            return None
        return after
