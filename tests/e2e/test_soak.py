"""Everything at once while things break: nothing that was acknowledged is lost, nothing is wrong in the end.

`COURSEBRIDGE_SOAK_SECONDS` is how long the faults go on: a minute unless it says otherwise.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

import faulty_dynamodb
from bus import listening, taken_from
from connector import Caller, Connection, eventually
from soak import LEARNERS, Soak

if TYPE_CHECKING:
    from running_stack import RunningStack

SECONDS = float(os.environ.get("COURSEBRIDGE_SOAK_SECONDS", "60"))
SENDERS = 4
DRAINING_SECONDS = 240
THROTTLED = ("ApplyFunction", "StatementsFunction", "SweepFunction", "CatalogSyncFunction", "AdminFunction")
DEAD_LETTERS = ("ApplyDeadLetters", "EventsDeadLetters")


@pytest.fixture
def connection(stack: RunningStack) -> Connection:
    connection = Connection(Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret))
    connection.connect()
    assert connection.sync()["status"] == "succeeded"
    return connection


def dead_letters(stack: RunningStack) -> dict[str, str]:
    """Return the URLs of the dead-letter queues of the stream's readers."""
    pages = stack.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName="coursebridge")
    found = {
        one["LogicalResourceId"]: one["PhysicalResourceId"] for page in pages for one in page["StackResourceSummaries"]
    }
    return {name: found[name] for name in DEAD_LETTERS}


def outcomes(stack: RunningStack, soak: Soak) -> dict[str, str]:
    """Return the outcome of every statement of the soak that is in the table, by its id."""
    ids, found = list(soak.told.statements), {}
    for at in range(0, len(ids), 100):
        keys = [
            {"PK": {"S": f"STATEMENT#{soak.connection.id}#{one}"}, "SK": {"S": "STATEMENT"}}
            for one in ids[at : at + 100]
        ]
        answer = stack.aws.dynamodb.batch_get_item(RequestItems={stack.outputs.table_name: {"Keys": keys}})
        for item in answer["Responses"][stack.outputs.table_name]:
            found[item["statement_id"]["S"]] = item["outcome"]["S"]
    return found


def sweep(stack: RunningStack) -> None:
    """Sweep now, instead of waiting for the next time its schedule does."""
    stack.aws.functions.invoke(FunctionName=stack.outputs.function_names["SweepFunction"], Payload=b"{}")


def records(connection: Connection) -> dict[tuple[str, str], tuple[int, str | None]]:
    """Return what every record says, by email and course; more than one attempt is a mistake here."""
    found: dict[tuple[str, str], tuple[int, str | None]] = {}
    for number in range(LEARNERS):
        email = f"soak-{number}@example.com"
        for attempt in connection.attempts(email):
            assert (email, attempt["course_urn"]) not in found
            found[email, attempt["course_urn"]] = (attempt["progress"], attempt["completed_at"])
    return found


def told_of(events: list[Any]) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the attempts that were said to be started, and those said to be completed with the time."""
    attempts = [(one["detail-type"], one["detail"]["data"]["attempt"]) for one in events]
    return (
        {attempt["id"] for type_, attempt in attempts if type_ == "AttemptStarted"},
        {(attempt["id"], attempt["completed_at"]) for type_, attempt in attempts if type_ == "AttemptCompleted"},
    )


def test_nothing_acknowledged_is_lost_and_every_attempt_is_right_whatever_breaks(
    stack: RunningStack, connection: Connection
) -> None:
    urns = [course["urn"] for course in connection.courses(status="active")[:25]]
    letters = dead_letters(stack)
    for url in letters.values():
        taken_from(stack, url)
    names = [stack.outputs.function_names[name] for name in THROTTLED]
    with (
        listening(stack, connection.id, "AttemptStarted", "AttemptCompleted") as queue,
        faulty_dynamodb.before(stack.aws, stack.outputs.endpoint_url, names) as proxy,
    ):
        soak = Soak(stack, connection, proxy, urns)
        with soak.going_on(SENDERS):
            time.sleep(SECONDS)

        drained = time.monotonic()

        def unjudged() -> list[str]:
            sweep(stack)
            found = outcomes(stack, soak)
            return [one for one in soak.told.statements if found.get(one, "received") == "received"]

        eventually(unjudged, lambda left: not left, DRAINING_SECONDS)
        drained = time.monotonic() - drained
        final = outcomes(stack, soak)
        lost = [one for one in soak.told.statements if one not in final]
        expected, kept = soak.told.attempts(), records(connection)
        wrong = {key: (told, kept.get(key)) for key, told in expected.items() if kept.get(key) != told}
        attempts = [one for number in range(LEARNERS) for one in connection.attempts(f"soak-{number}@example.com")]
        seen: list[Any] = []

        def untold() -> list[Any]:
            seen.extend(taken_from(stack, queue))
            started, completed = told_of(seen)
            return [
                one
                for one in attempts
                if one["id"] not in started
                or (one["completed_at"] and (one["id"], one["completed_at"]) not in completed)
            ]

        eventually(untold, lambda left: not left)
        poison, set_aside = {key["PK"] for key in soak.poison}, list[Any]()

        def still_expected() -> set[str]:
            set_aside.extend(body for url in letters.values() for body in taken_from(stack, url))
            return poison - {body["keys"]["PK"] for body in set_aside}

        eventually(still_expected, lambda left: not left)
        print(  # noqa: T201  (the figures are what a soak is for)
            f"\nsoak of {SECONDS:.0f} s: {len(soak.told.statements)} statements acknowledged, lost {len(lost)}, "
            f"records {len(expected)}, wrong {len(wrong)}, events {len(seen)}, set aside {len(set_aside)}, "
            f"drained in {drained:.1f} s"
            f"\nfaults: {dict(soak.faults)}, DynamoDB calls refused: {proxy.refused} of {proxy.refused + proxy.passed}"
            f"\nanswers: {dict(sorted(soak.told.requests.items()))}"
        )
    for key in soak.poison:
        wire: Any = {name: {"S": value} for name, value in key.items()}
        stack.aws.dynamodb.delete_item(TableName=stack.outputs.table_name, Key=wire)

    assert lost == []
    assert wrong == {}
    assert set(final.values()) <= {"applied", "ignored"}
    assert {body["keys"]["PK"] for body in set_aside} == poison
    # The first may be one that was under way while LinkedIn was down.
    eventually(lambda: connection.sync()["status"], lambda status: status == "succeeded")
