"""Tests both directions for real: LinkedIn gives tokens and pages, and a statement is accepted and judged."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx

from coursebridge.auth import scopes
from coursebridge.auth.tokens import Grant
from coursebridge.clock import rfc3339, utc_now
from coursebridge.errors import CoursebridgeError
from coursebridge.linkedin import assets, probing
from coursebridge.linkedin.errors import LinkedInError
from coursebridge.storage import keys
from coursebridge.storage.statements import StatementStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from coursebridge.auth.clients import Client
    from coursebridge.auth.tokens import Tokens
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.linkedin.credentials import Scope
    from coursebridge.storage.table import Table

State = Literal["ok", "failed", "skipped"]
WAITS_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 8.0
# Neither progress nor completion: the statement is judged, but affects nobody.
VERB = "https://w3id.org/xapi/dod-isd/verbs/verified"
ACTIVITY = "urn:coursebridge:selftest"


@dataclass(frozen=True)
class Step:
    """One step of a self-test."""

    id: str
    title: str
    state: State
    why: str | None = None
    remedy: str | None = None


class Failed(Exception):
    """A step failed for a reason other than an error of LinkedIn's."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True)
class Selftest:
    """Tests an integration.

    Attributes:
        integration: the integration.
        webhook: the client LinkedIn uses.
        table: the application's table.
        tokens: mints the token LinkedIn would get.
        mint: asks LinkedIn for a new token for a scope, whatever is cached.
        linkedin: returns a LinkedIn client for a scope.
        http: the HTTP client for this system's own public address.
        base_url: this system's public address.
        time_is_up: whether to skip the remaining steps.
        now: the clock.
    """

    integration: Integration
    webhook: Client
    table: Table
    tokens: Tokens
    mint: Callable[[Scope], object]
    linkedin: Callable[[Scope], LinkedInClient]
    http: httpx.Client
    base_url: str
    time_is_up: Callable[[], bool]
    now: Callable[[], datetime] = utc_now

    def run(self) -> dict[str, Any]:
        """Run every step and return the results."""
        steps = [self._step(*step) for step in self._plan()]
        return {"ok": all(step.state != "failed" for step in steps), "steps": [asdict(step) for step in steps]}

    def _plan(self) -> Iterator[tuple[str, str, Callable[[], object] | None]]:
        pairs = self.integration.credentials
        yield "content_token", "LinkedIn gives a token for the content key pair", self._minting("content")
        yield "report_token", "LinkedIn gives a token for the report key pair", self._minting("report")
        some = pairs.any()
        yield "assets", "LinkedIn lists assets", self._read_assets if some else None
        yield "classifications", "LinkedIn lists classifications", self._read_classifications if some else None
        wanted = some and self.integration.activity.enabled
        yield "reports", "LinkedIn returns activity reports", self._read_reports if wanted else None
        yield "token_endpoint", "The OAuth Server URL answers", self._reach_token_endpoint
        yield "statement", "A statement is accepted at the Tenant Server URL, processed, and removed again", self._post

    def _minting(self, scope: Scope) -> Callable[[], object] | None:
        return (lambda: self.mint(scope)) if getattr(self.integration.credentials, scope) else None

    def _step(self, step_id: str, title: str, attempt: Callable[[], object] | None) -> Step:
        if attempt is None:
            return Step(step_id, title, "skipped", "it is not set up")
        if self.time_is_up():
            return Step(step_id, title, "skipped", "the previous steps took too long", "Run the self-test again.")
        try:
            attempt()
        except LinkedInError as error:
            error.outside_of_runs()
            return Step(step_id, title, "failed", f"{error.detail}. {error.cause}", error.remedy)
        except CoursebridgeError as error:
            return Step(step_id, title, "failed", error.detail, "Try again; the function's log says more.")
        except Failed as failure:
            return Step(step_id, title, "failed", failure.why, failure.remedy)
        return Step(step_id, title, "ok")

    def _read_assets(self) -> None:
        probing.read_assets(self.linkedin("content"), self.integration.filters.asset_types[0])

    def _read_classifications(self) -> object:
        return assets.classifications_page(self.linkedin("content"), "LIBRARY", "en_US", 0)

    def _read_reports(self) -> None:
        probing.read_reports(self.linkedin("report"), self.now())

    def _reach_token_endpoint(self) -> None:
        # A form without a grant type is refused before any client is authenticated.
        self._call("/oauth2/token", {}, "selftest=1", expected=httpx.codes.BAD_REQUEST)

    def _post(self) -> None:
        statement_id = str(uuid.uuid4())
        grant = Grant(
            self.webhook.client_id, self.webhook.secrets[-1].n, self.integration.id, frozenset({scopes.XAPI_WRITE})
        )
        headers = {
            "Authorization": f"Bearer {self.tokens.mint(grant)}",
            "Content-Type": "application/json",
            "X-Experience-API-Version": "1.0.3",
        }
        try:
            body = json.dumps(self._statement(statement_id))
            self._call("/xapi/statements", headers, body, expected=httpx.codes.OK)
            self._wait_until_judged(statement_id)
        finally:
            self.table.delete(keys.statement(self.integration.id, statement_id))

    def _statement(self, statement_id: str) -> dict[str, Any]:
        return {
            "id": statement_id,
            "timestamp": rfc3339(self.now()),
            "actor": {"objectType": "Agent", "mbox": "mailto:selftest@example.com"},
            "verb": {"id": VERB, "display": {"en-US": "verified"}},
            "object": {"objectType": "Activity", "id": ACTIVITY},
        }

    def _wait_until_judged(self, statement_id: str) -> None:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            item = StatementStore(self.table, self.integration.id).get(statement_id)
            if item and item["outcome"] != "received":
                return
            time.sleep(WAITS_SECONDS)
        raise Failed(
            f"it was stored but not processed within {LONGEST_WAIT_SECONDS:.0f} seconds",
            'Statements are safe but applied late: see "The stream is late" in docs/operations.md.',
        )

    def _call(self, path: str, headers: dict[str, str], body: str, *, expected: httpx.codes) -> None:
        """Post a body to this system's own address; the step fails if the answer has another status."""
        try:
            answer = self.http.post(self.base_url + path, headers=headers, content=body)
        except httpx.RequestError as error:
            raise Failed(
                f"{self.base_url} cannot be reached ({type(error).__name__})",
                "Check ApiPublicUrl, its DNS name and its certificate.",
            ) from error
        if answer.status_code != expected:
            raise Failed(f"it answers {answer.status_code}", "Check ApiPublicUrl, and any proxy in front of the API.")
