"""Faults between a statement and its record: killed workers, and a stream that pauses or loses changes."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from coursebridge.clock import rfc3339, utc_now
from local.processes import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector import Connection
    from running_stack import RunningStack

KEPT_OF_A_MAPPING = (
    *("EventSourceArn", "BatchSize", "FilterCriteria", "MaximumBatchingWindowInSeconds", "DestinationConfig"),
    *("MaximumRetryAttempts", "BisectBatchOnFunctionError", "ParallelizationFactor", "FunctionResponseTypes"),
)


def kill_workers(stack: RunningStack, *functions: str) -> int:
    """Kill the workers of these functions in the middle of their work; return how many were killed."""
    processes = remembered(Path(stack.outputs.logs).parent / "processes.json")
    [emulator] = [process for process in processes if process.name == "emulator"]
    names = [stack.outputs.function_names[function] for function in functions]
    killed = 0
    for worker in psutil.Process(emulator.pid).children(recursive=True):
        try:
            if any(name in " ".join(worker.cmdline()) for name in names):
                worker.kill()
                killed += 1
        except psutil.NoSuchProcess:  # it has ended in the meantime
            continue
    return killed


def mapping_of(stack: RunningStack) -> dict[str, Any]:
    name = stack.outputs.function_names["ApplyFunction"]
    [mapping] = stack.aws.functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    return dict(mapping)


@contextmanager
def stream_paused(stack: RunningStack) -> Iterator[None]:
    uuid_ = mapping_of(stack)["UUID"]
    stack.aws.functions.update_event_source_mapping(UUID=uuid_, Enabled=False)
    try:
        yield
    finally:
        stack.aws.functions.update_event_source_mapping(UUID=uuid_, Enabled=True)


@contextmanager
def stream_lost(stack: RunningStack) -> Iterator[None]:
    """Hide from the stream's reader what is written in the block, as if it had failed for longer than a day."""
    mapping = mapping_of(stack)
    stack.aws.functions.delete_event_source_mapping(UUID=mapping["UUID"])
    try:
        yield
    finally:
        kept = {name: mapping[name] for name in KEPT_OF_A_MAPPING if mapping.get(name) is not None}
        stack.aws.functions.create_event_source_mapping(
            **kept, FunctionName=stack.outputs.function_names["ApplyFunction"], StartingPosition="LATEST"
        )


def grow_old(stack: RunningStack, connection: Connection, statement_id: str) -> None:
    """Make a statement look as if it had waited for an hour."""
    waited_since = rfc3339(utc_now() - dt.timedelta(hours=1))
    stack.aws.dynamodb.update_item(
        TableName=stack.outputs.table_name,
        Key={"PK": {"S": f"STATEMENT#{connection.id}#{statement_id}"}, "SK": {"S": "STATEMENT"}},
        UpdateExpression="SET GSI3SK = :place",
        ExpressionAttributeValues={":place": {"S": f"received###{waited_since}#{statement_id}"}},
    )
