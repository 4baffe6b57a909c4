"""`coursebridge status` and `coursebridge selftest`: whether an integration needs attention."""

from typing import Any

import typer
from rich.markup import escape

from coursebridge_cli import output
from coursebridge_cli.hints import in_commands
from coursebridge_cli.options import Integration, Json, client


def status(integration: Integration = None, *, as_json: Json = False) -> None:
    """Say whether an integration needs attention, and why. Exits with 1 if it does."""
    api = client()
    found = api.integration(integration)
    told = api.get(f"/admin/integrations/{found['id']}/status")
    output.as_json(told) if as_json else _tell(found["name"], told)
    if not told["healthy"]:
        raise typer.Exit(1)


def selftest(integration: Integration = None, *, as_json: Json = False) -> None:
    """Test both directions: tokens, a page for each scope, a statement to the API. Exits with 1 if a step fails."""
    api = client()
    told = api.send("POST", f"/admin/integrations/{api.integration(integration)['id']}/selftest")
    output.as_json(told) if as_json else output.steps(told["steps"], "why")
    if not told["ok"]:
        raise typer.Exit(1)


def _tell(name: str, told: dict[str, Any]) -> None:
    verdict = "[green]All is well.[/]" if told["healthy"] else "[bold red]Needs attention.[/]"
    output.console.print(f"[bold]{escape(name)}[/]  {verdict}")
    for reason in told["reasons"]:
        output.console.print(f"[red]![/] {escape(in_commands(reason))}")
    output.notes(told["notes"])
    output.table(
        "Syncs",
        ("Kind", "Scheduled", "Last", "Finished", "Last success", "Next"),
        (
            (
                kind,
                sync["enabled"],
                "running" if sync["running"] else sync["last_status"],
                sync["last_finished_at"],
                sync["last_success_at"],
                sync["next_run_at"],
            )
            for kind, sync in told["syncs"].items()
        ),
        "",
    )
    last = told["last_statement"]
    pairs = {scope: pair for scope, pair in told["credentials"].items() if pair}
    output.facts(
        {
            "last statement": last and last["stored_at"],
            "held": ", ".join(f"{number} {reason}" for reason, number in told["held"].items()) or "none",
            "silence": told["silence"]["state"],
            "throttled until": told["throttling"]["until"],
            **{
                f"{scope} key pair": f"{pair['client_id']}, {pair['age_days']} days old"
                for scope, pair in pairs.items()
            },
        }
    )
