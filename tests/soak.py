"""A soak test: senders, syncs and admins at work while things break, and what the table must hold in the end."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from connector import CONTENT_PAIR, SANDBOX_PAIR, Caller
from coursebridge.clock import rfc3339
from local import rotation
from local.processes import remembered
from xapi_builders import PROGRESS, PROGRESSED, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector import Connection
    from faulty_dynamodb import FaultyDynamoDb
    from running_stack import RunningStack

LEARNERS, MOST_IN_A_REQUEST, REPEATS = 40, 5, 0.1
FAULTS = frozenset(
    {
        "worker killed",
        "LinkedIn down for 2 s",
        "DynamoDB throttled for a while",
        "poison in the stream",
        "signing keys rotated",
        "webhook secret rotated",
        "client secret rotated",
        "LinkedIn key pair replaced",
    }
)
"""What breaks, again and again, in a different order each time."""
PAUSE_AFTER_REFUSAL, PAUSE_AFTER_SYNC, PAUSE_AFTER_CHANGE, PAUSE_AFTER_SWEEP = 0.2, 3.0, 1.0, 5.0
MOST_BEHIND = 60
"""How many statements may wait to be judged before senders pause. The emulator reads a table's stream in one thread:
without pauses a backlog would build up, and the soak would take longer and prove less."""


@dataclass
class Told:
    """The statements acknowledged to senders, and the answers to all callers. Thread-safe.

    Attributes:
        statements: The acknowledged statements, by id.
        acknowledgements: Number of acknowledged requests, including repeats.
        requests: Number of answers, by caller and answer.
    """

    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledgements: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledged(self, batch: list[dict[str, Any]]) -> None:
        with self._lock:
            self.statements |= {one["id"]: one for one in batch}
            self.acknowledgements += 1

    def answered(self, who: str, what: object) -> None:
        with self._lock:
            self.requests[f"{who}: {what}"] += 1

    def attempts(self) -> dict[tuple[str, str], tuple[int, str | None]]:
        """Return the progress and completion time that every record must have in the end."""
        found: dict[tuple[str, str], tuple[int, str | None]] = {}
        for one in self._in_order():
            progress, completed_at = found.get(_record(one), (0, None))
            if one["verb"]["id"] == PROGRESSED:
                told = int(one["result"]["extensions"][PROGRESS])
                found[_record(one)] = (max(progress, told), completed_at)
            else:
                found[_record(one)] = (100, completed_at or one["timestamp"])
        return found

    def completing(self) -> dict[tuple[str, str], str]:
        """Return the id of the statement that completed each completed record: the first of its completions."""
        found: dict[tuple[str, str], str] = {}
        for one in self._in_order():
            if one["verb"]["id"] != PROGRESSED:
                found.setdefault(_record(one), one["id"])
        return found

    def outcomes(self) -> dict[str, str]:
        """Return the expected outcome of every statement: a completion after the first one is ignored."""
        completing = set(self.completing().values())
        return {
            name: "applied" if one["verb"]["id"] == PROGRESSED or name in completing else "ignored"
            for name, one in self.statements.items()
        }

    def _in_order(self) -> list[dict[str, Any]]:
        return sorted(self.statements.values(), key=lambda one: (one["timestamp"], one["id"]))


def _record(one: dict[str, Any]) -> tuple[str, str]:
    return one["actor"]["mbox"].removeprefix("mailto:"), one["object"]["id"]


@dataclass
class Soak:
    """All activities of the soak, running at once until stopped.

    Each activity has its own random generator, derived from the seed: the same seed sends the same statements and
    breaks the same things in the same order. Only the timing differs from run to run.
    """

    stack: RunningStack
    connection: Connection
    proxy: FaultyDynamoDb
    urns: list[str]
    seed: int
    told: Told = field(default_factory=Told)
    faults: Counter[str] = field(default_factory=Counter)
    poison: list[dict[str, str]] = field(default_factory=list)
    _behind: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._fate = self._chance("faults")

    @contextmanager
    def going_on(self, senders: int) -> Iterator[None]:
        """Run all activities until the block ends, then let each finish what it is doing."""
        work: list[Callable[[], None]] = [partial(self._send, number) for number in range(senders)]
        work += [self._sync, self._administer, self._read, self._sweep, self._watch, self._break]
        with ThreadPoolExecutor(len(work)) as pool:
            futures = [pool.submit(each) for each in work]
            try:
                yield
            finally:
                self._stop.set()
        for future in futures:
            future.result()
        for caller in (self.connection.admin, self.connection.linkedin, self.connection.lms):
            caller.forget_token()

    def _caller(self, of: Caller, http: httpx.Client) -> Caller:
        """Return a caller with its own connection that shares another's credentials, and so follows rotations."""
        caller = Caller(http, "", "")
        caller.form = of.form
        return caller

    @contextmanager
    def _http(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.stack.outputs.api_url, timeout=30, trust_env=False) as http:
            yield http

    def _chance(self, who: str) -> random.Random:
        return random.Random(f"{self.seed} {who}")

    def _send(self, number: int) -> None:
        """Send batches, each until it is acknowledged, as LinkedIn would if it retried."""
        chance = self._chance(f"sender {number}")
        with self._http() as http:
            caller = self._caller(self.connection.linkedin, http)
            while not self._stop.is_set():
                if self._behind > MOST_BEHIND:
                    self._stop.wait(PAUSE_AFTER_REFUSAL)
                    continue
                batch = [self._statement(chance) for _ in range(chance.randint(1, MOST_IN_A_REQUEST))]
                self._until_acknowledged(caller, batch)
                if chance.random() < REPEATS:
                    self._until_acknowledged(caller, batch)

    def _statement(self, chance: random.Random) -> dict[str, Any]:
        # Out of order, but none from before the integration was created.
        at = datetime.now(UTC) + timedelta(seconds=chance.uniform(0, 120))
        actor = {"objectType": "Agent", "mbox": f"mailto:soak-{chance.randrange(LEARNERS)}@example.com"}
        about: dict[str, Any] = {"objectType": "Activity", "id": chance.choice(self.urns)}
        named: dict[str, Any] = {"id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "timestamp": rfc3339(at)}
        if chance.random() < 0.1:
            return statement(**named, actor=actor, object=about)
        result = {"extensions": {PROGRESS: str(chance.randint(1, 99))}}
        return statement(**named, actor=actor, object=about, verb={"id": PROGRESSED}, result=result)

    def _until_acknowledged(self, caller: Caller, batch: list[dict[str, Any]]) -> None:
        body: Any = batch[0] if len(batch) == 1 else batch
        while True:
            status = self._try("statements", caller, "POST", "/xapi/statements", json=body)
            if status == 200:
                self.told.acknowledged(batch)
                return
            assert status not in (400, 403, 409, 413), f"a good request was refused with {status}"
            time.sleep(PAUSE_AFTER_REFUSAL)

    def _try(self, who: str, caller: Caller, method: str, path: str, **options: Any) -> int:
        """Send and return the status: 0 if there was no answer, 401 if there was no token."""
        try:
            status = caller.send(method, path, **options).status_code
        except httpx.TransportError:
            status = 0
        except AssertionError:
            status = 401
        if status == 401:
            caller.forget_token()
        self.told.answered(who, status or "no answer")
        return status

    def _sync(self) -> None:
        chance = self._chance("syncs")
        with self._http() as http:
            path = f"/admin/integrations/{self.connection.id}/runs"
            caller = self._caller(self.connection.admin, http)
            while not self._stop.wait(PAUSE_AFTER_SYNC):
                mode = chance.choice(["full", "incremental"])
                self._try("syncs", caller, "POST", path, json={"kind": "catalog", "mode": mode})

    def _administer(self) -> None:
        """Change a setting that affects no record, and list statements."""
        with self._http() as http:
            home = f"/admin/integrations/{self.connection.id}"
            caller = self._caller(self.connection.admin, http)
            while not self._stop.wait(PAUSE_AFTER_CHANGE):
                self._try("admin", caller, "PATCH", home, json={"description": str(uuid.uuid4())})
                self._try("admin", caller, "GET", f"{home}/statements", params={"limit": 10})

    def _read(self) -> None:
        """Read as an LMS does."""
        with self._http() as http:
            caller = self._caller(self.connection.lms, http)
            while not self._stop.wait(PAUSE_AFTER_CHANGE):
                self._try("LMS", caller, "GET", f"/learning/{self.connection.id}/learners", params={"limit": 50})

    def _sweep(self) -> None:
        while not self._stop.wait(PAUSE_AFTER_SWEEP):
            self.sweep()

    def sweep(self) -> None:
        """Run the sweep now instead of waiting for its schedule."""
        self.stack.aws.functions.invoke(FunctionName=self.stack.outputs.function_names["SweepFunction"], Payload=b"{}")

    def _watch(self) -> None:
        """Keep count of the statements waiting to be judged."""
        query: Any = {
            "TableName": self.stack.outputs.table_name,
            "IndexName": "GSI3",
            "KeyConditionExpression": "GSI3PK = :pk AND begins_with(GSI3SK, :received)",
            "ExpressionAttributeValues": {
                ":pk": {"S": f"PENDING#{self.connection.id}"},
                ":received": {"S": "received#"},
            },
            "Select": "COUNT",
        }
        while not self._stop.wait(PAUSE_AFTER_CHANGE):
            self._behind = self.stack.aws.dynamodb.query(**query)["Count"]

    def _break(self) -> None:
        rotate = [self._rotate_signing_keys, self._rotate_webhook, self._rotate_client, self._replace_key_pair]
        kinds = [self._kill, self._kill, self._linkedin_down, self._throttle, self._poison, *rotate]
        while True:
            for break_something in self._fate.sample(kinds, len(kinds)):
                if self._stop.wait(self._fate.uniform(0.3, 1.0)):
                    return
                break_something()

    def _kill(self) -> None:
        """Kill a Lambda worker in the middle of its work."""
        processes = remembered(Path(self.stack.outputs.logs).parent / "processes.json")
        [emulator] = [process for process in processes if process.name == "emulator"]
        workers = psutil.Process(emulator.pid).children(recursive=True)
        if workers:
            self._fate.choice(workers).kill()
            self.faults["worker killed"] += 1

    def _linkedin_down(self) -> None:
        self.stack.sandbox.put("/_sandbox/quirks/down", json={}).raise_for_status()
        self._stop.wait(2)
        self.stack.sandbox.delete("/_sandbox/quirks").raise_for_status()
        self.faults["LinkedIn down for 2 s"] += 1

    def _throttle(self) -> None:
        self.proxy.share = self._fate.choice([0.3, 0.6, 1.0])
        self._stop.wait(self._fate.uniform(0.5, 2.0))
        self.proxy.share = 0.0
        self.faults["DynamoDB throttled for a while"] += 1

    def _poison(self) -> None:
        """Write what no stream reader can process: a statement without its text, and a record without attempts."""
        number = uuid.uuid4().hex
        for key, more in (
            ((f"STATEMENT#{self.connection.id}#poison-{number}", "STATEMENT"), {"outcome": "received"}),
            ((f"LEARNER#{self.connection.id}#poison-{number}", "RECORD#poison"), {"entity": "record"}),
        ):
            self.poison.append({"PK": key[0], "SK": key[1]})
            item = {"PK": key[0], "SK": key[1], "integration_id": self.connection.id, **more}
            wire: Any = {name: {"S": value} for name, value in item.items()}
            self.stack.aws.dynamodb.put_item(TableName=self.stack.outputs.table_name, Item=wire)
            self.faults["poison in the stream"] += 1

    def _rotate_signing_keys(self) -> None:
        rotation.rotate_keys(self.stack.outputs)
        self.faults["signing keys rotated"] += 1

    def _rotate_webhook(self) -> None:
        """Create another webhook secret, give it to LinkedIn, and revoke the previous one, as in docs/operations.md."""
        home = f"/admin/integrations/{self.connection.id}/webhook"
        self._rotate(home, self.connection.linkedin)
        self.faults["webhook secret rotated"] += 1

    def _rotate_client(self) -> None:
        """Rotate the secret of the LMS in the same way."""
        self._rotate(f"/admin/clients/{self.connection.lms.form['client_id']}", self.connection.lms)
        self.faults["client secret rotated"] += 1

    def _rotate(self, home: str, holder: Caller) -> None:
        with self._http() as http:
            caller = self._caller(self.connection.admin, http)
            made = self._answer(caller, "POST", f"{home}/rotate").json()
            holder.form["client_secret"] = made["client_secret"]
            for old in made["secrets"][:-1]:
                self._answer(caller, "DELETE", f"{home}/secrets/{old['n']}")

    def _replace_key_pair(self) -> None:
        pair = self._fate.choice([SANDBOX_PAIR, CONTENT_PAIR])
        with self._http() as http:
            caller = self._caller(self.connection.admin, http)
            self._answer(caller, "PUT", f"/admin/integrations/{self.connection.id}/credentials/content", json=pair)
        self.faults["LinkedIn key pair replaced"] += 1

    def _answer(self, caller: Caller, method: str, path: str, **options: Any) -> httpx.Response:
        """Send until there is an answer that no fault caused."""
        while True:
            try:
                answer = caller.send(method, path, **options)
            except (httpx.TransportError, AssertionError):
                continue
            self.told.answered("admin", answer.status_code)
            if answer.status_code < 500 and answer.status_code != 401:
                return answer
            caller.forget_token()
            time.sleep(PAUSE_AFTER_REFUSAL)
