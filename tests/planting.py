"""Markers that must not turn up: what was planted, and everything a running stack stored, sent, logged and answered."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from bus import LISTENER
from coursebridge.storage.table import from_wire
from local import function_logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import httpx

    from running_stack import RunningStack

SHORTEST_SECRET = 16
LONGEST_MARK = 63
"""What is cut in the middle is still found; divisible by three, for base64."""
PUBLIC = {"client_id", "kid", "renew_at", "verified_at"}
"""What lies beside secrets in Secrets Manager and is none."""


@dataclass
class Answers:
    """Every answer of an HTTP client, headers and all."""

    texts: list[tuple[str, str]] = field(default_factory=list)

    def note(self, response: httpx.Response) -> None:
        """Keep an answer: a response hook of httpx."""
        response.read()
        where = f"{response.request.method} {response.request.url.path} {response.status_code}"
        self.texts.append((where, f"{response.headers} {response.text}"))

    def holding(self, secret: str) -> list[str]:
        """Return which answers hold a secret in whatever spelling."""
        return [where for where, text in self.texts if any(one in text for one in spellings(secret))]


def spellings(secret: str) -> set[str]:
    """Return a secret (the start of a long one) as texts may spell it: as it is, in URLs, forms, JSON and base64."""
    secret = secret[:LONGEST_MARK]
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], encoded}


def found(markers: Mapping[str, str], texts: Iterable[str]) -> set[str]:
    """Return the names of the markers that are in any of the texts."""
    whole = "\n".join(texts)
    return {name for name, marker in markers.items() if any(one in whole for one in spellings(marker))}


@dataclass(frozen=True)
class Places:
    """Where a stack leaves something, each as texts.

    Attributes:
        stack: the stack.
        since: what was logged or run before is somebody else's.
    """

    stack: RunningStack
    since: datetime

    def logs(self) -> Iterator[str]:
        """Yield what functions, the API and the state machines logged, and what else the emulator wrote of them."""
        yield from (line for _, line in function_logs.lines(self.stack.outputs, int(self.since.timestamp() * 1000)))
        yield (Path(self.stack.outputs.logs) / "emulator.log").read_text()

    def table(self) -> Iterator[str]:
        """Yield the items."""
        for page in self.stack.aws.dynamodb.get_paginator("scan").paginate(TableName=self.stack.outputs.table_name):
            yield from (json.dumps(from_wire(item), default=str) for item in page["Items"])

    def bucket(self) -> Iterator[str]:
        """Yield the objects, with their names."""
        s3, bucket = self.stack.aws.s3, self.stack.outputs.bucket_name
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for one in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
                yield f"{one['Key']} {body.decode(errors='replace')}"

    def executions(self) -> Iterator[str]:
        """Yield what went into and came out of every run of the state machines, and of each of its steps."""
        machines = self.stack.aws.stepfunctions
        for arn in self.stack.outputs.state_machine_arns.values():
            pages = machines.get_paginator("list_executions").paginate(stateMachineArn=arn)
            for one in (one for page in pages for one in page["executions"]):
                if one["startDate"] >= self.since:
                    yield json.dumps(machines.describe_execution(executionArn=one["executionArn"]), default=str)
                    history = machines.get_execution_history(executionArn=one["executionArn"], maxResults=1000)
                    yield json.dumps(history["events"], default=str)

    def queues(self) -> Iterator[str]:
        """Yield the messages that wait, dead letters among them, and leave them there; not those tests listen with."""
        urls = self.stack.aws.sqs.list_queues()["QueueUrls"]
        for url in (one for one in urls if LISTENER not in one):
            while messages := self._seen(url):
                yield from (json.dumps(one) for one in messages)

    def schedules(self, integration_id: str) -> Iterator[str]:
        """Yield the schedules of an integration with what they start syncs with."""
        scheduler = self.stack.aws.scheduler
        for one in scheduler.list_schedules(NamePrefix=integration_id)["Schedules"]:
            yield json.dumps(scheduler.get_schedule(GroupName=one["GroupName"], Name=one["Name"]), default=str)

    def environments(self) -> Iterator[str]:
        """Yield the environments of the functions."""
        for name in self.stack.outputs.function_names.values():
            function = self.stack.aws.functions.get_function_configuration(FunctionName=name)
            yield json.dumps(function["Environment"]["Variables"])

    def secrets(self) -> dict[str, str]:
        """Return every secret that lies where secrets belong, by where it lies."""
        client = self.stack.aws.secretsmanager
        names = [one["Name"] for page in client.get_paginator("list_secrets").paginate() for one in page["SecretList"]]
        held = {name: client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT") for name in names}
        return {
            f"{name} {path}": value
            for name, answer in held.items()
            for path, value in _leaves(json.loads(answer["SecretString"]))
            if len(value) >= SHORTEST_SECRET
        }

    def _seen(self, url: str) -> list[Any]:
        found: list[Any] = self.stack.aws.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3
        ).get("Messages", [])
        return found


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts in a JSON value that are secret, each with the way to it."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in PUBLIC:
                yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, f"{path}[]")
    elif isinstance(value, str):
        yield path, value
