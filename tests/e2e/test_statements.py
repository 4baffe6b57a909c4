"""Statements over HTTP: pushed in every form, sent concurrently, and recorded despite all faults."""

from __future__ import annotations

import datetime as dt
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from connector import Caller, Connection, eventually
from coursebridge.clock import rfc3339, utc_now
from pushing import AT, XAPI, completion, differing, outcomes, progress, push, reader, records, truth
from shelf import Shelf
from stream_faults import grow_old, kill_workers, stream_lost, stream_paused
from xapi_builders import PROGRESS, PROGRESSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from running_stack import RunningStack

SENDERS = 8


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module")
def shelf(stack: RunningStack) -> Shelf:
    shelf = Shelf(stack.sandbox, "nl_NL")
    shelf.put(*range(6))
    shelf.put(1, kind="LEARNING_PATH")
    shelf.put(1, kind="VIDEO")
    return shelf


def synced(admin: Caller, shelf: Shelf, **settings: Any) -> Connection:
    filters = {"languages": [shelf.locale], "asset_types": ["COURSE", "LEARNING_PATH", "VIDEO"]}
    connection = Connection(admin, filters=filters, **settings)
    connection.connect()
    run = connection.sync()
    assert (run["status"], run["errors"]) == ("succeeded", [])
    return connection


@pytest.fixture(scope="module")
def connection(admin: Caller, shelf: Shelf) -> Connection:
    return synced(admin, shelf)


def of_everybody(http_calls: Sequence[Any]) -> list[Any]:
    """Make calls concurrently, and return their results in order."""
    with ThreadPoolExecutor(SENDERS) as senders:
        return list(senders.map(lambda call: call(), http_calls))


def status_of(caller: Caller, body: object) -> int:
    return caller.send("POST", XAPI, json=body).status_code


SAME_IN_OTHER_WORDS = dict.fromkeys(
    (
        *("progress_integer", "progress_float", "progress_decimal_text", "completion_absent", "duration_odd"),
        *("progressed_with_100", "completed_below_100", "lower_case_display", "version_in_statement", "new_fields"),
        *("mail_upper_case", "id_not_uuid"),
    ),
    0.3,
)
BESIDE = dict.fromkeys(
    (
        *("mail_plus", "actor_both", "actor_neither", "unknown_verb", "unknown_object", "unknown_course"),
        *("unknown_learner", "future_dated"),
    ),
    0.4,
)


def assert_home(connection: Connection, pushed: dict[str, Any], identifier: str = "email") -> None:
    """Assert that no acknowledged statement is lost or unjudged, and that the records equal the truth."""
    judged = outcomes(connection)
    assert [one for one in pushed["acknowledged"] if one not in judged] == []
    wrong = differing(truth(pushed, identifier), records(connection, identifier))
    assert not wrong, wrong


def test_every_record_equals_the_truth_however_it_is_told(
    stack: RunningStack, connection: Connection, shelf: Shelf
) -> None:
    pushed = push(
        stack, connection, learners=10, first_learner=1000, domain="variants.example.com", per_learner=3,
        urns=sorted(shelf.truth()), variants=SAME_IN_OTHER_WORDS, disorder=0.5, repeats=0.3,
        batch=4, senders=6, content_type="bare",
    )  # fmt: skip

    assert pushed["statuses"] == {"200": pushed["requests"]}, pushed["refusals"]
    assert_home(connection, pushed)


def test_what_is_sent_beside_changes_no_record(stack: RunningStack, connection: Connection, shelf: Shelf) -> None:
    pushed = push(
        stack, connection, learners=4, first_learner=2000, domain="beside.example.com", per_learner=2,
        urns=sorted(shelf.truth()), variants=BESIDE, disorder=0.5, senders=4,
        token_per_statement=True, version_header=False, scope="", content_type="upper",
    )  # fmt: skip

    assert pushed["statuses"] == {"200": pushed["requests"]}, pushed["refusals"]
    assert_home(connection, pushed)
    assert {"held: actor_unidentified", "held: course_unknown"} <= set(outcomes(connection).values())


