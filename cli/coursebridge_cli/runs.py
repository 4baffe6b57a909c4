"""`coursebridge runs`: syncs, with their progress."""

import time
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from coursebridge_cli import output
from coursebridge_cli.client import Client
from coursebridge_cli.errors import CommandError
from coursebridge_cli.hints import command, in_commands
from coursebridge_cli.options import Integration, Json, Most, Yes, client, new_app, sure

app = new_app("Runs: executions of a sync.")
SECONDS_BETWEEN_LOOKS = 1.0
RunId = Annotated[str, typer.Argument(help="The run's id.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show progress until it ends.")]
COUNTED = ("read", "created", "updated", "archived", "restored", "ignored", "unchanged", "failed")


class Kind(StrEnum):
    """What is synced."""

    CATALOG = "catalog"
    ACTIVITY = "activity"


class Mode(StrEnum):
    """Whether to read everything or only changes."""

    INCREMENTAL = "incremental"
    FULL = "full"


@app.command()
def start(
    integration: Integration = None,
    *,
    kind: Annotated[Kind, typer.Option(help="What to sync.")] = Kind.CATALOG,
    mode: Annotated[Mode, typer.Option(help="Whether to read everything or only changes.")] = Mode.INCREMENTAL,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Start a run, or join the one that is running."""
    api = client()
    found = api.integration(integration)
    body = {"kind": str(kind), "mode": str(mode)}
    run = api.send("POST", f"/admin/integrations/{found['id']}/runs", body)
    follow(api, found["id"], run, wait=wait, as_json=as_json)


@app.command(name="list")
def list_runs(integration: Integration = None, *, limit: Most = 20, as_json: Json = False) -> None:
    """List runs, the newest first."""
    api = client()
    found = list(api.every(f"/admin/integrations/{api.integration(integration)['id']}/runs", limit))
    if as_json:
        output.as_json(found)
        return
    output.table(
        "Runs",
        ("Id", "Kind", "Mode", "Started by", "Status", "Started", *(name.capitalize() for name in COUNTED)),
        (
            (
                run["id"], run["kind"], run["mode"], run["trigger"], run["status"], run["started_at"],
                *(run["counts"].get(name, 0) for name in COUNTED),
            )
            for run in found
        ),
        f"Nothing has run yet. Start one: {command('runs start')}",
    )  # fmt: skip


@app.command()
def show(run_id: RunId, integration: Integration = None, *, as_json: Json = False) -> None:
    """Show a run with its counts and errors."""
    api = client()
    run = api.get(_path(api.integration(integration)["id"], run_id))
    output.as_json(run) if as_json else _tell(run)


@app.command()
def watch(run_id: RunId, integration: Integration = None, *, as_json: Json = False) -> None:
    """Show a run's progress until it ends."""
    api = client()
    found = api.integration(integration)["id"]
    follow(api, found, api.get(_path(found, run_id)), wait=True, as_json=as_json)


@app.command()
def redrive(run_id: RunId, integration: Integration = None, *, wait: Wait = True, as_json: Json = False) -> None:
    """Repeat only what failed in a run."""
    api = client()
    found = api.integration(integration)["id"]
    run = api.send("POST", f"{_path(found, run_id)}/redrive")
    follow(api, found, run, wait=wait, as_json=as_json)


@app.command()
def confirm(
    run_id: RunId, integration: Integration = None, *, yes: Yes = False, wait: Wait = True, as_json: Json = False
) -> None:
    """Confirm a run that would archive more than archive_limit_percent of the courses."""
    api = client()
    found = api.integration(integration)["id"]
    waiting = api.get(_path(found, run_id))
    if waiting["status"] != "needs_confirmation":
        raise CommandError(f"the run waits for nothing: it is {waiting['status']}", "See " + command("runs list"))
    sure(f"Archive {waiting['pending_archive']} courses?", yes=yes)
    run = api.send("POST", f"{_path(found, run_id)}/confirm")
    follow(api, found, run, wait=wait, as_json=as_json)


def follow(api: Client, integration_id: str, run: dict[str, Any], *, wait: bool, as_json: bool) -> None:
    """Print a run, after showing its progress until it ends if ``wait``.

    Raises:
        CommandError: The run failed or needs confirmation.
    """
    if wait:
        run = _until_it_ends(api, integration_id, run)
    output.as_json(run) if as_json else _tell(run)
    if run["status"] == "failed":
        raise CommandError("the run failed", "Redrive it: " + command(f"runs redrive {run['id']}"))
    if run["status"] == "needs_confirmation":
        raise CommandError(
            f"the run would archive {run.get('pending_archive')} courses and is waiting for your confirmation",
            "Check its counts, then: " + command(f"runs confirm {run['id']}"),
        )


def _path(integration_id: str, run_id: str) -> str:
    return f"/admin/integrations/{integration_id}/runs/{quote(run_id, safe='')}"


def _until_it_ends(api: Client, integration_id: str, run: dict[str, Any]) -> dict[str, Any]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=output.errors, transient=True) as progress:
        task = progress.add_task(f"{run['kind']} {run['mode']}", total=None)
        while run["status"] == "running":
            time.sleep(SECONDS_BETWEEN_LOOKS)
            run = api.get(_path(integration_id, run["id"]))
            done = ", ".join(f"{run['counts'][name]} {name}" for name in COUNTED if run["counts"].get(name))
            progress.update(
                task,
                completed=run["progress"]["done"],
                total=run["progress"]["total"] or None,
                description=done or "reading",
            )
    return run


