"""Search everything a running stack stored, sent, logged and answered for planted markers."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from bus import LISTENER
from coursebridge.storage.attribute_values import from_wire
from local import function_logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import httpx

    from running_stack import RunningStack

SHORTEST_SECRET = 16
LONGEST_MARK = 63
"""Only the start of a long secret is searched, so that a truncated one is found; divisible by three, for base64."""
PUBLIC = {"client_id", "kid", "renew_at", "verified_at"}
"""Values stored next to secrets in Secrets Manager that are not secret."""


@dataclass
class Answers:
    """Every answer that an HTTP client received, including headers."""

    texts: list[tuple[str, str]] = field(default_factory=list)

    def note(self, response: httpx.Response) -> None:
        """Keep an answer; an httpx response hook."""
        response.read()
        where = f"{response.request.method} {response.request.url.path} {response.status_code}"
        self.texts.append((where, f"{response.headers} {response.text}"))

    def holding(self, secret: str) -> list[str]:
        """Return which answers contain a secret in any spelling."""
        return [where for where, text in self.texts if any(one in text for one in spellings(secret))]


def spellings(secret: str) -> set[str]:
    """Return the spellings of a secret, or of the start of a long one: plain, in URLs, forms, JSON and base64."""
    secret = secret[:LONGEST_MARK]
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], encoded}


def found(markers: Mapping[str, str], texts: Iterable[str]) -> set[str]:
    """Return the names of the markers that any of the texts contains."""
    whole = "\n".join(texts)
    return {name for name, marker in markers.items() if any(one in whole for one in spellings(marker))}


@dataclass(frozen=True)
class Places:
    """The places where a stack leaves data, each as texts.

    Attributes:
        stack: The stack.
        since: Logs and executions before this time are ignored.
    """

    stack: RunningStack
    since: datetime

    def logs(self) -> Iterator[str]:
        """Yield the logs of the functions, the API and the state machines, and the emulator's own log."""
        yield from (line for _, line in function_logs.lines(self.stack.outputs, int(self.since.timestamp() * 1000)))
        yield (Path(self.stack.outputs.logs) / "emulator.log").read_text()

    def table(self) -> Iterator[str]:
        """Yield the items of the table."""
        for page in self.stack.aws.dynamodb.get_paginator("scan").paginate(TableName=self.stack.outputs.table_name):
            yield from (json.dumps(from_wire(item), default=str) for item in page["Items"])

    def bucket(self) -> Iterator[str]:
        """Yield the objects of the bucket, with their keys."""
        s3, bucket = self.stack.aws.s3, self.stack.outputs.bucket_name
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for one in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
                yield f"{one['Key']} {body.decode(errors='replace')}"

    def executions(self) -> Iterator[str]:
        """Yield the input and output of every state machine execution and of its steps."""
        machines = self.stack.aws.stepfunctions
        for arn in self.stack.outputs.state_machine_arns.values():
            pages = machines.get_paginator("list_executions").paginate(stateMachineArn=arn)
            for one in (one for page in pages for one in page["executions"]):
                if one["startDate"] >= self.since:
                    yield json.dumps(machines.describe_execution(executionArn=one["executionArn"]), default=str)
                    history = machines.get_execution_history(executionArn=one["executionArn"], maxResults=1000)
                    yield json.dumps(history["events"], default=str)

    def queues(self) -> Iterator[str]:
        """Yield the messages in all queues, including dead letters, without deleting them; skip the queues of tests."""
        urls = self.stack.aws.sqs.list_queues()["QueueUrls"]
        for url in (one for one in urls if LISTENER not in one):
            while messages := self._seen(url):
                yield from (json.dumps(one) for one in messages)

    def schedules(self, integration_id: str) -> Iterator[str]:
        """Yield the schedules of an integration, including their input."""
        scheduler = self.stack.aws.scheduler
        for one in scheduler.list_schedules(NamePrefix=integration_id)["Schedules"]:
            yield json.dumps(scheduler.get_schedule(GroupName=one["GroupName"], Name=one["Name"]), default=str)

    def environments(self) -> Iterator[str]:
        """Yield the environment variables of the functions."""
        for name in self.stack.outputs.function_names.values():
            function = self.stack.aws.functions.get_function_configuration(FunctionName=name)
            yield json.dumps(function["Environment"]["Variables"])

    def secrets(self) -> dict[str, str]:
        """Return every value in Secrets Manager that is secret, by its location."""
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
    """Yield the path and text of every string in a JSON value that is secret."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in PUBLIC:
                yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, f"{path}[]")
    elif isinstance(value, str):
        yield path, value
