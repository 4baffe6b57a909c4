"""Publishes the index file to S3, and fetches it again where it is read whenever it has changed."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from coursebridge.catalog.search.building import build
from coursebridge.catalog.search.querying import SearchIndex
from coursebridge.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from boto3.s3.transfer import TransferConfig
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from coursebridge.storage.courses import CourseStore

CHUNK_BYTES = 1 << 20
FORM = 2
"""Raised when index files come to hold something else: one of another form is not read, and the next run renews it."""


def object_key(integration_id: str) -> str:
    """Return where an integration's index lies in the bucket."""
    return f"search/{integration_id}.sqlite"


class Publisher:
    """Builds indexes and puts them into the bucket.

    Args:
        s3: the client.
        bucket: the bucket's name.
        transfer: how many parts are under way at once; each of them is in memory.
    """

    def __init__(self, s3: S3Client, bucket: str, transfer: TransferConfig | None = None) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._transfer = transfer

    def publish(self, courses: CourseStore, generation: int = 0) -> int:
        """Build the index of an integration's courses and publish it; return how many are in it.

        Args:
            courses: the courses.
            generation: theirs, noted before they are read (``storage.runs.RunStore.outdate_index``).
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "search.sqlite"
            number = build(file, courses.all())
            # A managed transfer: in parts where it is large, each with its own time-out and retries.
            self._s3.upload_file(
                str(file),
                self._bucket,
                object_key(courses.integration_id),
                ExtraArgs={"Metadata": {"form": str(FORM), "generation": str(generation)}},
                Config=self._transfer,
            )
        return number

    def published(self, integration_id: str) -> int | None:
        """Return of which generation of courses the published index is.

        ``None`` where there is none, or one of another form: one request.
        """
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=object_key(integration_id))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                raise
            return None
        metadata = answer["Metadata"]
        return int(metadata.get("generation", 0)) if metadata.get("form") == str(FORM) else None


class Replica:
    """The index of one integration where it is read: on the function's own disk, as old as the last look at S3.

    Args:
        s3: the client.
        bucket: the bucket's name.
        integration_id: the integration.
        make_room: is told how many bytes will come before they do.

    Attributes:
        size: bytes on the disk.
    """

    def __init__(
        self, s3: S3Client, bucket: str, integration_id: str, make_room: Callable[[int], None] = lambda _bytes: None
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._integration_id = integration_id
        self._etag = ""
        self._file: Path | None = None
        self._index: SearchIndex | None = None
        self._make_room = make_room
        self.size = 0

    def index(self) -> SearchIndex | None:
        """Return the present index, ``None`` before the first sync: one conditional request.

        Raises:
            coursebridge.errors.Unavailable: the index is one of another version of this application.
        """
        wanted = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=object_key(self._integration_id), **wanted)  # type: ignore[arg-type]
        except ClientError as error:
            return self._unchanged(error)
        # The old one goes first: the disk need not hold both.
        self.close()
        if answer["Metadata"].get("form") != str(FORM):
            answer["Body"].close()
            raise Unavailable("the search index belongs to another version; the next catalogue sync rebuilds it")
        self._make_room(answer["ContentLength"])
        self._file = _downloaded(answer["Body"])
        self._index = SearchIndex(self._file, self._integration_id)
        self._etag, self.size = answer["ETag"], answer["ContentLength"]
        return self._index

    def close(self) -> None:
        """Close and remove the file."""
        if self._index is not None and self._file is not None:
            self._index.close()
            self._file.unlink(missing_ok=True)
        self._index, self._file, self._etag, self.size = None, None, "", 0

    def _unchanged(self, error: ClientError) -> SearchIndex | None:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == HTTPStatus.NOT_FOUND:
            self.close()
        elif status != HTTPStatus.NOT_MODIFIED:
            raise error
        return self._index


def _downloaded(body: StreamingBody) -> Path:
    """Return a new file with what comes; a transfer that breaks leaves none."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite", delete=False) as file:
        try:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                file.write(chunk)
        except BaseException:
            Path(file.name).unlink()
            raise
    return Path(file.name)
