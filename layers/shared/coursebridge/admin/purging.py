"""Deletes what an integration leaves behind, in the background: courses, people, records, statements and files.

Each pass deletes what it finds and may be repeated: a learner or statement that leads to other items is deleted after
them. What stays is the audit, which says who deleted the integration, and the keyed digests of erased people, which
say nothing without the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.errors import Unavailable
from coursebridge.storage import keys
from coursebridge.storage.keys import Key
from coursebridge.storage.learners import Learner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from coursebridge.storage.table import Table

KEY = (keys.PK, keys.SK)
SHARE = 100
FILES = ("search/{}.", "runs/{}/", "exports/{}/")


class StillThere(Exception):
    """The integration still exists, so nothing of it may be deleted."""


@dataclass(frozen=True)
class Purge:
    """Deletes what an integration left behind.

    Attributes:
        table: the application's table.
        s3: the S3 client.
        bucket: the bucket of indexes, runs and exports.
        integration_id: the id of the integration, which no longer exists.
        time_is_up: whether to stop and leave the rest to another pass.
    """

    table: Table
    s3: S3Client
    bucket: str
    integration_id: str
    time_is_up: Callable[[], bool] = lambda: False

    def run(self) -> bool:
        """Delete until nothing is left or time is up; return whether nothing is left.

        Raises:
            StillThere: the integration still exists.
        """
        if self.table.get(keys.integration(self.integration_id)) is not None:
            raise StillThere(self.integration_id)
        for share in self._shares():
            self.table.delete_many(share)
            if self.time_is_up():
                return False
        for prefix in FILES:
            self._delete_objects(prefix.format(self.integration_id))
        return True

    def _shares(self) -> Iterator[list[Key]]:
        """Yield the keys in shares large enough to be worth a call, in order."""
        share: list[Key] = []
        for found in self._found():
            share += found
            if len(share) >= SHARE:
                yield share
                share = []
        if share:
            yield share

    def _found(self) -> Iterator[list[Key]]:
        """Yield the keys of the items, each after the keys of the items it leads to."""
        yield from self._statements()
        yield from self._learners()
        yield from self._ranges()
        for pk in keys.partitions_of(self.integration_id):
            for key in self._partition(pk):
                yield [key]

    def _statements(self) -> Iterator[list[Key]]:
        pk = keys.statements_partition(self.integration_id)
        for item in self.table.query_all(pk, index=keys.GSI1, attributes=(*KEY, "statement_id")):
            mark = keys.voiding(self.integration_id, item["statement_id"])
            yield [mark, Key(item[keys.PK], item[keys.SK])]

    def _learners(self) -> Iterator[list[Key]]:
        for lists in (keys.learners_partition, keys.unlisted_learners_partition):
            for item in self.table.query_all(lists(self.integration_id), index=keys.GSI1):
                learner = Learner.from_item(item)
                identities = [keys.identity(self.integration_id, *dated.identifier) for dated in learner.identifiers]
                others = [key for key in self._partition(learner.key.pk) if key != learner.key]
                yield [*dict.fromkeys(identities), *others, learner.key]

    def _ranges(self) -> Iterator[list[Key]]:
        runs = keys.run_partition(self.integration_id)
        for run in self.table.query_all(runs, prefix=keys.RUN_PREFIX, attributes=("id",)):
            pk = keys.run_range_partition(self.integration_id, run["id"])
            for key in self._partition(pk):
                yield [key]

    def _partition(self, pk: str) -> Iterator[Key]:
        for item in self.table.query_all(pk, attributes=KEY):
            yield Key(item[keys.PK], item[keys.SK])

    def _delete_objects(self, prefix: str) -> None:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            objects: list[ObjectIdentifierTypeDef] = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if objects:
                answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
                if answer.get("Errors"):
                    raise Unavailable("S3 could not delete all files, try again")
