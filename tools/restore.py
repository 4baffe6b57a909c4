"""Copy items from a restored table into the stack's own: `python -m tools.restore --source coursebridge-restored`.

Point-in-time recovery restores into a new table. This brings what is missing back from there: items that the stack's
table has are left as they are, unless `--overwrite` says otherwise. Uses your AWS credentials and region.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from rich.console import Console

from tools.terminal import plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENTS = 8
SEARCHED = ("PK", "GSI1PK")


@dataclass
class Restorer:
    """Copies items from one table to another.

    Attributes:
        source: the restored table.
        target: the stack's table.
        integration: only items of this integration; empty for all.
        overwrite: whether items that are there are replaced.
        client: a boto3 DynamoDB client.
    """

    source: str
    target: str
    integration: str = ""
    overwrite: bool = False
    client: Any = field(default_factory=lambda: boto3.client("dynamodb"))

    def run(self) -> Counter[str]:
        """Copy; return how many items were `copied`, and how many were `kept` as they stand in the target."""
        with ThreadPoolExecutor(SEGMENTS) as pool:
            return sum(pool.map(self._segment, range(SEGMENTS)), Counter[str]())

    def _segment(self, segment: int) -> Counter[str]:
        done: Counter[str] = Counter()
        for item in self._items(segment):
            if self._is_wanted(item):
                done[self._copy(item)] += 1
        return done

    def _items(self, segment: int) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.source, Segment=segment, TotalSegments=SEGMENTS
        )
        for page in pages:
            yield from page["Items"]

    def _is_wanted(self, item: dict[str, Any]) -> bool:
        """Tell by its keys whether an item belongs to the integration: they start `ENTITY#integration`."""
        keys = [item[name]["S"].split("#") for name in SEARCHED if name in item]
        return not self.integration or any(key[1:2] == [self.integration] for key in keys)

    def _copy(self, item: dict[str, Any]) -> str:
        condition = {} if self.overwrite else {"ConditionExpression": "attribute_not_exists(PK)"}
        try:
            self.client.put_item(TableName=self.target, Item=item, **condition)
        except self.client.exceptions.ConditionalCheckFailedException:
            return "kept"
        return "copied"


def main(
    source: Annotated[str, typer.Option(help="The table that was restored.")],
    stack: Annotated[str, typer.Option(envvar="STACK_NAME", help="The CloudFormation stack.")] = "coursebridge",
    integration: Annotated[str, typer.Option(help="Only what belongs to this integration.")] = "",
    *,
    overwrite: Annotated[bool, typer.Option(help="Replace what is there.")] = False,
) -> None:
    """Bring items back from a restored table."""
    described = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Table")
    target = described["StackResourceDetail"]["PhysicalResourceId"]
    done = Restorer(source, target, integration, overwrite).run()
    Console().print(f"{done['copied']} items copied, {done['kept']} left as they are")


if __name__ == "__main__":
    typer.run(plainly(main))
