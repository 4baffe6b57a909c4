"""Stages in S3 what a run has read, for its later tasks.

Reading and reconciling are separate, so that a run looks at each record once however many windows mention it, and so
that all the people a run mentions are known before any are added. Rows are divided by content into buckets: a record's
rows lie in the same bucket of every range, and a task takes as many buckets as fit into its memory. Staged data is
personal: a run removes it when it ends, and the S3 bucket's life cycle removes what is left over.
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
"""People remembered so that they are not staged twice, which would be harmless."""
GROUP_BYTES = 4_000_000
"""Compressed; some tens of thousands of rows."""
DELETE_BATCH = 1000
FORMER_PERSON = ("profile_urn", "email", "unique_user_id", "name", "groups")
FORMER_ROW = (
    "profile_urn", "email", "unique_user_id", "content_urn", "completed_again_at",
    "progress", "completed_at", "first_engaged_at", "last_engaged_at", "seconds", "views", "completions",
)  # fmt: skip
"""The order of values in lines that earlier versions wrote without names, so that their failed runs can be redriven."""


@dataclass(frozen=True)
class Staged:
    """A range that was staged.

    Attributes:
        offsets: where each bucket starts in the object, and where the last one ends, in bytes.
        rows: the number of reported activities.
    """

    offsets: list[int]
    rows: int


class Staging:
    """The staged objects of one run.

    Args:
        s3: a boto3 S3 client.
        bucket: the S3 bucket's name.
        integration_id: the integration's id.
        run_id: the run's id.
    """

    def __init__(self, s3: S3Client, bucket: str, integration_id: str, run_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"runs/{integration_id}/{run_id}/"

    def write_range(self, number: int, activities: Iterable[ReportedActivity]) -> Staged:
        """Write the rows of a range and the people they mention as two objects, which are compressed in memory."""
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
        """Yield the people a range mentions."""
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
        """Write a file."""
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=file)

    def get_file(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file in chunks."""
        body = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
        yield from body.iter_chunks(CHUNK_BYTES)

    def put_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON object."""
        self._put(name, zlib.compress(json.dumps(value).encode()))

    def get_json(self, name: str) -> dict[str, Any]:
        """Return a JSON object."""
        value: dict[str, Any] = json.loads(zlib.decompress(b"".join(self.get_file(name))))
        return value

    def clear(self, numbers: Iterable[int], *names: str) -> None:
        """Remove the ranges with these numbers and the other objects with these names."""
        wanted = [f"{kind}/{number:06d}" for number in numbers for kind in ("rows", "people")] + list(names)
        for start in range(0, len(wanted), DELETE_BATCH):
            objects: Any = [{"Key": self._prefix + name} for name in wanted[start : start + DELETE_BATCH]]
            self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})

    def clear_all(self, *but: str) -> None:
        """Remove all of the run's objects except those with these names."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        found = [entry["Key"].removeprefix(self._prefix) for page in pages for entry in page.get("Contents", [])]
        self.clear([], *(name for name in found if name not in but))

    def _put(self, name: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=body)

    def _span(self, name: str, start: int, end: int) -> bytes:
        span = f"bytes={start}-{end - 1}"
        return self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name, Range=span)["Body"].read()


def groups_of(staged: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Return the groups of buckets to process together, as first and last bucket, from every range's offsets."""
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
    """Lines of JSON, compressed as they are added; empty if there are none."""

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
    """Yield the objects that were written, line by line; ``former`` names the values that earlier versions wrote."""
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
