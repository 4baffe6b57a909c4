"""Plant secrets and personal data, use them in every way that fails, and search everything the stack leaves behind."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bus import listening, taken_from
from cfn import ROOT
from connector import Caller, Connection, eventually
from coursebridge.clock import rfc3339, utc_now
from planting import Answers, Places, found
from pushing import AT, activity, agent
from shelf import Shelf
from syncing import connected
from xapi_builders import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running_stack import RunningStack

EVENT_TYPES = sorted(path.stem for path in (ROOT / "events" / "schemas").iterdir())
MARK = uuid.uuid4().hex
EMAIL, NAME = f"planted.{MARK}@example.com", f"Planted Person{MARK}"
PEOPLE = {"address": f"planted.{MARK}", "name": f"Person{MARK}", "user name": f"planted-user-{MARK}"}


def secret(name: str) -> str:
    """Return a secret in the form of LinkedIn's, with characters that forms and URLs must encode."""
    return f"WPL_AP1.{name}-{MARK}/c2Vj+cmV0=="


PAIRS = {scope: {"client_id": f"planted-{scope}", "client_secret": secret(scope)} for scope in ("content", "report")}
WRONG = secret("wrong")


@dataclass
class Story:
    """What was planted, and everything it may have leaked into.

    Attributes:
        places: The places where the stack leaves data.
        answers: Every answer of the API.
        integration_id: The integration that the traffic belonged to.
        secrets: All secrets, by name.
        events: The events published on the bus.
        letters: The messages seen in a dead-letter queue.
    """

    places: Places
    answers: Answers
    integration_id: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)

    def queues(self) -> list[str]:
        return [*self.letters, *self.places.queues()]

    def keep(self) -> None:
        """Note the secrets that exist now, because LinkedIn's tokens come and go."""
        self.secrets |= {f"{name} {value[-8:]}": value for name, value in self.places.secrets().items()}


@pytest.fixture(scope="module")
def story(stack: RunningStack) -> Iterator[Story]:
    """All the traffic, generated once for all tests."""
    told = Story(Places(stack, datetime.now(UTC) - timedelta(seconds=1)), Answers())
    hooks = {"response": [told.answers.note]}
    with ExitStack() as held:
        http = held.enter_context(
            httpx.Client(base_url=stack.outputs.api_url, timeout=60, trust_env=False, event_hooks=hooks)
        )
        admin = Caller(http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)
        held.callback(stack.sandbox.delete, "/_sandbox/quirks")
        connection = connected_with_planted_pairs(stack, admin)
        told.integration_id = connection.id
        queue = held.enter_context(listening(stack, connection.id, *EVENT_TYPES))
        told.secrets |= {f"pair {scope}": pair["client_secret"] for scope, pair in PAIRS.items()} | {"wrong": WRONG}
        told.secrets["webhook, first"] = connection.made["webhook"]["client_secret"]
        told.secrets["client"] = connection.lms.form["client_secret"]
        told.keep()
        syncs_that_fail(stack, connection, told)
        administering_that_fails(connection, told)
        webhooks_that_fail(connection, told, held.enter_context(echoing()))
        tokens_that_fail(connection, told)
        people_who_learn_and_fail(connection)
        told.letters += letters_about_poison(stack, connection)
        told.keep()
        read_everything(connection)
        told.events += [json.dumps(event) for event in taken_from(stack, queue)]
        yield told


def connected_with_planted_pairs(stack: RunningStack, admin: Caller) -> Connection:
    for scope, pair in PAIRS.items():
        stack.sandbox.post("/_sandbox/applications", json={**pair, "keys": [scope]}).raise_for_status()
    shelf = Shelf(stack.sandbox, "sk_SK")
    shelf.put(0, 1)
    connection = connected(admin, shelf, learner_matching="directory")
    for scope, pair in PAIRS.items():
        admin.ask("PUT", f"/admin/integrations/{connection.id}/credentials/{scope}", json=pair)
    assert connection.sync()["status"] == "succeeded"
    return connection


