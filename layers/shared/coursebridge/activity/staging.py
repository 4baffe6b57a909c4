"""What a run has read, laid down between its tasks in S3.

Reading and reconciling are apart, so that every record is looked at once in a run however many windows tell of it, and
so that everybody a run tells of is known before anybody is added. Rows are dealt by content into buckets: a record
lies in one bucket of each range, and a task takes as many buckets as its memory holds. What lies here is personal data:
a run removes it when it ends, and the bucket's life cycle when it does not.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.activity.mapper import Person, ReportedActivity
from coursebridge.records.evidence import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from mypy_boto3_s3 import S3Client

BUCKETS = 64
CHUNK_BYTES = 1 << 16
MOST_SEEN = 10_000
"""People remembered so as not to lay them down twice; twice does no harm."""
GROUP_BYTES = 4_000_000
"""Compressed; some tens of thousands of rows."""
DELETE_BATCH = 1000
FORMER_PERSON = ("profile_urn", "email", "unique_user_id", "name", "groups")
FORMER_ROW = (
    "profile_urn", "email", "unique_user_id", "content_urn", "completed_again_at",
    "progress", "completed_at", "first_engaged_at", "last_engaged_at", "seconds", "views", "completions",
)  # fmt: skip
"""What stood where in lines of earlier versions, which named nothing: a run that failed then can be redriven now."""


@dataclass(frozen=True)
class Staged:
    """A range that was laid down.

    Attributes:
        offsets: where each bucket starts in the object, and where the last one ends.
        rows: how many reported activities there are.
    """

    offsets: list[int]
    rows: int


class Staging:
    """The objects of one run.

    Args:
        s3: a boto3 S3 client.
        bucket: the bucket's name.
        integration_id: whose run.
        run_id: the run.
    """

    def __init__(self, s3: S3Client, bucket: str, integration_id: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"runs/{integration_id}/{run_id}/"

    def write_range(self, number: int, activities: Iterable[ReportedActivity]) -> Staged:
        """Lay down the rows of a range and whom they tell of, two objects; compressed, they are held in memory."""
        buckets = [_Deflated() for _ in range(BUCKETS)]
        told = _Deflated()
        seen: set[Person] = set()
        rows = 0
        for activity in activities:
            buckets[zlib.crc32(activity.content_urn.encode()) % BUCKETS].add(_row(activity))
            rows += 1
            if activity.person not in seen:
                if len(seen) >= MOST_SEEN:
                    seen.clear()
                seen.add(activity.person)
                told.add(vars(activity.person))
        bodies = [bucket.body() for bucket in buckets]
        offsets = [0]
        for body in bodies:
            offsets.append(offsets[-1] + len(body))
        self._put(f"rows/{number:06d}", b"".join(bodies))
        self._put(f"people/{number:06d}", told.body())
        return Staged(offsets, rows)

    def people(self, number: int) -> Iterator[Person]:
        """Yield everybody a range tells of."""
        for told in _lines(self.get_file(f"people/{number:06d}"), FORMER_PERSON):
            yield Person(**{**told, "groups": tuple(told["groups"])})

    def activities(self, number: int, offsets: Sequence[int], first: int, last: int) -> Iterator[ReportedActivity]:
        """Yield the rows of a range in the buckets from ``first`` to ``last``, both included."""
        start, end = offsets[first], offsets[last + 1]
        if start == end:
            return
        body = self._span(f"rows/{number:06d}", start, end)
        for bucket in range(first, last + 1):
            for row in _lines([body[offsets[bucket] - start : offsets[bucket + 1] - start]], FORMER_ROW):
                yield _activity(row)

    def put_file(self, name: str, file: BinaryIO) -> None:
        """Lay down a file."""
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=file)

    def get_file(self, name: str) -> Iterator[bytes]:
        """Yield a file that was laid down, piece by piece."""
        body = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
        yield from body.iter_chunks(CHUNK_BYTES)

    def put_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Lay down a JSON object."""
        self._put(name, zlib.compress(json.dumps(value).encode()))

    def get_json(self, name: str) -> dict[str, Any]:
        """Return a JSON object that was laid down."""
        value: dict[str, Any] = json.loads(zlib.decompress(b"".join(self.get_file(name))))
        return value

    def clear(self, numbers: Iterable[int], *names: str) -> None:
        """Remove the ranges of these numbers and these other objects."""
        wanted = [f"{kind}/{number:06d}" for number in numbers for kind in ("rows", "people")] + list(names)
        for start in range(0, len(wanted), DELETE_BATCH):
            objects: Any = [{"Key": self._prefix + name} for name in wanted[start : start + DELETE_BATCH]]
            self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})

    def clear_all(self, *but: str) -> None:
        """Remove everything of the run except these objects."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        found = [one["Key"].removeprefix(self._prefix) for page in pages for one in page.get("Contents", [])]
        self.clear([], *(name for name in found if name not in but))

    def _put(self, name: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=body)

    def _span(self, name: str, start: int, end: int) -> bytes:
        span = f"bytes={start}-{end - 1}"
        return self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name, Range=span)["Body"].read()


def groups_of(staged: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Return which buckets to take together, first and last, given every range's offsets."""
    sizes = [0] * BUCKETS
    for offsets in staged:
        for bucket in range(BUCKETS):
            sizes[bucket] += offsets[bucket + 1] - offsets[bucket]
    groups: list[tuple[int, int]] = []
    first = held = 0
    for bucket, size in enumerate(sizes):
        if held and held + size > GROUP_BYTES:
            groups.append((first, bucket - 1))
            first, held = bucket, 0
        held += size
    return [*groups, (first, BUCKETS - 1)] if held else groups


class _Deflated:
    """Lines of JSON, compressed as they come; nothing for no lines."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj()
        self._body = bytearray()
        self._is_empty = True

    def add(self, value: Mapping[str, Any]) -> None:
        self._is_empty = False
        self._body += self._compressor.compress(json.dumps(value).encode() + b"\n")

    def body(self) -> bytes:
        return b"" if self._is_empty else bytes(self._body + self._compressor.flush())


def _lines(pieces: Iterable[bytes], former: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what was laid down line by line; ``former`` names what earlier versions laid down without names."""
    inflater, rest = zlib.decompressobj(), b""
    for piece in pieces:
        *lines, rest = (rest + inflater.decompress(piece)).split(b"\n")
        for told in map(json.loads, lines):
            yield told if isinstance(told, dict) else dict(zip(former, told, strict=True))


def _row(activity: ReportedActivity) -> dict[str, Any]:
    person = activity.person
    return {
        "profile_urn": person.profile_urn,
        "email": person.email,
        "unique_user_id": person.unique_user_id,
        "content_urn": activity.content_urn,
        "completed_again_at": activity.completed_again_at,
        **activity.report.to_item(),
    }


def _activity(row: dict[str, Any]) -> ReportedActivity:
    person = Person(row.pop("profile_urn"), row.pop("email"), row.pop("unique_user_id"))
    content_urn, completed_again_at = row.pop("content_urn"), row.pop("completed_again_at")
    return ReportedActivity(person, content_urn, Report.from_item(row), completed_again_at)
