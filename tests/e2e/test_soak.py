"""Everything at once while things break: nothing acknowledged is lost, and all records are right in the end.

`COURSEBRIDGE_SOAK_SECONDS` is how long the faults go on (default 180).
`COURSEBRIDGE_SOAK_SEED` repeats what an earlier soak sent and broke; each soak prints its seed.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

import changed
import faulty_dynamodb
from bus import listening, taken_from
from connector import Caller, Connection, eventually
from running_stack import Session
from soak import FAULTS, LEARNERS, Soak
from syncing import changed_counts
from tools.redrive import Redriver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_stack import RunningStack

SECONDS = float(os.environ.get("COURSEBRIDGE_SOAK_SECONDS", "180"))
SEED = int(os.environ.get("COURSEBRIDGE_SOAK_SEED", "0")) or random.SystemRandom().getrandbits(32)
SENDERS = 4
PATIENCE_SECONDS = 240
THROTTLED = ("ApplyFunction", "StatementsFunction", "SweepFunction", "CatalogSyncFunction", "AdminFunction")
POISONED = ("ApplyDeadLetters", "EventsDeadLetters")
REDRIVEN = ("ScheduleDeadLetters", "ExportDeadLetters", "WebhookDeadLetters")
# Both can be short: the emulator's stream gives up at once, and a killed worker's messages return to their queue.
LOST_AFTER_SECONDS, HIDDEN_SECONDS = 10, 5


@pytest.fixture
def connection(stack: RunningStack) -> Connection:
    connection = Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))
    connection.connect()
    assert connection.sync()["status"] == "succeeded"
    return connection


@pytest.fixture
def queues(stack: RunningStack) -> Iterator[dict[str, str]]:
    """The template's queues, emptied, with a short visibility timeout."""
    pages = stack.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName="coursebridge")
    found = {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceType"] == "AWS::SQS::Queue"
    }
    with ExitStack() as changes:
        for url in found.values():
            stack.aws.sqs.purge_queue(QueueUrl=url)
            changes.enter_context(changed.queue(stack.aws, url, VisibilityTimeout=str(HIDDEN_SECONDS)))
        yield found


@pytest.fixture
def soak(stack: RunningStack, connection: Connection) -> Iterator[Soak]:
    """A soak that has not started; the functions of `THROTTLED` reach the table through its proxy."""
    print(f"\nCOURSEBRIDGE_SOAK_SEED={SEED}")  # noqa: T201  (needed to repeat a failure)
    urns = [course["urn"] for course in connection.courses(status="active")[:25]]
    names = [stack.outputs.function_names[name] for name in THROTTLED]
    sweep = stack.outputs.function_names["SweepFunction"]
    with (
        faulty_dynamodb.before(stack.aws, stack.outputs.endpoint_url, names, random.Random(SEED)) as proxy,
        changed.environment(stack.aws, sweep, SWEEP_LOST_AFTER_SECONDS=str(LOST_AFTER_SECONDS)),
    ):
        soak = Soak(stack, connection, proxy, urns, SEED)
        yield soak
        for key in soak.poison:
            wire: Any = {name: {"S": value} for name, value in key.items()}
            stack.aws.dynamodb.delete_item(TableName=stack.outputs.table_name, Key=wire)


def outcomes(soak: Soak, ids: list[str]) -> dict[str, str]:
    """Return the outcomes of those of the statements that are in the table, by id."""
    table, found = soak.stack.outputs.table_name, {}
    for at in range(0, len(ids), 100):
        keys = [
            {"PK": {"S": f"STATEMENT#{soak.connection.id}#{one}"}, "SK": {"S": "STATEMENT"}}
            for one in ids[at : at + 100]
        ]
        answer = soak.stack.aws.dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})
        for item in answer["Responses"][table]:
            found[item["statement_id"]["S"]] = item["outcome"]["S"]
    return found


def judged(soak: Soak) -> dict[str, str]:
    """Wait until every acknowledged statement is judged, and return the outcomes; a lost statement has none."""
    final: dict[str, str] = {}

    def unjudged() -> list[str]:
        soak.sweep()
        time.sleep(1)
        left = [one for one in soak.told.statements if final.get(one, "received") == "received"]
        final.update(outcomes(soak, left))
        return [one for one in left if final.get(one) == "received"]

    eventually(unjudged, lambda left: not left, PATIENCE_SECONDS)
    # A later statement may have changed the outcome of an earlier one.
    return outcomes(soak, list(soak.told.statements))