def syncs_that_fail(stack: RunningStack, connection: Connection, told: Story) -> None:
    """Let LinkedIn refuse every request with an error that repeats the token or the key pair."""
    credentials = f"/admin/integrations/{connection.id}/credentials/content"
    for path, status in (("/v2/", 401), ("/v2/", 403), ("/v2/", 500), ("/", 401), ("/", 403), ("/", 429)):
        quirk = {"echoing_error": {"path": path, "status": status}}
        stack.sandbox.put("/_sandbox/quirks", json=quirk).raise_for_status()
        for kind, mode in (("catalog", "full"), ("activity", "incremental")) if status != 500 else ():
            assert connection.sync(mode, kind)["status"] == "failed"
        connection.admin.ask("POST", f"/admin/integrations/{connection.id}/selftest")
        if path == "/":
            assert connection.admin.send("PUT", credentials, json=PAIRS["content"]).status_code >= 400
        told.keep()
    stack.sandbox.delete("/_sandbox/quirks").raise_for_status()


def administering_that_fails(connection: Connection, told: Story) -> None:
    """Send secrets in every kind of refused body, and rotate the webhook's and the client's secrets."""
    home, admin = f"/admin/integrations/{connection.id}", connection.admin
    whole = json.dumps({"client_id": "planted-content", "client_secret": WRONG})
    bodies: tuple[str, ...] = (
        whole,
        whole[:-1],
        whole[:-2] + "\\x" + '"}',
        json.dumps([WRONG]),
        json.dumps(WRONG),
        json.dumps({"client_id": [WRONG], "client_secret": [WRONG]}),
        json.dumps({"client_id": WRONG * 9, "client_secret": WRONG * 99}),
        json.dumps({"client_id": "x", "client_secret": WRONG, "more": WRONG}),
    )
    for body in bodies:
        for method, path in (
            ("PUT", f"{home}/credentials/content"),
            ("POST", "/admin/integrations"),
            ("PATCH", home),
            ("POST", "/admin/clients"),
            ("POST", f"{home}/webhooks"),
        ):
            answer = admin.send(method, path, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 400, f"{method} {path} {answer.text}"
    made = admin.ask("POST", f"{home}/webhook/rotate")
    told.secrets["webhook, second"] = connection.linkedin.form["client_secret"] = made["client_secret"]
    client_id = connection.lms.form["client_id"]
    told.secrets["client, second"] = admin.ask("POST", f"/admin/clients/{client_id}/rotate")["client_secret"]


def webhooks_that_fail(connection: Connection, told: Story, url: str) -> None:
    """Register a platform that refuses every delivery with an error that repeats it."""
    home = f"/admin/integrations/{connection.id}/webhooks"
    hook = connection.admin.ask("POST", home, 201, json={"url": url, "event_types": ["SyncFinished", "StatementHeld"]})
    told.secrets["target, first"] = hook["secret"]
    told.secrets["target, second"] = connection.admin.ask("POST", f"{home}/{hook['id']}/rotate")["secret"]
    assert connection.sync("incremental")["status"] == "succeeded"
    deliveries = eventually(
        lambda: connection.admin.every(f"{home}/{hook['id']}/deliveries"), lambda all_: all_ and all_[0]["tries"]
    )
    connection.admin.ask("GET", f"{home}/{hook['id']}/deliveries/{deliveries[0]['id']}", 404)


def tokens_that_fail(connection: Connection, told: Story) -> None:
    """Send secrets and tokens where they are invalid, in every way a client might."""
    http, lms = connection.admin.http, connection.lms
    token = lms.token()
    for name, caller in (("lms", lms), ("admin", connection.admin), ("LinkedIn", connection.linkedin)):
        told.secrets[f"token of {name}"] = signature(caller.token())
    forged = f"{token[:-43]}{MARK}{'x' * 11}"
    told.secrets["token, forged"] = signature(forged)
    form = {**lms.form, "client_secret": WRONG}
    for options in (
        {"data": form},
        {"data": {**form, "client_id": "nobody"}},
        {"data": {**lms.form, "grant_type": WRONG, "scope": WRONG}},
        {"data": {**lms.form, "scope": "admin:write"}},
        {"json": lms.form},
        {"params": lms.form},
        {"content": f'{{"client_secret": "{WRONG}'},
        {"data": {}, "auth": (lms.form["client_id"], WRONG)},
        {"data": lms.form, "auth": (lms.form["client_id"], WRONG)},
    ):
        assert http.post("/oauth2/token", **options).status_code in (400, 401), options
    for path in (f"/learning/{connection.id}/courses", f"/admin/integrations/{connection.id}", "/xapi/statements"):
        for header in (f"Bearer {forged}", f"Bearer {token} {WRONG}", f"Basic {WRONG}", WRONG):
            assert http.get(path, headers={"Authorization": header}).status_code == 401
        assert http.get(path, params={"access_token": token}).status_code == 401
    for path in ("/admin/clients", "/learning/another/courses", f"/learning/{connection.id}/courses?cursor={token}"):
        assert lms.send("GET", path).status_code in (400, 403)


def people_who_learn_and_fail(connection: Connection) -> None:
    """Send personal data in statements, imports, calls and all kinds of invalid requests."""
    lms, linkedin, home = connection.lms, connection.linkedin, f"/learning/{connection.id}"
    [course, other] = connection.courses(status="active")
    who = {**agent(PEOPLE["address"]), "name": NAME}
    held = statement(actor=who, object=activity(course["urn"]), timestamp=rfc3339(AT))
    connection.post(held)
    assert connection.outcome(held["id"]) == ("held", "learner_unknown")
    person = {"email": EMAIL, "name": NAME, "username": PEOPLE["user name"]}
    learner = lms.ask("POST", f"{home}/learners", 201, json=person)
    eventually(lambda: connection.outcome(held["id"]), lambda outcome: outcome[0] == "applied")

    conflicting = {**held, "actor": {**who, "name": f"{NAME} again"}, "object": {"id": other["urn"]}}
    whole = json.dumps(statement(actor=who, object=activity(course["urn"]), timestamp=rfc3339(AT)))
    broken = {**held, "id": str(uuid.uuid4()), "verb": NAME, "timestamp": EMAIL, "object": {"id": EMAIL}}
    for body in (json.dumps(conflicting), whole[:-1], json.dumps(broken), json.dumps(EMAIL), f"[{whole},"):
        linkedin.send("POST", "/xapi/statements", content=body, headers={"Content-Type": "application/json"})
    linkedin.send("PUT", "/xapi/statements", params={"statementId": EMAIL}, json=held)
    linkedin.send("GET", "/xapi/statements", params={"agent": json.dumps(who)})
    connection.admin.ask("POST", f"/admin/integrations/{connection.id}/statements/{held['id']}/replay", 202)

    rows = f"external_id,email,name\n,{EMAIL} {NAME},{NAME}\nE{MARK},{EMAIL},{NAME}\n"
    lms.send("POST", f"{home}/learners/import", content=rows, headers={"Content-Type": "text/csv"})
    for mistaken in ({"email": f"{EMAIL} {NAME}"}, {NAME: EMAIL}, {**person, "status": NAME}, person, [EMAIL], EMAIL):
        assert lms.send("POST", f"{home}/learners", json=mistaken).status_code in (400, 409)
    for query in ({"email": EMAIL}, {"username": NAME}, {"group": NAME}, {"limit": NAME}, {"cursor": EMAIL}):
        lms.send("GET", f"{home}/learners", params=query)
    lms.send("GET", f"{home}/explain", params={"learner": f"email:{EMAIL}", "course": course["urn"]})
    lms.send("GET", f"{home}/learners/{EMAIL}")
    lms.send("PATCH", f"{home}/learners/{learner['id']}", json={"email": NAME})
    launch = {"learner_id": learner["id"], "course_urn": course["urn"], "via": "aicc"}
    lms.send("POST", f"{home}/launches", json=launch)
    aicc = {"command": "putparam", "session_id": EMAIL, "aicc_data": f"[Core]\nStudent_Name={NAME}"}
    connection.admin.http.post("/aicc", data=aicc)
    lms.ask("POST", f"{home}/exports", 202, json={"what": "attempts", "format": "csv"})


def letters_about_poison(stack: RunningStack, connection: Connection) -> list[str]:
    """Write personal data in a form no reader of the stream can process; return the resulting dead letters."""
    key = f"STATEMENT#{connection.id}#{uuid.uuid4()}"
    members = {"integration_id": connection.id, "outcome": "received", "name": NAME, "email": EMAIL}
    item: Any = {name: {"S": value} for name, value in {"PK": key, "SK": "STATEMENT", **members}.items()}
    stack.aws.dynamodb.put_item(TableName=stack.outputs.table_name, Item=item)
    queues = Places(stack, utc_now())
    return eventually(lambda: [one for one in queues.queues() if key in one], bool)


def read_everything(connection: Connection) -> None:
    """Request everything that an admin can read."""
    admin, home = connection.admin, f"/admin/integrations/{connection.id}"
    for path in ("/runs", "/statements", "/identities", "/webhooks", "/audit"):
        admin.send("GET", f"{home}{path}")
    for path in (home, f"{home}/status", f"{home}/webhook", "/admin/integrations", "/admin/clients", "/admin/audit"):
        admin.ask("GET", path)


def signature(token: str) -> str:
    return token.rpartition(".")[2]


class _Echoing(BaseHTTPRequestHandler):
    """Answers every delivery with an error that repeats it."""

    def do_POST(self) -> None:
        body = f"{self.headers} {self.rfile.read(int(self.headers['Content-Length'])).decode()}".encode()
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


class echoing:  # noqa: N801  (a context manager)
    """A local platform that refuses every delivery; entering it returns its URL."""

    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Echoing)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


