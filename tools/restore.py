"""Copy items from a restored table into the stack's own: `python -m tools.restore --source coursebridge-restored`.

Point-in-time recovery restores into a new table. This tool copies from there what the stack's table lacks; existing
items are left as they are, unless `--overwrite` is given. It uses your AWS credentials and region.

The source can also be the table of another stack, once both stacks have the same pseudonym key: tombstones are digests
made with it, so under another key erased people would not be recognised. `--pseudonym-key` names the other stack's
secret, and nothing is copied while the two keys differ. Only items are copied. Search indexes are marked as stale, so
that the next catalogue sync rebuilds them; at the end, the tool prints the commands that create the schedules again.
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
        integration: copy only items of this integration; empty for all.
        overwrite: whether to replace existing items.
        client: a boto3 DynamoDB client.
        integrations: ids of the integrations found among the items.
    """

    source: str
    target: str
    integration: str = ""
    overwrite: bool = False
    client: Any = field(default_factory=lambda: boto3.client("dynamodb"))
    integrations: set[str] = field(default_factory=set)

    def run(self) -> Counter[str]:
        """Copy items, and return how many were `copied` and how many were `kept` as they are in the target."""
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
        """Return whether an item belongs to the integration, by its keys (`ENTITY#integration`) or `integration_id`."""
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
    """Check that this stack can recognise the people erased in the source, so that they stay erased.

    Args:
        source: the restored table.
        target: the stack's table.
        theirs: the secret with the pseudonym key that the source's tombstones were made with; empty if not given.
        ours: the secret with this stack's pseudonym key.

    Raises:
        typer.BadParameter: the source was not restored from this stack's table and no key is given, or the keys differ.
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
    """Copy items back from a restored table."""
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