def kept(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    """Return every attempt with the email of its learner."""
    emails = [f"soak-{number}@example.com" for number in range(LEARNERS)]
    return [(email, attempt) for email in emails for attempt in connection.attempts(email)]


def told_of(events: list[Any]) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the ids of the attempts that events reported as started, and (id, time) of those reported as completed."""
    attempts = [(one["detail-type"], one["detail"]["data"]["attempt"]) for one in events]
    return (
        {attempt["id"] for type_, attempt in attempts if type_ == "AttemptStarted"},
        {(attempt["id"], attempt["completed_at"]) for type_, attempt in attempts if type_ == "AttemptCompleted"},
    )


def told_in_events(stack: RunningStack, queue: str, attempts: list[dict[str, Any]]) -> list[Any]:
    """Wait until events have reported the start and completion of every attempt; return the events."""
    seen: list[Any] = []

    def untold() -> list[Any]:
        seen.extend(taken_from(stack, queue))
        started, completed = told_of(seen)
        return [
            one
            for one in attempts
            if one["id"] not in started or (one["completed_at"] and (one["id"], one["completed_at"]) not in completed)
        ]

    eventually(untold, lambda left: not left, PATIENCE_SECONDS)
    return seen


def set_aside(stack: RunningStack, queues: dict[str, str], poison: set[str]) -> set[str]:
    """Wait until all poison is among the dead letters; return the partition keys of the dead letters."""
    found: set[str] = set()

    def missing() -> set[str]:
        for name in POISONED:
            found.update(body["keys"]["PK"] for body in taken_from(stack, queues[name]))
        return poison - found

    eventually(missing, lambda left: not left, PATIENCE_SECONDS)
    return found


def drained(stack: RunningStack, queues: dict[str, str]) -> Counter[str]:
    """Wait until no queue has visible, delayed or in-flight messages; return the results of redriving them."""
    redriver, redriven = Redriver("coursebridge", Session(stack)), Counter[str]()

    def left() -> dict[str, dict[str, str]]:
        for name in REDRIVEN:
            redriven.update(redriver.redrive(name))
        every: Any = ["ApproximateNumberOfMessages" + which for which in ("", "NotVisible", "Delayed")]
        ask = stack.aws.sqs.get_queue_attributes
        found: Any = {name: ask(QueueUrl=url, AttributeNames=every)["Attributes"] for name, url in queues.items()}
        return {name: counts for name, counts in found.items() if any(int(count) for count in counts.values())}

    eventually(left, lambda found: not found, PATIENCE_SECONDS)
    return redriven


def test_nothing_acknowledged_is_lost_and_every_attempt_is_right_whatever_breaks(
    stack: RunningStack, connection: Connection, queues: dict[str, str], soak: Soak
) -> None:
    seconds: dict[str, int] = {}
    began = time.monotonic()

    def ended(phase: str) -> None:
        seconds[phase] = round(time.monotonic() - began) - sum(seconds.values())

    with listening(stack, connection.id, "AttemptStarted", "AttemptCompleted") as listener:
        with soak.going_on(SENDERS):
            time.sleep(SECONDS)
            eventually(lambda: FAULTS - soak.faults.keys(), lambda spared: not spared)
        ended("faults")
        final = judged(soak)
        ended("judging")
        found = kept(connection)
        ended("reading")
        events = told_in_events(stack, listener, [attempt for _, attempt in found])
        ended("events")
    poison = {key["PK"] for key in soak.poison}
    letters = set_aside(stack, queues, poison)
    redriven = drained(stack, queues)
    ended("queues")
    # The first run may be one that was in progress while LinkedIn was down.
    eventually(lambda: connection.sync()["status"], lambda status: status == "succeeded")
    ended("sync")

    told, seen = soak.told, told_of(events)
    lost = [one for one in told.statements if one not in final]
    misjudged = {
        one: (outcome, final.get(one)) for one, outcome in told.outcomes().items() if final.get(one) != outcome
    }
    expected, completing = told.attempts(), told.completing()
    records = {(email, one["course_urn"]): (one["progress"], one["completed_at"]) for email, one in found}
    completed_by = {
        (email, one["course_urn"]): one["completion_statement_id"] for email, one in found if one["completed_at"]
    }
    runs = connection.admin.every(f"/admin/integrations/{connection.id}/runs", limit=1000)
    wrong = {key: (right, records.get(key)) for key, right in expected.items() if records.get(key) != right}
    print(  # noqa: T201  (the figures are the result of a soak)
        f"\nsoak of {SECONDS:.0f} s: {len(told.statements)} statements acknowledged, lost {len(lost)}, "
        f"misjudged {len(misjudged)}; records {len(expected)}, wrong {len(wrong)}; events {len(events)}; "
        f"runs {dict(Counter(run['status'] for run in runs))}; set aside {len(letters)}, redriven {dict(redriven)}"
        f"\nfaults: {dict(soak.faults)}, DynamoDB calls refused: {soak.proxy.refused} of "
        f"{soak.proxy.refused + soak.proxy.passed}"
        f"\nanswers: {dict(sorted(told.requests.items()))}"
        f"\nseconds: {seconds}"
    )

    assert lost == []
    assert misjudged == {}
    assert wrong == {}
    assert len(found) == len(records) == len(expected) > 0
    assert completed_by == completing
    # No event reports an attempt that does not exist.
    assert seen[0] == {attempt["id"] for _, attempt in found}
    assert told.requests["statements: 200"] == told.acknowledgements > SENDERS
    assert soak.faults.keys() == FAULTS
    assert soak.faults["poison in the stream"] == len(poison)
    assert soak.proxy.refused > 0
    # Every run has ended, and each accounts for everything it read.
    assert {run["status"] for run in runs} <= {"succeeded", "failed"}
    for run in runs:
        changed_counts(run)
    assert letters == poison
    assert redriven.keys() <= {"redriven"}
