"""The demonstration of `make run`: the main job end to end, then where to look next."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
from rich.table import Table

from local.console import console, step
from local.errors import StackError
from local.outputs import Outputs

SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET = "sandbox-both", "WPL_AP1.both/c2Vj+cmV0=="
"""One of the sandbox's key pairs; it is valid nowhere else."""

OUTCOMES = ("applied", "held", "ignored", "received")
LEARNERS = 8
SHOWN = 10
MOST_TITLE = 40
PATIENCE_SECONDS = 300
SOON = 1e-5
"""Days of learning to push: less than a second, so that no event is older than the integration."""


class Connector:
    """A client of the API with the first admin's credentials."""

    def __init__(self, outputs: Outputs) -> None:
        self._http = httpx.Client(base_url=outputs.api_url, timeout=60, trust_env=False)
        form = {
            "grant_type": "client_credentials",
            "client_id": outputs.admin_client_id,
            "client_secret": outputs.admin_client_secret,
        }
        token = _checked(self._http.post("/oauth2/token", data=form))["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401  (the API's JSON)
        """Call the API and return its JSON.

        Raises:
            StackError: The API answered with an error.
        """
        return _checked(self._http.request(method, path, **options))

    def every(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  (query parameters)
        """Yield the items of a list, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.ask("GET", path, params={**params, **cursor, "limit": 1000})
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}


def play(outputs: Outputs) -> None:
    """Connect, sync, receive statements, and show the results.

    Args:
        outputs: The running stack.

    Raises:
        StackError: A step failed or took too long.
    """
    with step("Setting up an integration: coursebridge setup", "Integration set up, key pair tested with LinkedIn"):
        integration = _set_up(outputs)
    base = f"/admin/integrations/{integration['id']}"
    _command_line(outputs, "runs", "start", "--integration", integration["id"], "--mode", "full")
    connector = Connector(outputs)
    run = connector.ask("GET", f"{base}/runs")["items"][0]
    with step("LinkedIn pushes what learners do", "LinkedIn got a token and pushed progress and completions"):
        _push(outputs, integration["webhook"])
    with step("Waiting until every statement is judged", "Every statement is judged"):
        _settled(connector, base)
    console.print()
    _show_run(run)
    _show_statements(connector, base)
    _show_attempts(connector, integration["id"])
    show_addresses(outputs)
    _show_commands(outputs, integration["id"])


def show_addresses(outputs: Outputs) -> None:
    """Print the addresses of the stack, but no secret."""
    console.print()
    console.print(f"  [bold]API[/bold]       {outputs.api_url}   [dim]description: {outputs.api_url}/admin/docs[/dim]")
    console.print(f"  [bold]LinkedIn[/bold]  {outputs.linkedin_url}")
    console.print(f"  [bold]AWS[/bold]       {outputs.endpoint_url}  (region {outputs.region})")
    console.print(f"  [bold]Logs[/bold]      make logs, and {outputs.logs}")
    console.print("  [bold]Admin[/bold]     client id and secret are in .local/outputs.json")
    console.print()


def _set_up(outputs: Outputs) -> dict[str, Any]:
    """Set up an integration with the command line alone, as a new admin would."""
    pair = ("--name", "Demonstration", "--client-id", SANDBOX_CLIENT_ID, "--secret-stdin")
    printed = _command_line(outputs, "setup", *pair, "--no-sync", "--json", typed=SANDBOX_CLIENT_SECRET)
    integration: dict[str, Any] = json.loads(printed)
    return integration


def _command_line(outputs: Outputs, *words: str, typed: str | None = None) -> str:
    """Run `coursebridge` with these words; with ``typed`` input, return its output instead of showing it.

    Raises:
        StackError: The command failed.
    """
    called = {
        "COURSEBRIDGE_URL": outputs.api_url,
        "COURSEBRIDGE_CLIENT_ID": outputs.admin_client_id,
        "COURSEBRIDGE_CLIENT_SECRET": outputs.admin_client_secret,
    }
    done = subprocess.run(  # noqa: S603 - the command is this project's own
        [sys.executable, "-m", "coursebridge_cli", *words],
        input=typed,
        stdout=subprocess.PIPE if typed else None,
        text=True,
        check=False,
        env={**os.environ, **called},
    )
    if done.returncode:
        raise StackError(f"`coursebridge {words[0]}` ended with {done.returncode}. See `make logs`.")
    return done.stdout or ""


def _push(outputs: Outputs, webhook: dict[str, Any]) -> None:
    plan = {
        "oauth_url": webhook["oauth_server_url"],
        "statements_url": webhook["tenant_server_url"],
        "client_id": webhook["client_id"],
        "client_secret": webhook["client_secret"],
        "learners": LEARNERS,
        "courses": 5,
        "per_learner": 2,
        "completed": 0.5,
        "days": SOON,
        "variants": {"unknown_course": 0.05},
    }
    url = f"{outputs.linkedin_url}/_sandbox/push"
    pushed = _checked(httpx.post(url, json=plan, timeout=PATIENCE_SECONDS, trust_env=False))
    if set(pushed["statuses"]) != {"200"}:
        raise StackError(f"Not every statement was taken: {pushed['statuses']} See `make logs`.")


def _settled(connector: Connector, base: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while connector.ask("GET", f"{base}/statements", params={"outcome": "received", "limit": 1})["items"]:
        if time.monotonic() > deadline:
            raise StackError("Statements wait to be applied for too long. See `make logs`.")
        time.sleep(0.3)


def _show_run(run: dict[str, Any]) -> None:
    table = Table(title="Courses, by what the sync did", title_justify="left")
    for name, value in run["counts"].items():
        table.add_column(name, justify="right", style="bold" if value else "dim")
    table.add_row(*(str(value) for value in run["counts"].values()))
    console.print(table)


def _show_statements(connector: Connector, base: str) -> None:
    counted = Counter(
        (outcome, statement["reason"] or "")
        for outcome in OUTCOMES
        for statement in connector.every(f"{base}/statements", outcome=outcome)
    )
    table = Table("outcome", "why", "statements", title="Statements, by outcome", title_justify="left")
    for (outcome, reason), number in sorted(counted.items()):
        table.add_row(outcome, reason, str(number))
    console.print(table)


def _show_attempts(connector: Connector, integration_id: str) -> None:
    base = f"/learning/{integration_id}"
    table = Table(title="Attempts", title_justify="left")
    for name in ("learner", "course", "status", "progress", "completed"):
        table.add_column(name, no_wrap=True, ratio=1 if name == "course" else None)
    rows = 0
    for learner in connector.every(f"{base}/learners"):
        for attempt in connector.every(f"{base}/learners/{learner['id']}/attempts"):
            rows += 1
            if rows <= SHOWN:
                course = connector.ask("GET", f"{base}/courses/{quote(attempt['course_urn'], safe='')}")
                completed = (attempt["completed_at"] or "")[:16].replace("T", " ")
                status, progress = attempt["status"], f"{attempt['progress']} %"
                table.add_row(learner["email"], course["title"][:MOST_TITLE], status, progress, completed)
    table.caption = f"{min(rows, SHOWN)} of {rows}"
    console.print(table)


def _show_commands(outputs: Outputs, integration_id: str) -> None:
    read = "import json,sys; print(json.load(open('.local/outputs.json'))[sys.argv[1]])"
    console.print("  [bold]Try next[/bold]")
    console.print("    .venv/bin/coursebridge status")
    console.print("    .venv/bin/coursebridge runs start --mode incremental")
    console.print("    .venv/bin/coursebridge statements list --outcome held")
    console.print("    or with curl:")
    console.print(f'    SECRET=$(python3 -c "{read}" admin_client_secret)', markup=False)
    console.print(
        f"    TOKEN=$(curl -s {outputs.api_url}/oauth2/token -d grant_type=client_credentials"
        f' -d client_id={outputs.admin_client_id} --data-urlencode "client_secret=$SECRET"'
        " | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')",
        markup=False,
    )
    url = f"{outputs.api_url}/learning/{integration_id}/courses?q=excel"
    console.print(f'    curl -s -H "Authorization: Bearer $TOKEN" "{url}"', markup=False)
    console.print()


def _checked(answer: httpx.Response) -> Any:  # noqa: ANN401  (the API's JSON)
    if answer.is_success:
        return answer.json() if answer.content else None
    called = f"{answer.request.method} {answer.request.url.path}"
    raise StackError(f"{called} was answered {answer.status_code}: {answer.text[:500]}. See `make logs`.")
