"""A lab for activity syncs: the real services with the sandbox's reports, an in-memory table and bucket, no server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from catalog_lab import SECRETS, Clock, SharedTokens
from coursebridge.activity.context import Context
from coursebridge.activity.tasks import TASKS
from coursebridge.clock import from_millis, rfc3339, to_millis
from coursebridge.integrations.models import Integration
from coursebridge.integrations.runs import RunControl
from coursebridge.linkedin.client import LinkedInClient
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.linkedin.tokens import TokenSource
from coursebridge.records.evidence import Completion, Evidence, Point
from coursebridge.records.identifiers import normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner
from coursebridge.storage.records import Record
from coursebridge.storage.runs import RunStore
from sandbox.activity import Activity, Content, Engagement
from sandbox.activity import Learner as Upstream
from state_machine import StateMachine

if TYPE_CHECKING:
    import httpx

    from coursebridge.records.fold import Attempt
    from coursebridge.records.identifiers import Kind
    from coursebridge.storage.run_shapes import Run
    from coursebridge.storage.table import Table
    from sandbox.world import World

BUCKET = "coursebridge-test"
COURSE = "urn:li:lyndaCourse:1"
OTHER_COURSE = "urn:li:lyndaCourse:2"
PSEUDONYM_KEY = "p" * 64
DURATION = 3600


def upstream(number: int) -> Upstream:
    """Return a learner of the sandbox."""
    return Upstream(number, f"learner{number}@example.com", f"E{number}")


@dataclass
class Lab:
    """Everything around an activity sync: what learners did, what is recorded of it, and a state machine to run it."""

    world: World
    table: Table
    s3: Any
    http: httpx.Client
    settings: Integration
    clock: Clock = field(default_factory=Clock)
    pair: KeyPair = field(default_factory=lambda: KeyPair.of("sandbox-report", SECRETS["sandbox-report"]))
    shared: SharedTokens = field(default_factory=SharedTokens)

    @property
    def context(self) -> Context:
        return Context(
            integration_id="acme",
            integration=lambda: self.settings,
            linkedin=self._linkedin,
            runs=RunStore(self.table, "acme", "activity"),
            table=self.table,
            s3=self.s3,
            bucket=BUCKET,
            pseudonym_key=lambda: PSEUDONYM_KEY,
            now=self.clock,
        )

    def _linkedin(self) -> LinkedInClient:
        tokens = TokenSource(self.http, self.pair, self.shared)
        return LinkedInClient(self.http, tokens, "report", sleep=lambda _seconds: None)

    @property
    def control(self) -> RunControl:
        return RunControl(self.context.runs, now=self.clock)

    def changes(self, **settings: Any) -> None:
        """Change the settings, as an admin would."""
        self.settings = Integration.model_validate({**self.settings.model_dump(), **settings})

    def course(self, urn: str = COURSE) -> None:
        """Put a course into the catalogue."""
        item = {"entity": "course", "integration_id": "acme", "urn": urn, "duration_seconds": DURATION}
        self.table.put({**keys.course("acme", urn).item(), **item})

    def learner(self, number: int, *, status: Any = "active", name: str | None = None, **identifiers: str) -> Learner:
        """Put a learner into the directory, by default with the email LinkedIn knows."""
        now = rfc3339(self.clock())
        named: dict[Any, str] = dict(identifiers) or {"email": upstream(number).email}
        dated = tuple(DatedIdentifier(kind, value, now) for kind, value in named.items())
        learner = Learner("acme", f"learner-{number}", now, status=status, identifiers=dated, name=name)
        self.table.put(learner.to_item())
        for kind, value in named.items():
            self.holds(learner.id, kind, value)
        return learner

    def holds(self, learner_id: str, kind: Kind, value: str) -> None:
        """Give an identifier to a learner, even if others already hold it."""
        one = normalised(kind, value)
        found = self.table.get(keys.identity("acme", *one))
        before = IdentityItem.from_item(found) if found else IdentityItem("acme", one)
        self.table.put(before.held_by(learner_id, rfc3339(self.clock())).to_item())

    def ago(self, days: float) -> int:
        """Return the time this many days ago in epoch milliseconds."""
        return to_millis(datetime.now(UTC) - timedelta(days=days))

    def did(self, number: int, *progress: tuple[float, int], urn: str = COURSE) -> Activity:
        """Let a learner engage at LinkedIn, one minute per ``(days ago, percent)``; 100 percent is a completion."""
        activity = self.world.activity.of(upstream(number), Content(urn, "COURSE", "A course", "en_US"))
        for days, percent in progress:
            at = self.ago(days)
            activity.engagements.append(Engagement(at, 60, percent))
            if percent == 100:
                activity.completed_at = at
        return activity

    def knows(self, learner_id: str, *progress: tuple[int, int], urn: str = COURSE) -> None:
        """Record progress ``(epoch milliseconds, percent)`` as if statements had reported it."""
        evidence = Evidence()
        for at, percent in progress:
            moment = rfc3339(from_millis(at))
            told = (
                Evidence(completions={f"s{at}": Completion(moment)})
                if percent == 100
                else Evidence(points={moment: Point(percent)})
            )
            evidence |= told
        record = Record("acme", learner_id, urn).with_evidence(learner_id, evidence, DURATION)
        self.table.put(record.to_item(rfc3339(self.clock())))

    def attempts(self, learner_id: str, urn: str = COURSE) -> tuple[Attempt, ...]:
        """Return a learner's attempts at a course."""
        item = self.table.get(keys.record("acme", learner_id, urn))
        return Record.from_item(item).attempts if item else ()

    def found(self, kind: Kind, value: str) -> Learner | None:
        """Return the learner who holds an identifier, if any."""
        item = self.table.get(keys.identity("acme", *normalised(kind, value)))
        (learner_id,) = (IdentityItem.from_item(item).live if item else None) or (None,)
        found = self.table.get(keys.learner("acme", learner_id)) if learner_id else None
        return Learner.from_item(found) if found else None

    def sync(self, mode: str = "full", **event: Any) -> Run:
        """Run the state machine to its end and return the run's record."""
        return StateMachine(TASKS, self.context).run(
            {"integration_id": "acme", "mode": mode, "trigger": "test", **event}
        )

    def calls(self) -> list[dict[str, str]]:
        """Return the query parameters of every report request since the last reset."""
        recent = self.world.requests.report()["recent"]
        return [one["parameters"] for one in recent if one["path"].endswith("learningActivityReports")]

    def objects(self) -> list[str]:
        """Return the keys of all objects in the bucket."""
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


MakeLab = Callable[..., Lab]
