"""The index file on its way: built, put into S3, fetched where it is read, and replaced when it changes."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from coursebridge.catalog.search.building import build
from coursebridge.catalog.search.querying import SearchIndex

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from coursebridge.storage.courses import CourseStore

CHUNK_BYTES = 1 << 20


def object_key(integration_id: str) -> str:
    """Return where an integration's index lies in the bucket."""
    return f"search/{integration_id}.sqlite"


class Publisher:
    """Builds indexes and puts them into the bucket.

    Args:
        s3: the client.
        bucket: the bucket's name.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def publish(self, courses: CourseStore) -> int:
        """Build the index of an integration's courses and publish it; return how many are in it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "search.sqlite"
            number = build(file, courses.all())
            with file.open("rb") as content:
                self._s3.put_object(Bucket=self._bucket, Key=object_key(courses.integration_id), Body=content)
        return number


class Replica:
    """The index of one integration where it is read: on the function's own disk, as old as the last look at S3.

    Args:
        s3: the client.
        bucket: the bucket's name.
        integration_id: the integration.
    """

    def __init__(self, s3: S3Client, bucket: str, integration_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._integration_id = integration_id
        self._etag = ""
        self._file: Path | None = None
        self._index: SearchIndex | None = None

    def index(self) -> SearchIndex | None:
        """Return the present index, ``None`` before the first sync: one conditional request."""
        wanted = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=object_key(self._integration_id), **wanted)  # type: ignore[arg-type]
        except ClientError as error:
            return self._unchanged(error)
        with tempfile.NamedTemporaryFile(suffix=".sqlite", delete=False) as file:
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                file.write(chunk)
        self._replace(Path(file.name), answer["ETag"])
        return self._index

    def close(self) -> None:
        """Close and remove the file."""
        if self._index is not None and self._file is not None:
            self._index.close()
            self._file.unlink(missing_ok=True)
        self._index, self._file, self._etag = None, None, ""

    def _unchanged(self, error: ClientError) -> SearchIndex | None:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == HTTPStatus.NOT_FOUND:
            self.close()
        elif status != HTTPStatus.NOT_MODIFIED:
            raise error
        return self._index

    def _replace(self, file: Path, etag: str) -> None:
        self.close()
        self._index = SearchIndex(file, self._integration_id)
        self._file, self._etag = file, etag
