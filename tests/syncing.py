"""Helpers for tests of syncs: what a run changed, what the table holds, and resuming runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector import Caller, Connection, eventually
from coursebridge.storage.attribute_values import from_wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from running_stack import RunningStack
    from shelf import Shelf

CHANGES = ("created", "updated", "archived", "restored", "failed")


def connected(admin: Caller, shelf: Shelf, *, asset_types: list[str] | None = None, **settings: Any) -> Connection:
    """Return an integration with a key pair and filters for the shelf, which has not synced yet."""
    filters = {"languages": [shelf.locale], "asset_types": asset_types or ["COURSE"]}
    connection = Connection(admin, filters=filters, **settings)
    connection.connect()
    return connection


def active(connection: Connection) -> set[str]:
    """Return the URNs of the active courses."""
    return {course["urn"] for course in connection.courses(status="active")}


def changed_counts(run: dict[str, Any]) -> dict[str, int]:
    """Return how many courses a run changed, by kind of change, and assert that the counts add up."""
    counts = run["counts"]
    assert counts["read"] == sum(value for name, value in counts.items() if name != "read"), counts
    return {name: counts[name] for name in CHANGES if counts[name]}


def run_of(connection: Connection, run_id: str, patience: float = 120) -> dict[str, Any]:
    """Wait for the end of a run and return it."""
    path = f"/admin/integrations/{connection.id}/runs/{run_id}"
    run: dict[str, Any] = eventually(
        lambda: connection.admin.ask("GET", path), lambda found: found["status"] != "running", patience
    )
    return run


def redriven(connection: Connection, run: dict[str, Any], how: str = "redrive") -> dict[str, Any]:
    """Redrive (or confirm) a run, wait for its end and return it."""
    connection.admin.ask("POST", f"/admin/integrations/{connection.id}/runs/{run['id']}/{how}", 202)
    return run_of(connection, run["id"])


def state(stack: RunningStack, connection: Connection) -> dict[str, Any]:
    """Return the state that the catalogue sync keeps between runs."""
    key = {"PK": {"S": f"INTEGRATION#{connection.id}"}, "SK": {"S": "SYNC#catalog"}}
    answer = stack.aws.dynamodb.get_item(TableName=stack.outputs.table_name, Key=key)
    return from_wire(dict(answer.get("Item", {})))


def watermark(stack: RunningStack, connection: Connection) -> str | None:
    """Return the time from which the next incremental run reads, before the overlap is subtracted."""
    found: str | None = state(stack, connection).get("watermark")
    return found


def items(stack: RunningStack, partitions: Iterable[str]) -> list[dict[str, Any]]:
    """Return every item of these partitions, in DynamoDB's wire format."""
    found: list[dict[str, Any]] = []
    for partition in partitions:
        pages = stack.aws.dynamodb.get_paginator("query").paginate(
            TableName=stack.outputs.table_name,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
        )
        found += [dict(item) for page in pages for item in page["Items"]]
    return found
