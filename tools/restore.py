"""Copy items from a restored table into the stack's own: `python -m tools.restore --source coursebridge-restored`.

Point-in-time recovery restores into a new table. This brings what is missing back from there: items that the stack's
table has are left as they are, unless `--overwrite` says otherwise. Uses your AWS credentials and region.

The table of another stack can be the source, too, once its key of pseudonyms is this stack's: tombstones are digests
made with it, and under another key erased people would not be recognised. So `--pseudonym-key` names the other stack's
secret, and nothing is copied while the two differ. What is no item does not come along: search indexes are noted as
stale, which the next sync of the catalogue sees, and how to put schedules again is told in the end.
"""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from rich.console import Console

from coursebridge.storage.runs import STALE, RunStore
from coursebridge.storage.table import Table
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
        integrations: the ids of the integrations among what was looked at.
    """

    source: str
    target: str
    integration: str = ""
    overwrite: bool = False
    client: Any = field(default_factory=lambda: boto3.client("dynamodb"))
    integrations: set[str] = field(default_factory=set)

    def run(self) -> Counter[str]:
        """Copy; return how many items were `copied`, and how many were `kept` as they stand in the target."""
        with ThreadPoolExecutor(SEGMENTS) as pool:
            done = sum(pool.map(self._segment, range(SEGMENTS)), Counter[str]())
        for integration_id in self.integrations:
            RunStore(Table(self.client, self.target), integration_id, "catalog").remember(index_form=STALE)
        return done

    def _segment(self, segment: int) -> Counter[str]:
        done: Counter[str] = Counter()
        for item in self._items(segment):
            if self._is_wanted(item):
                done[self._copy(item)] += 1
                if item["SK"]["S"] == "INTEGRATION":
                    self.integrations.add(item["id"]["S"])
        return done

    def _items(self, segment: int) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.source, Segment=segment, TotalSegments=SEGMENTS
        )
        for page in pages:
            yield from page["Items"]

    def _is_wanted(self, item: dict[str, Any]) -> bool:
        """Tell whether an item is of the integration: by its keys (`ENTITY#integration`), or as a client by a field."""
        keys = [item[name]["S"].split("#") for name in SEARCHED if name in item]
        own = item.get("integration_id", {}).get("S") == self.integration
        return not self.integration or own or any(key[1:2] == [self.integration] for key in keys)

    def _copy(self, item: dict[str, Any]) -> str:
        condition = {} if self.overwrite else {"ConditionExpression": "attribute_not_exists(PK)"}
        try:
            self.client.put_item(TableName=self.target, Item=item, **condition)
        except self.client.exceptions.ConditionalCheckFailedException:
            return "kept"
        return "copied"


def check_pseudonyms(source: str, target: str, theirs: str, ours: str) -> None:
    """See to it that erased people stay erased.

    Args:
        source: the restored table.
        target: the stack's table.
        theirs: the secret with the key of pseudonyms the source's tombstones were made with; empty if nobody named it.
        ours: that of the stack.

    Raises:
        typer.BadParameter: the source is not known to come from this stack, or has tombstones of another key.
    """
    if not theirs and not _is_copy(source, target):
        raise typer.BadParameter(
            f"{source} was not restored from {target}: name the PseudonymKey secret of the stack it comes from",
            param_hint="--pseudonym-key",
        )
    if theirs and _key(theirs) != _key(ours):
        raise typer.BadParameter(
            "this stack has another key and would not recognise erased people: carry the old key over first"
            ' (docs/operations.md, "Moving to a new stack")',
            param_hint="--pseudonym-key",
        )


def _is_copy(source: str, target: str) -> bool:
    client = boto3.client("dynamodb")
    restored = client.describe_table(TableName=source)["Table"].get("RestoreSummary", {})
    return bool(restored.get("SourceTableArn") == client.describe_table(TableName=target)["Table"]["TableArn"])


def _key(secret: str) -> str:
    answer = boto3.client("secretsmanager").get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
    return str(json.loads(answer["SecretString"])["key"])


def main(
    source: Annotated[str, typer.Option(help="The table that was restored.")],
    stack: Annotated[str, typer.Option(envvar="STACK_NAME", help="The CloudFormation stack.")] = "coursebridge",
    integration: Annotated[str, typer.Option(help="Only what belongs to this integration.")] = "",
    pseudonym_key: Annotated[
        str, typer.Option(help="PseudonymKey secret of the stack the table comes from, if that is not this one.")
    ] = "",
    *,
    overwrite: Annotated[bool, typer.Option(help="Replace what is there.")] = False,
) -> None:
    """Bring items back from a restored table."""
    target = _physical_id(stack, "Table")
    check_pseudonyms(source, target, pseudonym_key, _physical_id(stack, "PseudonymKey"))
    restorer = Restorer(source, target, integration, overwrite)
    done = restorer.run()
    told = Console(soft_wrap=True)
    told.print(f"{done['copied']} items copied, {done['kept']} left as they are")
    for one in sorted(restorer.integrations):
        told.print(f"Now put its schedules again and make its lists anew, for {one}:")
        told.print(f"  coursebridge integrations set -i {one} && coursebridge runs start -i {one}")


def _physical_id(stack: str, logical_id: str) -> str:
    described = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return described["StackResourceDetail"]["PhysicalResourceId"]


if __name__ == "__main__":
    typer.run(plainly(main))