def test_completions_without_progress_are_completions(
    stack: RunningStack, connection: Connection, shelf: Shelf
) -> None:
    pushed = push(
        stack, connection, learners=2, first_learner=3000, domain="bare.example.com", per_learner=2, completed=1.0,
        urns=sorted(shelf.truth()), variants=["progress_absent"], batch=100,
    )  # fmt: skip

    assert pushed["statuses"] == {"200": 1}, pushed["refusals"]
    assert_home(connection, pushed)


def test_learning_paths_and_videos_have_records_too(stack: RunningStack, connection: Connection, shelf: Shelf) -> None:
    pushed = push(
        stack, connection, learners=2, first_learner=4000, domain="kinds.example.com", per_learner=2, completed=1.0,
        urns=sorted(shelf.truth("LEARNING_PATH") | shelf.truth("VIDEO")),
    )  # fmt: skip

    assert {one["type"] for one in pushed["truth"]} == {"LEARNING_PATH", "VIDEO"}
    assert_home(connection, pushed)


def test_people_are_found_by_the_account_where_the_admin_chose_so(
    stack: RunningStack, admin: Caller, shelf: Shelf
) -> None:
    connection = synced(admin, shelf, learner_identification="external_id")
    pushed = push(
        stack, connection, learners=3, first_learner=5000, urns=sorted(shelf.truth()), actor="account", senders=4
    )

    assert_home(connection, pushed, "external_id")


def test_of_two_bodies_that_race_for_an_id_exactly_one_is_kept(admin: Caller, connection: Connection) -> None:
    caller = reader(admin, connection.id)
    races = [[completion(f"race{number}", "urn:li:lyndaCourse:9") for _ in range(2)] for number in range(10)]
    for first, second in races:
        second |= {"id": first["id"], "verb": {"id": PROGRESSED}}

    bodies = [body for pair in races for body in pair]
    statuses = of_everybody([lambda body=body: status_of(caller, body) for body in bodies])

    for number, pair in enumerate(races):
        told = statuses[2 * number : 2 * number + 2]
        assert sorted(told) == [200, 409], pair
        found = caller.ask("GET", XAPI, params={"statementId": pair[0]["id"]})
        assert found["verb"]["id"] == pair[told.index(200)]["verb"]["id"]


def test_a_new_learner_whom_several_senders_bring_at_once_is_one(connection: Connection, shelf: Shelf) -> None:
    urns = sorted(shelf.truth())
    sent = [progress("newcomer", urn, percent) for urn in urns for percent in (10, 30)]

    statuses = of_everybody([lambda one=one: status_of(connection.linkedin, one) for one in sent])
    outcomes(connection)

    assert set(statuses) == {200}
    assert len(connection.lms.every(f"/learning/{connection.id}/learners", email="newcomer@example.com")) == 1
    assert {one["course_urn"]: one["progress"] for one in connection.attempts("newcomer@example.com")} == dict.fromkeys(
        urns, 30
    )


def test_one_attempt_that_several_senders_tell_about_is_one(connection: Connection, shelf: Shelf) -> None:
    [urn, *_] = sorted(shelf.truth())
    done_at = AT + dt.timedelta(hours=1)
    sent = [progress("busy", urn, percent, AT + dt.timedelta(minutes=percent)) for percent in range(5, 60, 5)]
    sent.append(completion("busy", urn, done_at))
    random.Random(4).shuffle(sent)

    of_everybody([lambda one=one: status_of(connection.linkedin, one) for one in sent])
    outcomes(connection)

    told = ("completed", 100, rfc3339(AT + dt.timedelta(minutes=5)), rfc3339(done_at))
    assert records(connection)["busy@example.com", urn] == [told]


def test_a_completion_from_before_the_configuration_is_ignored_and_activity_is_not(
    connection: Connection, shelf: Shelf
) -> None:
    [urn, *_] = sorted(shelf.truth())
    past = utc_now() - dt.timedelta(days=400)
    old, older = completion("veteran", urn, past), progress("veteran", urn, 40, past - dt.timedelta(days=1))
    connection.post(old, older)

    assert connection.outcome(old["id"]) == ("ignored", "before_configuration")
    assert connection.outcome(older["id"]) == ("applied", None)
    assert [one["status"] for one in connection.attempts("veteran@example.com")] == ["in_progress"]


