"""Check a function's calls to services other than DynamoDB against its policy in the template.

A call names resources as the test's environment does, a policy as the template does. The environment variables of the
functions connect the two: `BUCKET_NAME` is `!Ref Bucket` in the template and the name of a bucket in a test.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from unittest import mock

from botocore.client import BaseClient

import cfn

if TYPE_CHECKING:
    from collections.abc import Iterator

Call = tuple[str, str]
"""An IAM action, and the resource as the template's policies spell it."""
Made = tuple[str, str, dict[str, Any]]
"""Service, operation and parameters."""
SERVICES = {"stepfunctions": "states"}
ACTIONS = {
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "lambda:Invoke": "lambda:InvokeFunction",
}
"""IAM actions of operations whose names differ from them."""
NAMING = ("Bucket", "SecretId", "stateMachineArn", "executionArn", "GroupName", "QueueUrl", "FunctionName", "Name")
"""Parameters that name the resource of a call; the first one present counts."""
ARN = re.compile(r"^arn:.*?:(secret:|schedule/|execution:|function:)")


@contextmanager
def noted() -> Iterator[list[Made]]:
    """Collect the calls that any client makes to services other than DynamoDB."""
    made: list[Made] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def note(client: Any, operation: str, params: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        if service != "dynamodb":
            made.append((service, operation, params))
        return call(client, operation, params)

    with mock.patch.object(BaseClient, "_make_api_call", note):
        yield made


def not_granted(function: str, made: list[Made]) -> list[Call]:
    """Return the calls that a function's policy does not grant."""
    known = _names()
    calls = {call for one in made for call in _calls(known, *one)}
    granted = [
        (action, _spelled(resource))
        for policy in cfn.resources("AWS::Serverless::Function")[function].get("Policies", [])
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]
    return sorted(
        (action, resource)
        for action, resource in calls
        if not any(action == one and fnmatchcase(resource, pattern) for one, pattern in granted)
    )


def _names() -> dict[str, str]:
    """Return the template's spelling of each value in the environment."""
    return {
        os.environ[name]: _spelled(value)
        for function in cfn.resources("AWS::Serverless::Function").values()
        for name, value in function.get("Environment", {}).get("Variables", {}).items()
        if os.environ.get(name) and isinstance(value, dict) and "Fn::If" not in value
    }


def _calls(known: dict[str, str], service: str, operation: str, params: dict[str, Any]) -> Iterator[Call]:
    plain = f"{SERVICES.get(service, service)}:{operation}"
    action = ACTIONS.get(plain, plain)
    for about in _parts(service, params):
        name = about.get("EventBusName") or next(about[one] for one in NAMING if one in about)
        yield action, _resource(known, str(name)) + _within(service, about)


def _parts(service: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a call that each name a resource of their own."""
    if service == "s3" and "Delete" in params:
        return [{**params, **one} for one in params["Delete"]["Objects"]]
    return params.get("Entries", [params]) if service == "events" else [params]


def _resource(known: dict[str, str], name: str) -> str:
    """Return a name as the template spells it, unchanged if no variable of a function holds it."""
    if name in known:
        return known[name]
    machine, _, execution = name.replace(":execution:", ":stateMachine:").rpartition(":")
    if machine in known:
        return f"{known[machine]}:{execution}"
    prefixes = [(value, spelled) for value, spelled in known.items() if value.endswith("/") and name.startswith(value)]
    return next((spelled + name.removeprefix(value) for value, spelled in prefixes), name)


def _within(service: str, params: dict[str, Any]) -> str:
    """Return the part of a resource that other parameters give."""
    if service == "scheduler":
        return f"/{params['Name']}"
    return f"/{params['Key']}" if service == "s3" and "Key" in params else ""


def _spelled(resource: Any) -> str:
    """Return a resource without ARN prefix and substitution syntax: `Bucket/search/*`, `SigningKeys`."""
    [(function, value)] = resource.items() if isinstance(resource, dict) else [("", resource)]
    if function == "Fn::GetAtt":
        return str(value[0])
    return re.sub(r"\$\{([\w:]+?)(\.Arn|\.Name)?\}", r"\1", ARN.sub("", str(value)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
