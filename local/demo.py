"""What `make run` plays once the stack is up: the main job, end to end, and where to look afterwards."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local.console import console, step
from local.errors import StackError
from local.outputs import Outputs

SANDBOX_PAIR = {"client_id": "sandbox-both", "client_secret": "WPL_AP1.both/c2Vj+cmV0=="}
"""One of the key pairs that the sandbox knows; it opens nothing else."""

OUTCOMES = ("applied", "held", "ignored", "received")
LEARNERS = 8
SHOWN = 10
MOST_TITLE = 40
PATIENCE_SECONDS = 300
SOON = 1e-5
"""Days: the pushed learning happens within a second, so that nothing is older than the integration."""


class Connector:
    """The API as an admin calls it."""

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
        """Return what the API answers.

        Raises:
            StackError: the API refused.
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
    """Connect, sync, take statements, and show what came of it.

    Args:
        outputs: Where everything is.

    Raises:
        StackError: the stack did not do what it should.
    """
    connector = Connector(outputs)
    with step("Setting up an integration with LinkedIn Learning", "Integration set up, key pair tested with LinkedIn"):
        integration = connector.ask("POST", "/admin/integrations", json={"name": "Demonstration", "tags_enabled": True})
        base = f"/admin/integrations/{integration['id']}"
        connector.ask("PUT", f"{base}/credentials/content", json=SANDBOX_PAIR)
    run = _sync(connector, base)
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
    """Print where everything is, never a secret."""
    console.print()
    console.print(f"  [bold]API[/bold]       {outputs.api_url}   [dim]description: {outputs.api_url}/admin/docs[/dim]")
    console.print(f"  [bold]LinkedIn[/bold]  {outputs.linkedin_url}")
    console.print(f"  [bold]AWS[/bold]       {outputs.endpoint_url}  (region {outputs.region})")
    console.print(f"  [bold]Logs[/bold]      make logs, and {outputs.logs}")
    console.print("  [bold]Admin[/bold]     client id and secret are in .local/outputs.json")
    console.print()


def _sync(connector: Connector, base: str) -> dict[str, Any]:
    run = connector.ask("POST", f"{base}/runs", json={"kind": "catalog", "mode": "full"})
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Syncing the catalogue", total=None)
        while run["status"] == "running":
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise StackError("The catalogue sync does not end. See `make logs`.")
            time.sleep(0.2)
            run = connector.ask("GET", f"{base}/runs/{run['id']}")
            progress.update(task, completed=run["progress"]["done"], total=run["progress"]["total"])
    if run["status"] != "succeeded":
        raise StackError(f"The catalogue sync ended as {run['status']}: {run['errors']} See `make logs`.")
    seconds = time.monotonic() - started
    read = run["counts"]["read"]
    console.print(f"  [green]✓[/green] Catalogue synced: {read} assets read [dim]({seconds:.1f} s)[/dim]")
    return dict(run)


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
    console.print(f"    .venv/bin/coursebridge runs start {integration_id} --mode incremental")
    console.print(f"    .venv/bin/coursebridge statements list {integration_id} --outcome held")
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