EVERYWHERE: dict[str, Callable[[Story], Any]] = {
    "table": lambda story: story.places.table(),
    "logs": lambda story: story.places.logs(),
    "bucket": lambda story: story.places.bucket(),
    "executions": lambda story: story.places.executions(),
    "queues": Story.queues,
    "schedules": lambda story: story.places.schedules(story.integration_id),
    "bus": lambda story: story.events,
}


@pytest.mark.parametrize("place", EVERYWHERE)
def test_no_secret_is_left_anywhere(story: Story, place: str) -> None:
    texts = list(EVERYWHERE[place](story))

    assert any(story.integration_id in text for text in texts), "nothing of the traffic is here"
    assert found(story.secrets, texts) == set()


def test_no_secret_is_in_the_environment_of_a_function(story: Story) -> None:
    assert found(story.secrets, story.places.environments()) == set()


def test_no_secret_is_in_an_answer_but_the_one_that_made_it(story: Story) -> None:
    assert len(story.answers.texts) > 100
    seen = {name: story.answers.holding(value) for name, value in story.secrets.items()}
    shown = {name: where for name, where in seen.items() if where}

    tokens = {name: where for name, where in shown.items() if name.startswith("token")}
    assert {one.rpartition("/")[2] for where in tokens.values() for one in where} == {"token 200"}
    once = {name: where for name, where in shown.items() if name not in tokens}
    assert [name for name, where in once.items() if len(where) != 1] == []
    made = ("integrations 201", "clients 201", "webhooks 201", "rotate 200")
    assert [where for [where] in once.values() if not where.endswith(made)] == []


@pytest.mark.parametrize("place", ["logs", "executions", "queues", "schedules"])
def test_nobody_is_named_in_what_operators_read(story: Story, place: str) -> None:
    assert found(PEOPLE, EVERYWHERE[place](story)) == set()


def test_the_search_finds_what_is_there(story: Story) -> None:
    assert found(PEOPLE, story.places.table()) == set(PEOPLE)
    assert story.answers.holding(story.secrets["target, first"])
