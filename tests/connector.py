"""Clients of the API for tests: tokens, integrations, syncs, and waiting for what happens asynchronously."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

EVENTS = Path(__file__).resolve().parents[1] / "events"
PATIENCE_SECONDS = 90
CONTENT_PAIR = {"client_id": "sandbox-content", "client_secret": "WPL_AP1.content/Zm9v+YmFy=="}
SANDBOX_PAIR = {"client_id": "sandbox-both", "client_secret": "WPL_AP1.both/c2Vj+cmV0=="}
T = TypeVar("T")


def event(name: str) -> Any:
    """Return one of the payloads in `events/`."""
    return json.loads((EVENTS / name).read_text())


def eventually(
    look: Callable[[], T], enough: Callable[[T], object], patience: float = PATIENCE_SECONDS, pause: float = 0.2
) -> T:
    """Call ``look`` until ``enough`` accepts the result, and return it; a failure shows the last result."""
    deadline = time.monotonic() + patience
    while not enough(seen := look()):
        assert time.monotonic() < deadline, f"waited {patience} s, and still: {seen}"
        time.sleep(pause)
    return seen


class Caller:
    """A client of the API that requests a token when it has none."""

    def __init__(self, http: httpx.Client, client_id: str, client_secret: str, scope: str | None = None) -> None:
        self.http = http
        self.form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        if scope:
            self.form["scope"] = scope
        self._token = ""

    def token(self) -> str:
        if not self._token:
            answer = self.http.post("/oauth2/token", data=self.form)
            assert answer.status_code == 200, answer.text
            self._token = answer.json()["access_token"]
        return self._token

    def forget_token(self) -> None:
        self._token = ""

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token()}", **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def ask(self, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        """Send, check the status, and return the JSON (or ``None`` for an empty answer)."""
        answer = self.send(method, path, **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def every(self, path: str, **params: Any) -> list[Any]:
        """Return the items of all pages of a list."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.ask("GET", path, params={**params, **({"cursor": cursor} if cursor else {})})
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items


class Connection:
    """An integration created for a test, with its callers."""

    def __init__(self, admin: Caller, **settings: Any) -> None:
        self.admin = admin
        self.made = admin.ask(
            "POST", "/admin/integrations", 201, json={"name": f"Test {uuid.uuid4().hex[:8]}", **settings}
        )
        self.id = self.made["id"]
        webhook = self.made["webhook"]
        self.linkedin = Caller(admin.http, webhook["client_id"], webhook["client_secret"], "xapi:write")
        client = admin.ask(
            "POST",
            "/admin/clients",
            201,
            json={"name": "LMS", "scopes": ["learning:read", "learning:write"], "integration_id": self.id},
        )
        self.lms = Caller(admin.http, client["client_id"], client["client_secret"])

    def connect(self, pair: dict[str, str] | None = None) -> None:
        """Save a key pair of the sandbox for the integration."""
        self.admin.ask("PUT", f"/admin/integrations/{self.id}/credentials/content", json=pair or SANDBOX_PAIR)

    def sync(
        self, mode: str = "full", kind: str = "catalog", patience: float = 300, pause: float = 0.2
    ) -> dict[str, Any]:
        """Start a run, wait for its end and return it."""
        started = self.admin.ask("POST", f"/admin/integrations/{self.id}/runs", 202, json={"kind": kind, "mode": mode})
        path = f"/admin/integrations/{self.id}/runs/{started['id']}"
        run: dict[str, Any] = eventually(
            lambda: self.admin.ask("GET", path), lambda run: run["status"] != "running", patience, pause
        )
        return run

    def post(self, *statements: dict[str, Any]) -> list[str]:
        """Post statements as LinkedIn does: a single one as an object, several as an array."""
        body = statements[0] if len(statements) == 1 else list(statements)
        ids: list[str] = self.linkedin.ask("POST", "/xapi/statements", json=body)
        return ids

    def courses(self, **params: Any) -> list[Any]:
        return self.lms.every(f"/learning/{self.id}/courses", limit=1000, **params)

    def learner(self, **identifier: str) -> dict[str, Any] | None:
        found = self.lms.every(f"/learning/{self.id}/learners", **identifier)
        return found[0] if found else None

    def attempts(self, email: str) -> list[Any]:
        learner = self.learner(email=email)
        return self.lms.every(f"/learning/{self.id}/learners/{learner['id']}/attempts") if learner else []

    def statement(self, statement_id: str) -> dict[str, Any]:
        path = f"/admin/integrations/{self.id}/statements/{quote(statement_id, safe='')}"
        found: dict[str, Any] = self.admin.ask("GET", path)
        return found

    def outcome(self, statement_id: str) -> tuple[str, str | None]:
        """Wait until a statement is judged, and return its outcome and reason."""
        judged = eventually(lambda: self.statement(statement_id), lambda found: found["outcome"] != "received")
        return judged["outcome"], judged["reason"]
