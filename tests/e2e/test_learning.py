"""From a connected LinkedIn to a completed path, as seen on the bus, by a webhook and in an export."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from standardwebhooks import Webhook

from connector import Caller, Connection, event, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_stack import RunningStack

FILTERS = {"asset_types": ["COURSE"], "languages": ["en_US"]}


@dataclass
class Receiver:
    """A platform that receives webhooks; it answers the next ``down_for`` requests with 503."""

    url: str = ""
    down_for: int = 0
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def types(self, secret: str) -> list[str]:
        """Return the types of the received events, after verifying their signatures."""
        return [Webhook(secret).verify(body, headers)["type"] for headers, body in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A platform on this machine."""
    with receiving() as receiver:
        yield receiver


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_down = receiver.down_for > 0
            receiver.down_for -= is_down
            if not is_down:
                receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(503 if is_down else 204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Listener:
    """A queue that receives everything published on the bus."""

    stack: RunningStack
    url: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    def events(self, integration_id: str) -> list[dict[str, Any]]:
        """Return the events of an integration that have arrived so far."""
        sqs = self.stack.aws.sqs
        while messages := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self.seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [one for one in self.seen if one["detail"]["integration_id"] == integration_id]


@pytest.fixture
def bus(stack: RunningStack) -> Iterator[Listener]:
    """A listener on the bus."""
    sqs, events = stack.aws.sqs, stack.aws.events
    name = f"listener-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus_name = stack.outputs.event_bus_name
    events.put_rule(Name=name, EventBusName=bus_name, EventPattern=json.dumps({"source": ["coursebridge"]}))
    events.put_targets(Rule=name, EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": arn}])
    yield Listener(stack, url)
    events.remove_targets(Rule=name, EventBusName=bus_name, Ids=["queue"])
    events.delete_rule(Name=name, EventBusName=bus_name)
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def admin(stack: RunningStack) -> Caller:
    """The first admin."""
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module")
def school(stack: RunningStack) -> Connection:
    """An integration with a synced catalogue."""
    first = Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)
    connection = Connection(first, filters=FILTERS)
    connection.connect()
    assert connection.sync()["status"] == "succeeded"
    return connection


def at(connection: Connection, path: str) -> str:
    return f"/learning/{connection.id}{path}"


def progressed(email: str, urn: str, progress: int) -> dict[str, Any]:
    statement = event("statement-progressed.json")
    statement |= {"id": str(uuid.uuid4()), "timestamp": "2100-01-01T00:00:00.000Z"}
    statement["actor"]["mbox"] = f"mailto:{email}"
    statement["object"]["id"] = urn
    statement["result"]["extensions"] = {"https://w3id.org/xapi/cmi5/result/extensions/progress": str(progress)}
    return dict(statement)


def completed(email: str, urn: str) -> dict[str, Any]:
    statement = event("statement-completed.json")
    statement |= {"id": str(uuid.uuid4()), "timestamp": "2100-01-02T00:00:00.000Z"}
    statement["actor"]["mbox"] = f"mailto:{email}"
    statement["object"]["id"] = urn
    return dict(statement)


def learner(connection: Connection) -> dict[str, Any]:
    email = f"learner-{uuid.uuid4().hex[:8]}@example.com"
    body = {"email": email, "groups": ["sales"]}
    made: dict[str, Any] = connection.lms.ask("POST", at(connection, "/learners"), 201, json=body)
    return made


def exported(connection: Connection, what: str, format_: str) -> str:
    """Order an export, wait for it, and download it from its signed URL."""
    ordered = connection.lms.ask("POST", at(connection, "/exports"), 202, json={"what": what, "format": format_})
    job = eventually(
        lambda: connection.lms.ask("GET", at(connection, f"/exports/{ordered['id']}")),
        lambda job: job["status"] == "succeeded",
    )
    return httpx.get(job["url"], trust_env=False).raise_for_status().text


def test_the_whole_story(
    stack: RunningStack, admin: Caller, school: Connection, bus: Listener, receiver: Receiver
) -> None:
    lms, ann = school.lms, learner(school)
    first, second = school.courses(status="active")[:2]
    hook = admin.ask(
        "POST",
        f"/admin/integrations/{school.id}/webhooks",
        201,
        json={"url": receiver.url, "event_types": ["AttemptCompleted"]},
    )

    # A library, then a linear path through it.
    for course in (first, second):
        lms.ask("PUT", at(school, f"/groups/sales/library/{quote(course['urn'], safe='')}"))
    steps = [first["urn"], second["urn"]]
    path = lms.ask(
        "POST", at(school, "/paths"), 201, json={"name": "New", "group": "sales", "linear": True, "steps": steps}
    )
    way = at(school, f"/learners/{ann['id']}/paths/{path['id']}")

    def states() -> list[str]:
        return [step["state"] for step in lms.ask("GET", way)["steps"]]

    assert states() == ["available", "locked"]

    # A launch opens the attempt and completes nothing.
    launch = lms.ask(
        "POST", at(school, "/launches"), json={"learner_id": ann["id"], "course_urn": first["urn"], "via": "auto"}
    )
    assert launch["url"] in first["launch_urls"].values()
    assert (launch["attempt"]["progress"], launch["attempt"]["status"]) == (1, "in_progress")
    assert states() == ["in_progress", "locked"]

    # LinkedIn reports progress, then completion; the next step unlocks.
    receiver.down_for = 1
    school.post(progressed(ann["email"], first["urn"], 39))
    school.post(completed(ann["email"], first["urn"]))
    eventually(states, lambda seen: seen == ["completed", "available"])
    (attempt,) = school.attempts(ann["email"])
    assert (attempt["status"], attempt["progress"], attempt["id"]) == ("completed", 100, launch["attempt"]["id"])

    # The events are on the bus in order, the webhook arrives at the second try, and the export contains the attempt.
    def of_attempt() -> list[str]:
        return [
            one["detail-type"]
            for one in bus.events(school.id)
            if one["detail"]["data"].get("attempt", {}).get("learner_id") == ann["id"]
        ]

    seen = eventually(of_attempt, lambda types: "AttemptCompleted" in types)
    assert [seen[0], seen[-1]] == ["AttemptStarted", "AttemptCompleted"]
    eventually(lambda: receiver.types(hook["secret"]), lambda types: types == ["AttemptCompleted"])
    deliveries = admin.ask("GET", f"/admin/integrations/{school.id}/webhooks/{hook['id']}/deliveries")["items"]
    assert [(one["status"], len(one["tries"])) for one in deliveries] == [("delivered", 2)]
    rows = list(csv.DictReader(io.StringIO(exported(school, "attempts", "csv").lstrip("\ufeff"))))
    assert [row["status"] for row in rows if row["learner_id"] == ann["id"]] == ["completed"]

    # The last step completes the path.
    school.post(completed(ann["email"], second["urn"]))
    walked = eventually(lambda: lms.ask("GET", way), lambda walked: walked["status"] == "completed")
    assert [step["evidence"]["source"] for step in walked["steps"]] == ["xapi", "xapi"]
    admin.ask("DELETE", f"/admin/integrations/{school.id}/webhooks/{hook['id']}", 204)


def test_a_course_launched_over_aicc_is_completed_by_linkedins_calls(stack: RunningStack, school: Connection) -> None:
    ben = learner(school)
    course = next(course for course in school.courses(status="active") if course["launch_urls"]["aicc"])
    launch = school.lms.ask(
        "POST", at(school, "/launches"), json={"learner_id": ben["id"], "course_urn": course["urn"], "via": "aicc"}
    )

    answer = stack.sandbox.post("/_sandbox/aicc", json={"launch_url": launch["url"], "progress": [39, 100]})

    assert answer.status_code == 200, answer.text
    assert {one["error"] for one in answer.json()["exchanges"]} == {"0"}
    (attempt,) = school.attempts(ben["email"])
    assert (attempt["status"], attempt["source"], attempt["id"]) == ("completed", "aicc", launch["attempt"]["id"])


def test_the_sync_is_on_the_bus_and_every_course_in_the_export(bus: Listener, school: Connection) -> None:
    assert school.sync("incremental")["status"] == "succeeded"

    finished = eventually(
        lambda: [one["detail-type"] for one in bus.events(school.id)], lambda types: "SyncFinished" in types
    )
    lines = exported(school, "courses", "ndjson").splitlines()

    assert "SyncFailed" not in finished
    assert {json.loads(line)["urn"] for line in lines} == {course["urn"] for course in school.courses()}