def test_what_was_acknowledged_is_home_whatever_is_killed(
    stack: RunningStack, connection: Connection, shelf: Shelf
) -> None:
    people = [f"survivor{number}" for number in range(12)]
    sent = [progress(name, urn, percent) for name in people for urn in sorted(shelf.truth()) for percent in (20, 60)]

    def post(one: dict[str, Any]) -> None:
        eventually(lambda: status_of(connection.linkedin, one), lambda status: status == 200)

    killed = 0
    with ThreadPoolExecutor(4) as senders:
        answers = [senders.submit(post, one) for one in sent]
        for _ in range(6):
            time.sleep(0.4)
            killed += kill_workers(stack, "StatementsFunction", "ApplyFunction")
        for answer in answers:
            answer.result()
    judged = outcomes(connection)

    assert killed
    assert {judged.get(one["id"]) for one in sent} == {"applied"}
    best: dict[tuple[str, str], int] = {}
    for one in sent:
        key = (one["actor"]["mbox"].removeprefix("mailto:"), one["object"]["id"])
        best[key] = max(best.get(key, 0), one["result"]["extensions"][PROGRESS])
    found = records(connection)
    assert {key: [record[1] for record in found[key]] for key in best} == {key: [top] for key, top in best.items()}


def test_what_arrives_while_the_stream_is_paused_is_applied_when_it_goes_on(
    stack: RunningStack, connection: Connection, shelf: Shelf
) -> None:
    sent = [progress("patient", urn, 50) for urn in sorted(shelf.truth())]
    with stream_paused(stack):
        connection.post(*sent)
        assert [connection.statement(one["id"])["outcome"] for one in sent] == ["received"] * len(sent)
        assert connection.attempts("patient@example.com") == []

    assert {connection.outcome(one["id"]) for one in sent} == {("applied", None)}
    assert len(connection.attempts("patient@example.com")) == len(sent)


def test_what_the_stream_lost_is_brought_home_by_the_sweep(
    stack: RunningStack, connection: Connection, shelf: Shelf
) -> None:
    sent = [progress("forgotten", urn, 50) for urn in sorted(shelf.truth())]
    with stream_lost(stack):
        connection.post(*sent)
        for one in sent:
            grow_old(stack, connection, one["id"])
    assert {connection.statement(one["id"])["outcome"] for one in sent} == {"received"}

    stack.aws.functions.invoke(FunctionName=stack.outputs.function_names["SweepFunction"], Payload=b"{}")

    assert {connection.outcome(one["id"]) for one in sent} == {("applied", None)}
    assert len(connection.attempts("forgotten@example.com")) == len(sent)


def test_a_revoked_secret_ends_its_tokens_within_a_minute_and_nothing_is_lost(
    stack: RunningStack, admin: Caller, shelf: Shelf
) -> None:
    connection = synced(admin, shelf)
    home = f"/admin/integrations/{connection.id}/webhook"
    urns, acknowledged = sorted(shelf.truth()), []

    def status() -> int:
        one = progress("rotated", random.choice(urns), random.randint(1, 99))
        answered = status_of(connection.linkedin, one)
        if answered == 200:
            acknowledged.append(one["id"])
        return answered

    assert status() == 200
    rotated = admin.ask("POST", f"{home}/rotate")
    assert status() == 200, "both secrets are good until one is deleted"
    admin.ask("DELETE", f"{home}/secrets/1", 204)
    eventually(status, lambda answered: answered == 401, 60)

    again = Caller(admin.http, rotated["client_id"], rotated["client_secret"], "xapi:write")
    assert status_of(again, progress("rotated", urns[0], 100)) == 200
    judged = outcomes(connection)
    assert {judged[one] for one in acknowledged} == {"applied"}