def _tell(run: dict[str, Any]) -> None:
    counts = run["counts"]
    output.facts(
        {
            "run": run["id"],
            "kind": f"{run['kind']}, {run['mode']}",
            "status": run["status"],
            "started": run["started_at"],
            "finished": run["finished_at"],
            "read": counts.get("read", 0),
            **{name: counts[name] for name in COUNTED[1:] if counts.get(name)},
            **_of_reports(run),
            **_how_clean(run),
        }
    )
    for problem in run["errors"]:
        output.console.print(f"[bold red]{problem['count']} times[/] {escape(problem['detail'])}")
        output.console.print(f"   {escape(problem['cause'])}", style="dim")
        output.console.print(f"   → {escape(in_commands(problem['remedy']))}")
    if run.get("unknown_learners"):
        output.table(
            "People in the reports who are no active learner",
            ("Identifiers", "Since", "Why"),
            (
                (
                    [f"{named['type']}:{named['value']}" for named in person["identifiers"]],
                    person["since"],
                    person["reason"],
                )
                for person in run["unknown_learners"]
            ),
            "",
        )
        output.console.print(
            f"   → Add them: {command('learners import FILE')}, or {command('assign IDENTIFIER LEARNER')}. "
            "The next run reads their activity again."
        )


def _of_reports(run: dict[str, Any]) -> dict[str, str]:
    """Return the results that only a run of activity reports has; what is zero is left out."""
    repairs = dict(run.get("repairs") or {})
    repairs.pop("total", None)
    history = repairs.pop("history", 0)
    filled_in = _counted(repairs)
    if history:
        filled_in += f" ({history} from before the push was set up)"
    drift = float(run.get("drift_percent") or 0)
    found = {
        "people": _counted(run.get("people")),
        "filled in": filled_in,
        "not filled in": _counted(run.get("not_repaired")),
        "taken again": str(run.get("reengaged") or ""),
        "drift": f"{drift:g} % of the records differed from the reports" if drift else "",
    }
    return {name: text for name, text in found.items() if text}


def _counted(numbers: dict[str, int] | None) -> str:
    return ", ".join(f"{name}: {number}" for name, number in (numbers or {}).items() if number)


def _how_clean(run: dict[str, Any]) -> dict[str, str]:
    """Return whether everything could be read; nothing while the run is under way."""
    if run.get("clean") is None:
        return {}
    return {"clean": "yes" if run["clean"] else "no: not everything could be read"}
