"""Work off dead letters: `python -m tools.redrive show`, `python -m tools.redrive run`.

Uses your AWS credentials and region (and `AWS_ENDPOINT_URL`, which the embedded stack listens on). A letter is deleted
only when what it stands for is under way again; running it twice is harmless, because everything here may happen twice.

| queue               | holds                                      | redriven by                                   |
| ------------------- | ------------------------------------------ | --------------------------------------------- |
| ApplyDeadLetters    | stream records that could not be applied   | reading them from the stream again (24 hours) |
| EventsDeadLetters   | stream records that made no event          | the same                                      |
| ScheduleDeadLetters | syncs that did not start, runs that failed | starting them again                           |
| ExportDeadLetters   | export jobs                                | moving them back to their queue               |
| WebhookDeadLetters  | events and deliveries to webhooks          | moving them back to their queue               |

A stream record older than 24 hours is gone from the stream. Statements are not lost with it: the sweep brings them home
from the table. Events are: subscribers read the API again. The letter then stays, unless `--discard-expired` is given.
A record that still cannot be read is set aside once more, as a new letter.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from botocore.exceptions import ClientError
from rich.console import Console

from tools.terminal import plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READERS = {"ApplyDeadLetters": "ApplyFunction", "EventsDeadLetters": "EventsFunction"}
HIDDEN_SECONDS = 120
RECORDS_AT_ONCE = 25
"""What a reader is handed in one invocation: with both images of the largest items below the 6 MB Lambda takes."""
EMPTY_PAGES = 50
"""So many pages of a stream without a record are followed one after another, as a shard that is open never ends."""
NOT_THERE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ValidationException"})
"""What reading a shard from a record on says when the record, or the shard, is gone or never was there."""


class Queue(StrEnum):
    """A queue of dead letters, by its logical id in the template."""

    APPLY = "ApplyDeadLetters"
    EVENTS = "EventsDeadLetters"
    SCHEDULE = "ScheduleDeadLetters"
    EXPORT = "ExportDeadLetters"
    WEBHOOK = "WebhookDeadLetters"


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Stack = Annotated[str, typer.Option(envvar="STACK_NAME", help="Name of the CloudFormation stack.")]

Queues = Annotated[list[Queue] | None, typer.Option(help="Only this queue; repeatable.")]


class Expired(Exception):
    """What a letter stands for is no longer in the stream."""


class Stays(Exception):
    """A letter is of a kind nobody knows, or what it stands for has failed again, or was not read to its end."""


@dataclass
class Redriver:
    """Redrives the dead letters of a stack.

    Attributes:
        stack_name: the CloudFormation stack.
        session: where the credentials and the region come from.
        discard_expired: whether letters whose records have left the stream are deleted.
    """

    stack_name: str
    session: Any = field(default_factory=boto3.Session)
    discard_expired: bool = False

    @cached_property
    def ids(self) -> dict[str, str]:
        """Physical ids by logical ids of everything in the stack."""
        pages = self._client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack_name)
        found = [one for page in pages for one in page["StackResourceSummaries"]]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    def waiting(self, queue: str) -> int:
        """Return how many letters are in a queue."""
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self.ids[queue], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def redrive(self, queue: str) -> Counter[str]:
        """Redrive what is in a queue now; return how many letters were `redriven`, `expired` or `left`."""
        done: Counter[str] = Counter()
        for letter in self._letters(queue):
            what = self._result(queue, letter)
            done[what] += 1
            if what == "redriven" or (what == "expired" and self.discard_expired):
                self._sqs.delete_message(QueueUrl=self.ids[queue], ReceiptHandle=letter["ReceiptHandle"])
        return done

    def _result(self, queue: str, letter: dict[str, Any]) -> str:
        ways: dict[str, Callable[[str, dict[str, Any]], None]] = {
            "ApplyDeadLetters": self._again,
            "EventsDeadLetters": self._again,
            "ScheduleDeadLetters": self._start,
        }
        try:
            ways.get(queue, self._move_back)(queue, letter)
        except Expired:
            return "expired"
        except (Stays, KeyError, ValueError):
            return "left"
        return "redriven"

    def _letters(self, queue: str) -> Iterator[dict[str, Any]]:
        """Yield the letters that are there now, each once: what is looked at is hidden from the next look."""
        left = self.waiting(queue)
        while left > 0:
            answer = self._sqs.receive_message(
                QueueUrl=self.ids[queue],
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                return
            left -= len(answer["Messages"])
            yield from answer["Messages"]

    def _again(self, queue: str, letter: dict[str, Any]) -> None:
        """Hand the records a letter stands for to the reader of the stream once more.

        Raises:
            Expired: they are no longer in the stream.
            Stays: the reader fails again, or the last of them was not reached.
            KeyError: it is no letter of this kind.
        """
        body = json.loads(letter["Body"])
        batch = body.get("DDBStreamBatchInfo") or {
            "streamArn": body["stream"],
            "startSequenceNumber": body["sequence_number"],
            "endSequenceNumber": body["sequence_number"],
        }
        function = self.ids[READERS[queue]]
        patterns = self._patterns(function)
        handed = [_as_lambda_gets_it(record, batch["streamArn"]) for record in self._records(batch)]
        wanted = [one for one in handed if not patterns or any(matches(pattern, one) for pattern in patterns)]
        for start in range(0, len(wanted), RECORDS_AT_ONCE):
            self._hand_over(function, wanted[start : start + RECORDS_AT_ONCE])

    def _hand_over(self, function: str, records: list[dict[str, Any]]) -> None:
        payload = json.dumps({"Records": records}).encode()
        answer = self._client("lambda").invoke(FunctionName=function, Payload=payload)
        said = json.loads(answer["Payload"].read()) or {}
        if "FunctionError" in answer or said.get("batchItemFailures"):
            raise Stays

    def _patterns(self, function: str) -> list[Any]:
        """Return what a reader takes from the stream; nothing stands for everything."""
        mappings = self._client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        filters = [one for each in mappings for one in each.get("FilterCriteria", {}).get("Filters", [])]
        return [json.loads(one["Pattern"]) for one in filters]

    def _records(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Read the records of a batch from the stream again.

        Lambda's letters name the shard. Those of this application do not, as functions are not told it: each shard
        whose range the one record falls into is looked at, for ranges overlap.

        Raises:
            Expired: they are no longer in the stream.
            Stays: the last of them was not reached.
        """
        stream, first, last = batch["streamArn"], batch["startSequenceNumber"], int(batch["endSequenceNumber"])
        unsure = False
        for shard in [batch["shardId"]] if "shardId" in batch else self._shards_around(stream, int(first)):
            try:
                return list(_through(last, self._from(stream, shard, first)))
            except Expired:
                continue
            except Stays:
                unsure = True
        raise Stays if unsure else Expired

    def _from(self, stream: str, shard: str, first: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a shard from one on, page after page.

        Raises:
            Expired: that one is not there.
            Stays: no more come for now.
        """
        at = {"StreamArn": stream, "ShardId": shard, "SequenceNumber": first}
        try:
            iterator = self._streams.get_shard_iterator(ShardIteratorType="AT_SEQUENCE_NUMBER", **at)["ShardIterator"]
            empty = 0
            while iterator and empty < EMPTY_PAGES:
                page = self._streams.get_records(ShardIterator=iterator)
                yield from page["Records"]
                iterator, empty = page.get("NextShardIterator"), 0 if page["Records"] else empty + 1
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_THERE:
                raise Expired from error
            raise
        if iterator:
            raise Stays

    def _shards_around(self, stream: str, number: int) -> Iterator[str]:
        """Yield the shards whose range of sequence numbers one falls into; that of an open one has no end."""
        for shard in self._shards(stream):
            bounds = shard["SequenceNumberRange"]
            if (
                int(bounds.get("StartingSequenceNumber", 0))
                <= number
                <= int(bounds.get("EndingSequenceNumber", number))
            ):
                yield shard["ShardId"]

    def _shards(self, stream: str) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            described = self._streams.describe_stream(StreamArn=stream, **after)["StreamDescription"]
            yield from described["Shards"]
            if "LastEvaluatedShardId" not in described:
                return
            after = {"ExclusiveStartShardId": described["LastEvaluatedShardId"]}

    def _start(self, _queue: str, letter: dict[str, Any]) -> None:
        """Start what a schedule could not start, or what failed after it was started.

        Raises:
            KeyError: it is no letter of this kind.
        """
        body = json.loads(letter["Body"])
        if "requestContext" in body:
            function = body["requestContext"]["functionArn"]
            payload = json.dumps(body["requestPayload"]).encode()
            self._client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)
            return
        target = letter["MessageAttributes"]["TARGET_ARN"]["StringValue"]
        if ":lambda:" in target:
            self._client("lambda").invoke(FunctionName=target, InvocationType="Event", Payload=letter["Body"].encode())
        else:
            self._client("stepfunctions").start_execution(stateMachineArn=target, input=letter["Body"])

    def _move_back(self, queue: str, letter: dict[str, Any]) -> None:
        """Put a message into the queue it came from."""
        source = "ExportQueue" if queue == "ExportDeadLetters" else "WebhookDeliveries"
        if source == "WebhookDeliveries" and "detail-type" in json.loads(letter["Body"]):
            source = "WebhookEvents"
        self._sqs.send_message(QueueUrl=self.ids[source], MessageBody=letter["Body"])

    @cached_property
    def _streams(self) -> Any:  # noqa: ANN401
        return self._client("dynamodbstreams")

    @cached_property
    def _sqs(self) -> Any:  # noqa: ANN401  (a client of a service chosen at run time)
        return self._client("sqs")

    def _client(self, service: str) -> Any:  # noqa: ANN401
        return self.session.client(service)


def _through(last: int, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield records up to the one of this sequence number.

    Raises:
        Expired: it is not among them.
    """
    for record in records:
        number = int(record["dynamodb"]["SequenceNumber"])
        if number > last:
            break
        yield record
        if number == last:
            return
    raise Expired


def matches(pattern: Any, value: Any) -> bool:  # noqa: ANN401  (JSON)
    """Tell whether a value fits a pattern of Lambda's event filtering, as far as this template uses it."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(each, value.get(name)) for name, each in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(rule["prefix"]) if isinstance(rule, dict) else value == rule
        for rule in pattern
    )


def _as_lambda_gets_it(record: dict[str, Any], stream: str) -> dict[str, Any]:
    """Return a record in the form in which Lambda hands it to functions: binaries as base64, times as numbers."""
    change = {**record["dynamodb"], "ApproximateCreationDateTime": 0}
    text = json.dumps(change, default=_base64)
    return {**record, "dynamodb": json.loads(text), "eventSourceARN": stream}


def _base64(value: Any) -> str:  # noqa: ANN401  (whatever JSON has no form for)
    return base64.b64encode(bytes(value)).decode()


@app.command()
@plainly
def show(stack: Stack = "coursebridge") -> None:
    """Say how many letters wait in each queue."""
    redriver = Redriver(stack)
    for queue in Queue:
        Console().print(f"{queue}: {redriver.waiting(queue)}")


@app.command()
@plainly
def run(
    stack: Stack = "coursebridge",
    queue: Queues = None,
    *,
    discard_expired: Annotated[bool, typer.Option(help="Delete letters whose records have left the stream.")] = False,
) -> None:
    """Redrive what waits."""
    redriver = Redriver(stack, discard_expired=discard_expired)
    for name in queue or Queue:
        done = redriver.redrive(name)
        Console().print(f"{name}: {', '.join(f'{count} {what}' for what, count in sorted(done.items())) or 'empty'}")


if __name__ == "__main__":
    app()
