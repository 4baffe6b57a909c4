"""The search indexes that one process has on its disk, downloaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachetools import LRUCache

from coursebridge.catalog.search.publishing import Replica

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_REPLICAS = 16
MOST_BYTES = 3 << 30
"""The most bytes of indexes on the disk, of which the function has four gigabytes (EphemeralStorage)."""


class Replicas(LRUCache[str, Replica]):
    """Replicas by integration id; the least recently used one is removed when another needs the space.

    Args:
        s3: the client.
        bucket: the bucket's name.
        most: the most replicas to keep.
    """

    def __init__(self, s3: S3Client, bucket: str, most: int = MOST_REPLICAS) -> None:
        super().__init__(most)
        self._s3 = s3
        self._bucket = bucket

    def __missing__(self, integration_id: str) -> Replica:
        """Return a new replica, which downloads its index on first use."""
        replica = Replica(self._s3, self._bucket, integration_id, self.make_room)
        self[integration_id] = replica
        return replica

    def popitem(self) -> tuple[str, Replica]:
        """Drop the least recently used index."""
        integration_id, replica = super().popitem()
        replica.close()
        return integration_id, replica

    def make_room(self, number: int) -> None:
        """Drop indexes until ``number`` more bytes fit, but never the most recently used one."""
        while len(self) > 1 and sum(replica.size for replica in self.values()) + number > MOST_BYTES:
            self.popitem()
