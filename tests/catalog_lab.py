"""A lab for catalogue syncs: the real services with the sandbox's catalogue and an in-memory table, no server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from coursebridge.catalog.sync.context import Context
from coursebridge.catalog.sync.tasks import TASKS
from coursebridge.integrations.models import Integration
from coursebridge.integrations.runs import RunControl
from coursebridge.linkedin.client import LinkedInClient
from coursebridge.linkedin.credentials import KeyPair
from coursebridge.linkedin.errors import CredentialsRefused
from coursebridge.linkedin.tokens import TokenSource
from coursebridge.storage.classifications import ClassificationStore
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.runs import RunStore
from sandbox.catalogue.steps import Step, take
from sandbox.rest.tokens import DEFAULT_APPLICATIONS
from state_machine import StateMachine

if TYPE_CHECKING:
    from collections.abc import Collection

    from coursebridge.catalog.search.publishing import Changes
    from coursebridge.storage.run_shapes import Run
    from sandbox.world import World

BASE_URL = "http://sandbox.example"
SECRETS = {application.client_id: application.client_secret for application in DEFAULT_APPLICATIONS}


class InProcess(httpx.BaseTransport):
    """Passes requests to an ASGI application, one at a time, from any thread."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self._runner = asyncio.Runner()
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            try:
                return self._runner.run(self._answer(request))
            except ConnectionResetError as error:
                raise httpx.RemoteProtocolError("closed", request=request) from error

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

    def close(self) -> None:
        self._runner.close()


class SharedTokens:
    """In-memory storage for the tokens of an integration."""

    def __init__(self) -> None:
        self.tokens: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        return dict(self.tokens)

    def write(self, tokens: dict[str, Any]) -> None:
        self.tokens = tokens


class Clock:
    """A clock that advances only when told to. It starts at the present, because the sandbox has a clock of its own."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment

    def goes_on(self, **by: float) -> None:
        self.moment += timedelta(**by)


def integration(**settings: Any) -> Integration:
    """Return a valid integration."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Integration(
        **{
            "id": "acme", "name": "Acme", "statistics_since": at, "created_at": at, "updated_at": at, **settings,
        }
    )  # fmt: skip


@dataclass
class Lab:
    """Everything around a sync: LinkedIn's catalogue, the settings, and a state machine to run it."""

    world: World
    table: Any
    http: httpx.Client
    settings: Integration
    clock: Clock = field(default_factory=Clock)
    pair: KeyPair | None = field(default_factory=lambda: KeyPair.of("sandbox-content", SECRETS["sandbox-content"]))
    shared: SharedTokens = field(default_factory=SharedTokens)
    awaited: Collection[str] = ()
    indexed: int = 0
    published: int | None = None
    amended: frozenset[str] | None = None
    executions: int = 0

    @property
    def context(self) -> Context:
        return Context(
            integration_id="acme",
            integration=lambda: self.settings,
            linkedin=self.linkedin,
            runs=RunStore(self.table, "acme", "catalog"),
            courses=CourseStore(self.table, "acme"),
            classifications=ClassificationStore(self.table, "acme"),
            reindex=self.reindex,
            published=lambda: self.published,
            now=self.clock,
            awaited=lambda: self.awaited,
        )

    def linkedin(self) -> LinkedInClient:
        if self.pair is None:
            raise CredentialsRefused("credentials_missing", "")
        tokens = TokenSource(self.http, self.pair, self.shared)
        return LinkedInClient(self.http, tokens, "content", sleep=lambda _seconds: None)

    def changes(self, **settings: Any) -> None:
        """Change the settings, as an admin would."""
        changed = {**self.settings.model_dump(), **settings, "version": self.settings.version + 1}
        self.settings = Integration.model_validate(changed)

    def sync(self, mode: str = "full", **event: Any) -> Run:
        """Run the state machine to its end and return the run's record."""
        self.executions += 1
        self.clock.goes_on(seconds=1)
        begun = {"integration_id": "acme", "mode": mode, "trigger": "test", "execution": f"execution-{self.executions}"}
        return StateMachine(TASKS, self.context).run(begun | event)

    def resumed(self, run: Run) -> Run:
        """Run the state machine for a run that was redriven or confirmed."""
        return self.sync(run["mode"], run_id=run["id"])

    @property
    def control(self) -> RunControl:
        return RunControl(self.context.runs, now=self.clock)

    def truth(self, *types: str, **wanted: Any) -> set[str]:
        """Return the URNs of the assets that the sandbox holds, by default licensed and not retired."""
        catalogue = self.world.catalogue
        wanted = {"licensed": True, "retired": False} | wanted
        found = set()
        for asset in catalogue.handles():
            facts = catalogue.facts(asset)
            state = {"licensed": facts.licensed, "retired": facts.retired_at is not None}
            right = all(value is None or state[name] == value for name, value in wanted.items())
            if right and facts.type in (types or ("COURSE",)) and not catalogue.is_removed(asset):
                found.add(catalogue.urn(asset))
        return found

    def active(self) -> set[str]:
        """Return the URNs of the active courses."""
        return {stored.urn for stored in self.context.courses.all() if stored.is_active}

    def step(self, **changes: int) -> dict[str, list[str]]:
        """Change the catalogue in a repeatable way and return the affected assets."""
        touched = take(self.world.catalogue, Step(**changes), self.world.generation)
        self.world.generation += 1
        return touched

    def step_seen_by_the_clock(self, **changes: int) -> dict[str, list[str]]:
        """Change the catalogue, and move the connector's clock up to the sandbox's if it is behind."""
        touched = self.step(**changes)
        self.clock.moment = max(self.clock.moment, datetime.now(UTC))
        return touched

    def calls(self, path: str = "/v2/") -> int:
        """Return how many calls to matching paths the sandbox has received since the last reset."""
        return sum(count for name, count in self.world.requests.report()["counts"].items() if path in name)

    def reindex(self, generation: int, changes: Changes | None) -> int:
        self.indexed += 1
        self.published = generation
        self.amended = changes.urns if changes else None
        return sum(1 for _ in self.context.courses.all())


MakeLab = Callable[..., Lab]
