"""A lab for applying statements: learners and courses in moto's table, and calls that can be made to fail."""

from __future__ import annotations

import json
import threading
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from coursebridge.apply.release import release_for_identities
from coursebridge.apply.service import Applier
from coursebridge.clock import rfc3339
from coursebridge.records.identifiers import KINDS, Identifier, normalised
from coursebridge.statements.receiving import Receiver
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner
from coursebridge.storage.records import Record
from coursebridge.storage.table import Table
from xapi_builders import PROGRESS, PROGRESSED, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coursebridge.records.identifiers import Kind
    from coursebridge.storage.statement_outcomes import Verdict
    from coursebridge.storage.table import Item

INTEGRATION = "acme"
PSEUDONYM_KEY = "p" * 64
COURSE, OTHER_COURSE = "urn:li:lyndaCourse:252", "urn:li:lyndaCourse:253"
DURATION = 600
CONFIGURED = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)
CALLS = (
    "get_item",
    "batch_get_item",
    "put_item",
    "update_item",
    "delete_item",
    "batch_write_item",
    "query",
    "transact_write_items",
)


class Interrupted(Exception):
    """Stands for the death of the process."""


class Calls:
    """A DynamoDB client that records its calls and runs hooks before, after or around them.

    Attributes:
        made: Names of the calls made.
        before: What to do before a call, by its number.
        after: What to do after a call, by its number.
        around: What to do before every call, given its name.
    """

    def __init__(self, table: Table) -> None:
        self._client: Any = table.client
        self._name = table.name
        self._lock, self._serial = threading.Lock(), threading.Lock()
        self.made: list[str] = []
        self.before: dict[int, Callable[[], object]] = {}
        self.after: dict[int, Callable[[], object]] = {}
        self.around: Callable[[str], None] = lambda _name: None

    @property
    def table(self) -> Table:
        """Return the table, accessed through this client."""
        client: Any = self
        return Table(client, self._name)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in CALLS:
            return real

        def call(**request: Any) -> Any:
            with self._lock:
                number = len(self.made)
                self.made.append(name)
            self.around(name)
            self.before.pop(number, lambda: None)()
            with self._serial:  # unlike DynamoDB's, moto's transactions are not atomic across threads
                answer = real(**request)
            self.after.pop(number, lambda: None)()
            return answer

        return call


def spelled(verdict: Verdict) -> str:
    """Spell an outcome as `held:course_unknown`."""
    return f"{verdict.outcome}:{verdict.reason}" if verdict.reason else verdict.outcome


def dies() -> None:
    raise Interrupted


