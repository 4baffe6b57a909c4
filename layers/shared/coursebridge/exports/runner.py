"""Writes an export: pages of rows become parts of an S3 upload, so that memory stays flat whatever the size.

After each part, the job notes where to read on, so that another worker can continue after a crash or when the
function's time is up.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from coursebridge.clock import rfc3339
from coursebridge.exports import formats, rows
from coursebridge.exports.jobs import JobStore, Upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from coursebridge.exports.jobs import Job
    from coursebridge.storage.table import Item, Table

PART_BYTES = 8_000_000
"""S3 requires at least 5 MiB for every part but the last."""
MOST_TRIES = 3
LINK_SECONDS = 3600

Result = Literal["finished", "more", "busy", "nothing"]


@dataclass(frozen=True)
class Runner:
    """Works on export jobs.

    Attributes:
        table: the application's table.
        s3: the S3 client.
        bucket: the bucket's name.
        now: the clock.
        time_is_up: whether to stop after the current part.
    """

    table: Table
    s3: S3Client
    bucket: str
    now: Callable[[], datetime]
    time_is_up: Callable[[], bool]

    def run(self, integration_id: str, job_id: str) -> Result:
        """Work on a job until it is finished or the time is up (``more``)."""
        store = JobStore(self.table)
        found = store.get(integration_id, job_id)
        if found is None or found.is_finished:
            return "nothing"
        job = store.lease(found, self.now())
        if job is None:
            return "busy"
        try:
            return self._write(store, job)
        except self.s3.exceptions.NoSuchUpload:
            # The previous worker was killed between completing the upload and noting it, or S3 has discarded an upload
            # that lay too long.
            return self._write(store, replace(job, upload=None, rows=0, bytes=0))

    def give_up(self, integration_id: str, job_id: str) -> None:
        """Mark a job as failed after too many tries, and discard what was written."""
        store = JobStore(self.table)
        job = store.get(integration_id, job_id)
        if job is None or job.is_finished:
            return
        if job.upload:
            with suppress(self.s3.exceptions.NoSuchUpload):
                self.s3.abort_multipart_upload(Bucket=self.bucket, Key=job.key, UploadId=job.upload.id)
        error = f"it failed {MOST_TRIES} times; the log of the exports function says why"
        store.save(replace(job, status="failed", finished_at=rfc3339(self.now()), error=error, upload=None))

    def _write(self, store: JobStore, job: Job) -> Result:
        buffer = bytearray()
        upload = job.upload
        if upload is None:
            upload = Upload(self._begin(job))
            buffer += formats.head(job.what, job.format)
        position = upload.position
        while True:
            page = rows.read(self.table, job, position)
            position = page.position
            buffer += formats.encode(page.rows, job.what, job.format)
            job = replace(job, rows=job.rows + len(page.rows))
            if position is not None and len(buffer) < PART_BYTES:
                continue
            upload = self._with_part(job, upload, bytes(buffer), position)
            job = replace(job, bytes=job.bytes + len(buffer), upload=upload)
            if position is None:
                return self._finish(store, job, upload)
            is_over = self.time_is_up()
            noted = store.save(replace(job, leased_until="" if is_over else job.leased_until))
            if noted is None or is_over:
                return "more" if noted else "busy"
            job = noted
            buffer.clear()

    def _begin(self, job: Job) -> str:
        answer = self.s3.create_multipart_upload(
            Bucket=self.bucket, Key=job.key, ContentType=formats.CONTENT_TYPES[job.format]
        )
        return answer["UploadId"]

    def _with_part(self, job: Job, upload: Upload, body: bytes, position: Item | None) -> Upload:
        answer = self.s3.upload_part(
            Bucket=self.bucket, Key=job.key, UploadId=upload.id, PartNumber=len(upload.etags) + 1, Body=body
        )
        return replace(upload, etags=(*upload.etags, answer["ETag"]), position=position)

    def _finish(self, store: JobStore, job: Job, upload: Upload) -> Result:
        parts: list[CompletedPartTypeDef] = [
            {"ETag": etag, "PartNumber": number} for number, etag in enumerate(upload.etags, 1)
        ]
        self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key=job.key, UploadId=upload.id, MultipartUpload={"Parts": parts}
        )
        done = replace(job, status="succeeded", finished_at=rfc3339(self.now()), upload=None, leased_until="")
        return "finished" if store.save(done) else "busy"


def link(s3: S3Client, bucket: str, job: Job) -> str:
    """Return a signed link to the file, valid for an hour."""
    return s3.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": job.key,
            "ResponseContentDisposition": f'attachment; filename="{job.what}-{job.created_at[:10]}.{job.format}"',
        },
        ExpiresIn=LINK_SECONDS,
    )
