"""Check a function's calls to the table against its policy in the template.

Neither moto nor the emulator checks leading keys, so a policy that lacks one would fail only on AWS.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import wraps
from typing import TYPE_CHECKING, Any

import cfn
from coursebridge import clients
from granted import not_granted, noted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Table

Handler = Callable[..., Any]
Call = tuple[str, str, str]
IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
TABLE = {"Fn::GetAtt": ["Table", "Arn"]}


def refused(function: str, calls: set[Call]) -> list[Call]:
    """Return the calls (action, index or empty, partition key) that a function's policy does not allow."""
    statements = [
        statement
        for policy in cfn.resources("AWS::Serverless::Function")[function]["Policies"]
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
    ]
    return sorted(call for call in calls if not any(_allows(statement, *call) for statement in statements))


def handlers() -> dict[str, str]:
    """Return the handler module of each function, by its logical id in the template."""
    functions = cfn.resources("AWS::Serverless::Function")
    return {name: properties["Handler"].partition(".")[0] for name, properties in functions.items()}


def kept_to_policy(function: str, handler: Handler) -> Handler:
    """Wrap a handler to fail when it makes a call that the function's policy does not allow."""

    @wraps(handler)
    def handle(*args: Any) -> Any:
        with _watched(clients.dynamodb()) as calls, noted() as others:
            answer = handler(*args)
        forbidden = [*refused(function, calls), *not_granted(function, others)]
        assert not forbidden, f"{function} may not {forbidden}"
        return answer

    return handle


@contextmanager
def watched(table: Table) -> Iterator[set[Call]]:
    """Collect the calls to the table."""
    with _watched(table.client) as calls:
        yield calls


@contextmanager
def _watched(client: Any) -> Iterator[set[Call]]:
    calls: set[Call] = set()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.update(_calls(model.name, params))

    events = client.meta.events
    events.register_first("before-parameter-build.dynamodb", note)
    try:
        yield calls
    finally:
        events.unregister("before-parameter-build.dynamodb", note)


def _allows(statement: dict[str, Any], action: str, index: str, key: str) -> bool:
    resource = {"Fn::Sub": f"${{Table.Arn}}/index/{index}"} if index else TABLE
    if f"dynamodb:{action}" not in _listed(statement["Action"]) or resource not in _listed(statement["Resource"]):
        return False
    patterns = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _calls(operation: str, params: dict[str, Any]) -> Iterator[Call]:
    if operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            [(kind, body)] = action.items()
            yield IN_TRANSACTION[kind], "", _pk(body.get("Item") or body["Key"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for requests in params["RequestItems"].values():
            for key in requests["Keys"] if operation == "BatchGetItem" else map(_written, requests):
                yield operation, "", _pk(key)
    elif operation == "Query":
        yield operation, params.get("IndexName", ""), params["ExpressionAttributeValues"][":pk"]["S"]
    else:
        yield operation, "", _pk(params.get("Item") or params["Key"])


def _written(request: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    return item


def _pk(item: dict[str, Any]) -> str:
    return str(item["PK"]["S"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
