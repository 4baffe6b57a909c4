"""Redrive dead letters: `python -m tools.redrive show`, `python -m tools.redrive run`.

Uses your AWS credentials and region, and `AWS_ENDPOINT_URL` if set (for the embedded stack, which accepts any
credentials but needs some). A letter is deleted only once its work is under way again. Running this twice is harmless,
because it is safe for that work to happen twice.

| queue               | holds                                      | redriven by                                   |
| ------------------- | ------------------------------------------ | --------------------------------------------- |
| ApplyDeadLetters    | stream records that could not be applied   | reading them from the stream again (24 hours) |
| EventsDeadLetters   | stream records that became no event        | the same                                      |
| ScheduleDeadLetters | syncs not started, functions that failed   | starting them again                           |
| ExportDeadLetters   | export jobs                                | moving them back to their queue               |
| WebhookDeadLetters  | events and deliveries to webhooks          | moving them back to their queue               |

After 24 hours, records are gone from the stream. No statement is lost, as the sweep applies statements from the table,
but events are, and subscribers have to read the API again. The letters stay unless `--discard-expired` is given.
A record that still cannot be read becomes a new letter.
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
WAITED_SECONDS = 2
"""How long a request waits for letters. One that does not wait asks only some of SQS's servers, and may find a queue of
a few letters empty."""
RECORDS_AT_ONCE = 25
"""Records per invocation of a reader: even with both images of the largest items, below Lambda's limit of 6 MB."""
EMPTY_PAGES = 50
"""Number of consecutive empty pages after which reading a shard stops, as an open shard never ends."""
NOT_THERE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ValidationException"})
"""Error codes that mean that the record to read from, or its shard, is gone or never existed."""


class Queue(StrEnum):
    """The queues of dead letters, by their logical ids in the template."""

    APPLY = "ApplyDeadLetters"
    EVENTS = "EventsDeadLetters"
    SCHEDULE = "ScheduleDeadLetters"
    EXPORT = "ExportDeadLetters"
    WEBHOOK = "WebhookDeadLetters"


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Stack = Annotated[str, typer.Option(envvar="STACK_NAME", help="Name of the CloudFormation stack.")]

Queues = Annotated[list[Queue] | None, typer.Option(help="Only this queue; repeatable.")]


class Expired(Exception):
    """The records of a letter are no longer in the stream."""


class Stays(Exception):
    """A letter has to stay: its records failed again, or the last of them was not reached."""


@dataclass
class Redriver:
    """Redrives the dead letters of a stack.

    Attributes:
        stack_name: name of the CloudFormation stack.
        session: the session that clients are made from.
        discard_expired: whether to delete letters whose records have left the stream.
    """

    stack_name: str
    session: Any = field(default_factory=boto3.Session)
    discard_expired: bool = False

    @cached_property
    def ids(self) -> dict[str, str]:
        """Physical ids of the stack's resources, by logical id."""
        pages = self._client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack_name)
        found = [one for page in pages for one in page["StackResourceSummaries"]]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    def waiting(self, queue: str) -> int:
        """Return the approximate number of letters in a queue."""
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self.ids[queue], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def redrive(self, queue: str) -> Counter[str]:
        """Redrive the letters now in a queue, and return how many were `redriven`, `expired` or `left`."""
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
        """Yield the letters now in a queue; the visibility timeout keeps a letter from being received twice."""
        left = self.waiting(queue)
        while left > 0:
            answer = self._sqs.receive_message(
                QueueUrl=self.ids[queue],
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=WAITED_SECONDS,
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                return
            left -= len(answer["Messages"])
            yield from answer["Messages"]

    def _again(self, queue: str, letter: dict[str, Any]) -> None:
        """Hand the records of a letter to the reader of the stream once more.

        Raises:
            Expired: the records are no longer in the stream.
            Stays: the reader failed again, or the last record was not reached.
            KeyError: the letter is not of this kind.
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
        """Return the event filters of a reader; if there are none, it takes every record."""
        mappings = self._client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        filters = [one for each in mappings for one in each.get("FilterCriteria", {}).get("Filters", [])]
        return [json.loads(one["Pattern"]) for one in filters]

    def _records(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Read the records of a batch from the stream again.

        Lambda's letters name the shard. This application's letters do not, because functions are not told the shard. As
        the ranges of shards overlap, every shard whose range includes the record is searched.

        Raises:
            Expired: the records are no longer in the stream.
            Stays: the last record was not reached.
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
        """Yield the records of a shard, starting with the one of the sequence number `first`.

        Raises:
            Expired: that record, or the shard, is not there.
            Stays: the shard is open and yields no more records for now.
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
        """Yield the shards whose range of sequence numbers includes this one; the range of an open shard has no end."""
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
        """Start what a schedule could not start, or invoke a failed function again.

        Raises:
            KeyError: the letter is not of this kind.
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
        """Put a message back into the queue that it came from."""
        source = "ExportQueue" if queue == "ExportDeadLetters" else "WebhookDeliveries"
        if source == "WebhookDeliveries" and "detail-type" in json.loads(letter["Body"]):
            source = "WebhookEvents"
        self._sqs.send_message(QueueUrl=self.ids[source], MessageBody=letter["Body"])

    @cached_property
    def _streams(self) -> Any:  # noqa: ANN401
        return self._client("dynamodbstreams")

    @cached_property
    def _sqs(self) -> Any:  # noqa: ANN401  (boto3 makes clients at run time)
        return self._client("sqs")

    def _client(self, service: str) -> Any:  # noqa: ANN401
        return self.session.client(service)


def _through(last: int, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield records up to and including the one with the sequence number `last`.

    Raises:
        Expired: there is no such record.
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
    """Return whether a value matches a Lambda event filter pattern; supports only what the template uses."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(each, value.get(name)) for name, each in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(rule["prefix"]) if isinstance(rule, dict) else value == rule
        for rule in pattern
    )


def _as_lambda_gets_it(record: dict[str, Any], stream: str) -> dict[str, Any]:
    """Return a record in the form in which functions receive it: binary values as base64, its time as a number (0)."""
    change = {**record["dynamodb"], "ApproximateCreationDateTime": 0}
    text = json.dumps(change, default=_base64)
    return {**record, "dynamodb": json.loads(text), "eventSourceARN": stream}


def _base64(value: Any) -> str:  # noqa: ANN401  (any value that JSON cannot represent)
    return base64.b64encode(bytes(value)).decode()


@app.command()
@plainly
def show(stack: Stack = "coursebridge") -> None:
    """Show how many letters each queue holds."""
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
    """Redrive the letters in all queues, or in those given."""
    redriver = Redriver(stack, discard_expired=discard_expired)
    for name in queue or Queue:
        done = redriver.redrive(name)
        Console().print(f"{name}: {', '.join(f'{count} {what}' for what, count in sorted(done.items())) or 'empty'}")


if __name__ == "__main__":
    app()
