"""Publishes the index file to S3, amended or built anew, and downloads it for reading whenever it has changed."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from coursebridge.catalog.search.building import amend, build
from coursebridge.catalog.search.querying import SearchIndex
from coursebridge.errors import Unavailable
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.table import BATCH_READ, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from boto3.s3.transfer import TransferConfig
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

    from coursebridge.storage.courses import CourseStore
    from coursebridge.storage.table import Item

CHUNK_BYTES = 1 << 20
FORM = 3
"""Increment this when the layout of index files, or the words they are given (``words.indexed``), change: older files
are then neither read nor amended, and the next run rebuilds them."""
MOST_AMENDED = 5_000
"""With more changes than this, building an index anew takes no longer."""


def object_key(integration_id: str) -> str:
    """Return the key of an integration's index in the bucket."""
    return f"search/{integration_id}.sqlite"


@dataclass(frozen=True)
class Changes:
    """All that has changed since an index of a generation was published.

    Attributes:
        since: the generation of that index.
        urns: the courses that have changed.
    """

    since: int
    urns: frozenset[str]


class Publisher:
    """Builds indexes and uploads them to the bucket.

    Args:
        s3: the client.
        bucket: the bucket's name.
        transfer: limits how many parts are uploaded at once; each of them is in memory.
    """

    def __init__(self, s3: S3Client, bucket: str, transfer: TransferConfig | None = None) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._transfer = transfer

    def publish(self, courses: CourseStore, generation: int = 0, changes: Changes | None = None) -> int:
        """Publish the index of an integration's courses; return how many are in it.

        Args:
            courses: the courses.
            generation: their generation before they are read (``storage.runs.RunStore.outdate_index``).
            changes: all that has changed since another generation, if that is known; if the published index is of that
                one, it is amended.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "search.sqlite"
            number = self._amended(file, courses, changes) if changes else None
            if number is None:
                number = build(file, courses.all(), _classifications(courses))
            # A managed transfer uploads large files in parts, each with its own time-out and retries.
            self._s3.upload_file(
                str(file),
                self._bucket,
                object_key(courses.integration_id),
                ExtraArgs={"Metadata": {"form": str(FORM), "generation": str(generation)}},
                Config=self._transfer,
            )
        return number

    def _amended(self, file: Path, courses: CourseStore, changes: Changes) -> int | None:
        """Write an amended copy of the published index; return ``None``, and write nothing, if it is of no use."""
        if len(changes.urns) > MOST_AMENDED:
            return None
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=object_key(courses.integration_id))
        except ClientError as error:
            _pass_over_absence(error)
            return None
        with closing(answer["Body"]) as body:
            if _generation(answer["Metadata"]) != changes.since:
                return None
            with file.open("wb") as copy:
                copy.writelines(body.iter_chunks(CHUNK_BYTES))
        changed = (
            stored for urns in chunks(sorted(changes.urns), BATCH_READ) for stored in courses.get_many(urns).values()
        )
        return amend(file, courses.integration_id, changed, _classifications(courses))

    def published(self, integration_id: str) -> int | None:
        """Return the generation of courses in the published index, with one request.

        It is ``None`` if there is no index, or only one of another form.
        """
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=object_key(integration_id))
        except ClientError as error:
            _pass_over_absence(error)
            return None
        return _generation(answer["Metadata"])


def _classifications(courses: CourseStore) -> Iterator[Item]:
    return ClassificationStore(courses.table, courses.integration_id).all()


def _pass_over_absence(error: ClientError) -> None:
    """Raise the error, unless it says that there is no such object."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
        raise error


def _generation(metadata: Mapping[str, str]) -> int | None:
    return int(metadata.get("generation", 0)) if metadata.get("form") == str(FORM) else None


class Replica:
    """A copy of one integration's index on the function's disk, as current as the last request to S3.

    Args:
        s3: the client.
        bucket: the bucket's name.
        integration_id: the integration.
        make_room: called before a download with its size in bytes.

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
        """Return the current index, with one conditional request; ``None`` before the first sync.

        Raises:
            coursebridge.errors.Unavailable: the index belongs to another version of this application.
        """
        wanted = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=object_key(self._integration_id), **wanted)  # type: ignore[arg-type]
        except ClientError as error:
            return self._unchanged(error)
        # Remove the old file first, so that the disk need not hold both.
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
    """Download a body to a new file; if the transfer fails, no file is left."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite", delete=False) as file:
        try:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                file.write(chunk)
        except BaseException:
            Path(file.name).unlink()
            raise
    return Path(file.name)