@dataclass
class Lab:
    """An integration and its directory, courses and statements."""

    table: Table
    now: datetime = START
    id: str = INTEGRATION
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configure()
        for urn in (COURSE, OTHER_COURSE):
            self.course(urn)

    def configure(self, **settings: Any) -> None:
        """Change settings of the integration."""
        self.settings |= settings
        item = {
            **keys.integration(self.id).item(),
            **keys.integrations(rfc3339(CONFIGURED)).item(keys.GSI1),
            "entity": "integration",
            "id": self.id,
            "name": "Acme",
            "created_at": rfc3339(CONFIGURED),
            "updated_at": rfc3339(CONFIGURED),
            "learner_identification": "email",
            "learner_matching": "open",
            "statement_validation": "lenient",
            "statistics_since": rfc3339(CONFIGURED),
        }
        self.table.put({**item, **self.settings})

    def item(self) -> Item:
        """Return the item of the integration."""
        item = self.table.get(keys.integration(self.id))
        assert item
        return item

    def course(self, urn: str, duration_seconds: int | None = DURATION) -> None:
        """Add a course to the catalogue."""
        item = {"integration_id": self.id, "urn": urn, "duration_seconds": duration_seconds, "title": urn}
        self.table.put({**keys.course(self.id, urn).item(), **item})

    def learner(self, **members: Any) -> Learner:
        """Add a learner with these identifiers, as the directory would."""
        since = members.pop("since", rfc3339(CONFIGURED))
        identifiers = [(kind, members.pop(kind)) for kind in KINDS if kind in members]
        learner = Learner(
            self.id,
            members.pop("id", identifiers[0][1].partition("@")[0]),
            since,
            identifiers=tuple(DatedIdentifier(kind, value, since) for kind, value in identifiers),
            **members,
        )
        self.table.put(learner.to_item())
        for dated in learner.identifiers:
            self.table.put(self.identity(*dated.identifier).held_by(learner.id, since).to_item())
        return learner

    def identity(self, kind: Kind, value: str) -> IdentityItem:
        of = normalised(kind, value)
        item = self.table.get(keys.identity(self.id, *of))
        return IdentityItem.from_item(item) if item else IdentityItem(self.id, of)

    def find(self, learner_id: str) -> Learner | None:
        item = self.table.get(keys.learner(self.id, learner_id))
        return Learner.from_item(item) if item else None

    def learners(self) -> list[Learner]:
        pk, _ = keys.learners(self.id, "")
        return [Learner.from_item(item) for item in self.table.query_all(pk, index=keys.GSI1)]

    def at(self, minutes: float) -> str:
        """Return the time this many minutes after the start, as in statements."""
        return rfc3339(START + timedelta(minutes=minutes))

    def send(self, *statements: dict[str, Any]) -> list[str]:
        """Store statements as the receiving function does."""
        receiver = Receiver(self.table, self.item(), "linkedin", lambda: self.now)
        ids, _ = receiver.post(json.dumps(list(statements)).encode())
        return ids

    def received(self) -> list[Item]:
        """Return the unjudged statements as the stream would deliver them."""
        pk, _ = keys.pending(self.id, "", "", "", "", "")
        found = self.table.query_all(pk, index=keys.GSI3, prefix="received#")
        items = [self.table.get(keys.Key(item["PK"], item["SK"])) for item in found]
        return [item for item in items if item and item["outcome"] == "received"]

    def applier(self, table: Table | None = None) -> Applier:
        return Applier(table or self.table, lambda: PSEUDONYM_KEY, lambda: self.now, lambda _seconds: None)

    def apply(self, items: Sequence[Item] | None = None, table: Table | None = None) -> Counter[str]:
        """Apply the items, by default all received statements; none may fail."""
        outcomes, failed = self.applier(table).apply(self.received() if items is None else items)
        assert failed == []
        return Counter({spelled(verdict): number for verdict, number in outcomes.items()})

    def take(self, *statements: dict[str, Any]) -> Counter[str]:
        """Store statements and apply them."""
        self.send(*statements)
        return self.apply()

    def released(self, *awaited: Identifier) -> Counter[str]:
        """Release statements as the stream does when identities change, and apply them."""
        release_for_identities(self.table, self.id, {one.awaited for one in awaited}, self.now)
        return self.apply()

    def statement(self, statement_id: str) -> Item:
        found = self.table.get(keys.statement(self.id, statement_id))
        assert found
        return found

    def outcome(self, statement_id: str) -> tuple[str, str | None]:
        found = self.statement(statement_id)
        return found["outcome"], found["reason"]

    def is_pending(self, statement_id: str) -> bool:
        return "GSI3PK" in self.statement(statement_id)

    def record(self, learner_id: str, urn: str = COURSE) -> Record:
        item = self.table.get(keys.record(self.id, learner_id, urn))
        return Record.from_item(item) if item else Record(self.id, learner_id, urn)

    def everything(self) -> list[Item]:
        """Return the whole table, in a fixed order."""
        found = self.table.client.scan(TableName=self.table.name)["Items"]
        return sorted(found, key=lambda item: (item["PK"]["S"], item["SK"]["S"]))

    def texts(self) -> list[str]:
        """Return every item of the table as text, with compressed values decompressed."""
        return [json.dumps(item, default=lambda packed: zlib.decompress(packed).decode()) for item in self.everything()]

    def calls(self) -> Calls:
        """Return a client whose calls are recorded and can be made to fail."""
        return Calls(self.table)


def completion(minutes: float, email: str = "ada@example.com", urn: str = COURSE, **members: Any) -> dict[str, Any]:
    """Return a statement of a completion of a course."""
    moment = rfc3339(START + timedelta(minutes=minutes))
    given = {"actor": {"mbox": f"mailto:{email}"}, "object": {"objectType": "Activity", "id": urn}, **members}
    return statement(timestamp=moment, **given)


def progress(
    minutes: float, percent: int | None = 40, email: str = "ada@example.com", urn: str = COURSE, **members: Any
) -> dict[str, Any]:
    """Return a statement of progress in a course."""
    result = None if percent is None else {"extensions": {PROGRESS: str(percent)}}
    return completion(minutes, email, urn, **{"verb": {"id": PROGRESSED}, "result": result, **members})


def account(name: str) -> dict[str, Any]:
    """Return an actor with an account."""
    return {"account": {"homePage": "https://www.linkedin.com", "name": name}}
