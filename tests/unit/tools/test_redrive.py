"""Redriving the dead letters of the stream's readers, from a stream of several shards as AWS has it.

The emulator of the end-to-end tests has one shard, whose pages are never empty.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.redrive import EMPTY_PAGES, RECORDS_AT_ONCE, Redriver

STREAM = "arn:aws:dynamodb:eu-central-1:1:table/coursebridge/stream/1"
OPEN = "more"
"""Stands for the end of an open shard: there is always another page, and it is empty."""


def record(number: int, pk: str = "COURSE#acme") -> dict[str, Any]:
    change = {"Keys": {"PK": {"S": pk}}, "SequenceNumber": str(number), "NewImage": {"raw": {"B": b"\x00"}}}
    return {"eventName": "INSERT", "dynamodb": change}


@dataclass
class Shard:
    """A shard: its pages of sequence numbers, its bounds, and the lowest number that it still holds."""

    pages: list[Any]
    start: int = 0
    end: int | None = None
    trimmed_below: int = 0

    @property
    def bounds(self) -> dict[str, str]:
        end = {} if self.end is None else {"EndingSequenceNumber": str(self.end)}
        return {"StartingSequenceNumber": str(self.start), **end}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetShardIterator")


@dataclass
class Aws:
    """All the clients that the tool asks for, in one, because no two have a method of the same name."""

    shards: dict[str, Shard]
    letter: dict[str, Any]
    filters: list[dict[str, str]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    handed: list[list[str]] = field(default_factory=list)
    deleted: bool = False

    def client(self, _service: str) -> Aws:
        return self

    def get_paginator(self, _operation: str) -> Aws:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        names = ("ApplyDeadLetters", "ApplyFunction", "EventsDeadLetters", "EventsFunction")
        return [{"StackResourceSummaries": [{"LogicalResourceId": one, "PhysicalResourceId": one} for one in names]}]

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": "1"}}

    def receive_message(self, WaitTimeSeconds: int = 0, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Without waiting, SQS asks only some of its servers: here, those that do not have the letter."""
        return {"Messages": [{"Body": json.dumps(self.letter), "ReceiptHandle": "it"}]} if WaitTimeSeconds else {}

    def delete_message(self, **_: Any) -> None:
        self.deleted = True

    def list_event_source_mappings(self, **_: Any) -> dict[str, Any]:
        return {"EventSourceMappings": [{"FilterCriteria": {"Filters": self.filters}} if self.filters else {}]}

    def describe_stream(self, ExclusiveStartShardId: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        names = list(self.shards)
        place = names.index(ExclusiveStartShardId) + 1 if ExclusiveStartShardId else 0
        name = names[place]
        told = {"Shards": [{"ShardId": name, "SequenceNumberRange": self.shards[name].bounds}]}
        more = {"LastEvaluatedShardId": name} if place + 1 < len(names) else {}
        return {"StreamDescription": {**told, **more}}

    def get_shard_iterator(self, ShardId: str, SequenceNumber: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if ShardId not in self.shards:
            raise refusal("ResourceNotFoundException")
        if int(SequenceNumber) < self.shards[ShardId].trimmed_below:
            raise refusal("TrimmedDataAccessException")
        return {"ShardIterator": f"{ShardId} 0 {SequenceNumber}"}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        name, place, first = ShardIterator.split()
        pages = self.shards[name].pages
        if pages[int(place)] == OPEN:
            return {"Records": [], "NextShardIterator": ShardIterator}
        found = [record(number) for number in pages[int(place)] if number >= int(first)]
        following = int(place) + 1
        more = {"NextShardIterator": f"{name} {following} {first}"} if following < len(pages) else {}
        return {"Records": found, **more}

    def invoke(self, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        records = json.loads(Payload)["Records"]
        assert {one["eventSourceARN"] for one in records} == {STREAM}
        self.handed.append([one["dynamodb"]["SequenceNumber"] for one in records])
        return {"Payload": io.BytesIO(json.dumps(self.answers.pop(0) if self.answers else None).encode())}


def lambdas(first: int, last: int, shard: str = "b") -> dict[str, Any]:
    """Return a dead letter of Lambda's, for a batch that failed for good."""
    bounds = {"startSequenceNumber": str(first), "endSequenceNumber": str(last)}
    return {"DDBStreamBatchInfo": {"shardId": shard, "streamArn": STREAM, **bounds}}


def own(number: int) -> dict[str, Any]:
    """Return a dead letter of this application's, for one record that it set aside."""
    return {"stream": STREAM, "sequence_number": str(number), "reason": "it cannot be read"}


@pytest.mark.parametrize(
    ("letter", "shards", "outcome", "handed"),
    [
        pytest.param(
            lambdas(3, 5),
            {"a": Shard([[1, 3, 4], OPEN]), "b": Shard([[2, 3, 5], OPEN])},
            "redriven",
            ["3", "5"],
            id="Lambda's letter names the shard",
        ),
        pytest.param(
            lambdas(1, 5),
            {"b": Shard([[1], [], [2, 3], [], [], [5, 6], OPEN])},
            "redriven",
            ["1", "2", "3", "5"],
            id="a batch is read page after page, past empty ones",
        ),
        pytest.param(lambdas(1, 5), {"b": Shard([[1, 2], OPEN])}, "left", [], id="the last record was not reached"),
        pytest.param(lambdas(1, 5), {"b": Shard([[1, 2], []])}, "expired", [], id="a closed shard lacks the last one"),
        pytest.param(lambdas(1, 5), {"b": Shard([[5]], trimmed_below=5)}, "expired", [], id="the stream was trimmed"),
        pytest.param(lambdas(1, 5, "z"), {"b": Shard([[1, 5]])}, "expired", [], id="the shard is gone"),
        pytest.param(
            own(3),
            {"a": Shard([[1, 2, 4], OPEN]), "b": Shard([[2, 3, 5], OPEN])},
            "redriven",
            ["3"],
            id="ranges of shards overlap: the one with the record is looked for",
        ),
        pytest.param(
            own(3),
            {"a": Shard([[1], []], end=2), "b": Shard([OPEN]), "c": Shard([[3]])},
            "redriven",
            ["3"],
            id="an open shard without the record does not hide it",
        ),
        pytest.param(own(3), {"a": Shard([OPEN]), "b": Shard([[4]])}, "left", [], id="nobody knows where it is"),
        pytest.param(own(3), {"a": Shard([[4]], start=4), "b": Shard([[4]])}, "expired", [], id="it is nowhere"),
        pytest.param({"what": "is this"}, {"b": Shard([[1]])}, "left", [], id="a letter of another kind"),
        pytest.param(lambdas(1, 5) | {"DDBStreamBatchInfo": {"streamArn": STREAM}}, {}, "left", [], id="half a letter"),
    ],
)
def test_a_letter_goes_when_all_it_stands_for_was_read_from_the_stream(
    letter: dict[str, Any], shards: dict[str, Shard], outcome: str, handed: list[str]
) -> None:
    aws = Aws(shards, letter)

    assert Redriver("coursebridge", aws).redrive("EventsDeadLetters") == {outcome: 1}
    assert [number for numbers in aws.handed for number in numbers] == handed
    assert aws.deleted is (outcome == "redriven")


def test_a_shard_is_followed_past_as_many_empty_pages_as_are_usual() -> None:
    aws = Aws({"b": Shard([*([[]] * (EMPTY_PAGES - 1)), [1], OPEN])}, lambdas(1, 1))

    assert Redriver("coursebridge", aws).redrive("EventsDeadLetters") == {"redriven": 1}


def test_a_long_batch_is_handed_over_in_parts_and_stays_if_one_fails() -> None:
    numbers = list(range(1, 2 * RECORDS_AT_ONCE + 2))
    failed = {"batchItemFailures": [{"itemIdentifier": "30"}]}
    aws = Aws({"b": Shard([numbers])}, lambdas(1, numbers[-1]), answers=[None, failed])

    assert Redriver("coursebridge", aws).redrive("ApplyDeadLetters") == {"left": 1}
    assert [len(part) for part in aws.handed] == [RECORDS_AT_ONCE, RECORDS_AT_ONCE]

    assert Redriver("coursebridge", aws).redrive("ApplyDeadLetters") == {"redriven": 1}
    assert [len(part) for part in aws.handed[2:]] == [RECORDS_AT_ONCE, RECORDS_AT_ONCE, 1]


def test_a_batch_of_which_the_reader_takes_nothing_any_more_is_done() -> None:
    pattern = json.dumps({"eventName": ["MODIFY"]})
    aws = Aws({"b": Shard([[1]])}, lambdas(1, 1), filters=[{"Pattern": pattern}])

    assert Redriver("coursebridge", aws).redrive("ApplyDeadLetters") == {"redriven": 1}
    assert aws.handed == []


def test_what_aws_refuses_for_another_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws({"b": Shard([[1]])}, lambdas(1, 1))

    def refused(**_: Any) -> Any:
        raise refusal("AccessDeniedException")

    monkeypatch.setattr(aws, "get_shard_iterator", refused)

    with pytest.raises(ClientError):
        Redriver("coursebridge", aws).redrive("ApplyDeadLetters")
