"""Redriving dead letters on the running stack with the command of docs/operations.md."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bus import listening, taken_from
from connector import Caller, Connection, eventually
from running_stack import Session
from tools.redrive import Redriver

if TYPE_CHECKING:
    from running_stack import RunningStack


@pytest.fixture
def redriver(stack: RunningStack) -> Redriver:
    return Redriver("coursebridge", Session(stack))


@pytest.fixture
def connection(stack: RunningStack) -> Connection:
    return Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))


def letter_to(redriver: Redriver, stack: RunningStack, queue: str, body: Any, **attributes: str) -> None:
    for url in [redriver.ids[queue]]:
        stack.aws.sqs.purge_queue(QueueUrl=url)
        wire: Any = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        stack.aws.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageAttributes=wire)


def change_of(stack: RunningStack, pk: str) -> dict[str, str]:
    """Return the position in the stream of the last change of an item."""
    streams = boto3.Session("test", "test", region_name=stack.outputs.region).client(
        "dynamodbstreams", endpoint_url=stack.outputs.endpoint_url
    )
    [described] = streams.list_streams(TableName=stack.outputs.table_name)["Streams"]
    arn = described["StreamArn"]
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    at: str | None = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shards[-1]["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = ""
    while at:
        page = streams.get_records(ShardIterator=at)
        for record in page["Records"]:
            if record["dynamodb"]["Keys"]["PK"]["S"] == pk:
                found = record["dynamodb"]["SequenceNumber"]
        at = page.get("NextShardIterator") if page["Records"] else None
    assert found
    return {"stream": arn, "sequence_number": found}


def test_a_record_that_could_not_be_used_is_read_from_the_stream_again(
    redriver: Redriver, stack: RunningStack, connection: Connection
) -> None:
    statement: dict[str, Any] = {"id": str(uuid.uuid4()), "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"}}
    actor = {"mbox": "mailto:redriven@example.com"}
    connection.post({**statement, "actor": actor, "object": {"id": "urn:li:lyndaCourse:1"}})
    assert connection.outcome(statement["id"])[0] == "held"
    place = change_of(stack, f"STATEMENT#{connection.id}#{statement['id']}")
    with listening(stack, connection.id, "StatementHeld") as queue:
        letter_to(redriver, stack, "EventsDeadLetters", {**place, "reason": "the bus refused it", "keys": {}})

        assert redriver.redrive("EventsDeadLetters") == {"redriven": 1}
        events = eventually(lambda: taken_from(stack, queue), bool)

    assert {event["detail"]["data"]["statement"]["id"] for event in events} == {statement["id"]}
    assert redriver.waiting("EventsDeadLetters") == 0


def test_a_letter_whose_record_has_left_the_stream_stays_unless_it_is_discarded(
    redriver: Redriver, stack: RunningStack, connection: Connection
) -> None:
    connection.post({"actor": {"mbox": "mailto:a@example.com"}, "verb": {"id": "a:b"}, "object": {"id": "c:d"}})
    [stream] = {change_of(stack, f"INTEGRATION#{connection.id}")["stream"]}
    letter_to(redriver, stack, "ApplyDeadLetters", {"stream": stream, "sequence_number": "9" * 30, "reason": "old"})

    assert redriver.redrive("ApplyDeadLetters") == {"expired": 1}


def test_a_sync_that_did_not_start_is_started(redriver: Redriver, stack: RunningStack, connection: Connection) -> None:
    connection.connect()
    machine = stack.outputs.state_machine_arns["CatalogStateMachine"]
    body = {"integration_id": connection.id, "mode": "full", "trigger": "schedule"}
    letter_to(redriver, stack, "ScheduleDeadLetters", body, TARGET_ARN=machine)

    assert redriver.redrive("ScheduleDeadLetters") == {"redriven": 1}
    runs = f"/admin/integrations/{connection.id}/runs"
    eventually(lambda: connection.admin.every(runs), lambda found: found and found[0]["status"] == "succeeded")


def test_a_function_that_failed_is_called_again(redriver: Redriver, stack: RunningStack) -> None:
    arn = stack.aws.functions.get_function_configuration(FunctionName=redriver.ids["SweepFunction"])["FunctionArn"]
    letter_to(
        redriver,
        stack,
        "ScheduleDeadLetters",
        {"requestContext": {"functionArn": arn, "condition": "RetriesExhausted"}, "requestPayload": {}},
    )

    assert redriver.redrive("ScheduleDeadLetters") == {"redriven": 1}


def test_an_export_goes_back_to_its_queue(redriver: Redriver, stack: RunningStack) -> None:
    letter_to(redriver, stack, "ExportDeadLetters", {"integration_id": "nobody", "job_id": "none"})

    assert redriver.redrive("ExportDeadLetters") == {"redriven": 1}
    assert redriver.waiting("ExportDeadLetters") == 0


def test_a_letter_nobody_understands_is_left(redriver: Redriver, stack: RunningStack) -> None:
    letter_to(redriver, stack, "ScheduleDeadLetters", {"who": "knows"})

    assert redriver.redrive("ScheduleDeadLetters") == {"left": 1}
