"""No function has a right that nothing in its code could use.

What a function could use is read from the source of all modules that its handler imports, directly or indirectly. That
is more than it does, so these tests find rights that are certainly useless; `tests/policies.py` finds missing ones.
"""

from __future__ import annotations

import ast
import inspect
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import cfn
from coursebridge.storage import keys
from granted import ACTIONS
from policies import handlers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAYER = cfn.ROOT / "layers" / "shared"
MODULES = {
    ".".join(path.relative_to(LAYER).with_suffix("").parts).removesuffix(".__init__"): path
    for path in LAYER.rglob("*.py")
} | {path.stem: path for path in (cfn.ROOT / "functions").rglob("*.py")}
EVERYBODYS = ("coursebridge.storage.table", "coursebridge.storage.keys")
"""Modules that offer every operation on the table and every key; using them is what counts."""
TABLE = {
    "dynamodb:GetItem": r"table(\(\))?\.get\(",
    "dynamodb:BatchGetItem": r"table(\(\))?\.get_many\(",
    "dynamodb:Query": r"table(\(\))?\.(query|query_all|pages|count)\(",
    "dynamodb:PutItem": r"table(\(\))?\.put(_action)?\(",
    "dynamodb:UpdateItem": r"table(\(\))?\.update(_action)?\(",
    "dynamodb:DeleteItem": r"table(\(\))?\.delete(_action)?\(",
    "dynamodb:BatchWriteItem": r"table(\(\))?\.(put|delete)_many\(",
    "dynamodb:ConditionCheckItem": r"table(\(\))?\.check_action\(",
}
INDIRECT = {
    # Without it, S3 answers 403 instead of 404 for an object that does not exist.
    "s3:ListBucket": ["get_object", "download_file"],
    # A managed transfer uploads in parts, and aborts the upload if one of them fails.
    "s3:PutObject": ["upload_file"],
    "s3:AbortMultipartUpload": ["upload_file", "abort_multipart_upload"],
    # A schedule is created with the role that it starts syncs with.
    "iam:PassRole": ["create_schedule"],
}
"""Methods of clients that need an action beside the operation they are named after."""


def imported(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, except for type checking."""
    names: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        nodes += ast.iter_child_nodes(node)
    return names & MODULES.keys()


@cache
def source(function: str) -> str:
    """Return the source of all modules that a function's handler imports, directly or indirectly."""
    found: set[str] = set()
    wanted = {handlers()[function]}
    while wanted:
        found |= wanted
        wanted = {name for module in wanted for name in imported(MODULES[module])} - found
    return "\n".join(MODULES[module].read_text() for module in sorted(found.difference(EVERYBODYS)))


def statements(function: str) -> Iterator[dict[str, Any]]:
    for policy in cfn.resources("AWS::Serverless::Function")[function]["Policies"]:
        yield from (statement for statement in policy["Statement"] if statement["Effect"] == "Allow")


def calls(action: str) -> str:
    """Return a pattern of the calls that need an action; a paginator names its method as a text."""
    if action in TABLE:
        return TABLE[action]
    operations = [action, *(operation for operation, needed in ACTIONS.items() if needed == action)]
    methods = [re.sub(r"(?<!^)(?=[A-Z])", "_", name.partition(":")[2]).lower() for name in operations]
    return rf"[.\"]({'|'.join([*methods, *INDIRECT.get(action, [])])})\b"


@cache
def partitions() -> dict[str, list[str]]:
    """Return the partition keys that each function of the keys module returns, by its name."""
    found: dict[str, list[str]] = {}
    for name, make in inspect.getmembers(keys, inspect.isfunction):
        kinds = inspect.signature(make).parameters.values()
        if all(kind.annotation in (str, int) or kind.default is not kind.empty for kind in kinds):
            made = make(*(0 if kind.annotation is int else "x" for kind in kinds if kind.default is kind.empty))
            found[name] = [made.pk] if isinstance(made, keys.Key) else made if isinstance(made, list) else [str(made)]
    return found


@pytest.mark.parametrize("function", handlers())
def test_a_function_may_call_nothing_that_its_code_does_not_call(function: str) -> None:
    granted = {
        action
        for statement in statements(function)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert sorted(action for action in granted if not re.search(calls(action), source(function))) == []


@pytest.mark.parametrize("function", handlers())
def test_a_function_may_touch_no_items_whose_keys_its_code_does_not_make(function: str) -> None:
    conditions = [
        statement.get("Condition", {}).get("ForAllValues:StringLike", {}) for statement in statements(function)
    ]
    granted = {pattern for condition in conditions for pattern in condition.get("dynamodb:LeadingKeys", [])}
    named = set(re.findall(r"\bkeys\.(\w+)", source(function)))
    made = [pk for name in named & partitions().keys() for pk in partitions()[name]]

    assert sorted(pattern for pattern in granted if not any(fnmatchcase(pk, pattern) for pk in made)) == []
