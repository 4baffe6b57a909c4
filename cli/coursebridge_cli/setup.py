"""`coursebridge setup`: from nothing to a synced catalogue, one question at a time."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from coursebridge_cli import hints, output
from coursebridge_cli.client import Client
from coursebridge_cli.credentials import told_saved
from coursebridge_cli.errors import CommandError
from coursebridge_cli.integrations import PASTED
from coursebridge_cli.options import Json, SecretStdin, client, secret
from coursebridge_cli.runs import follow


class Learners(StrEnum):
    """How LinkedIn identifies learners."""

    EMAIL = "email"
    USERNAME = "username"
    EXTERNAL_ID = "external_id"


def setup(
    name: Annotated[str, typer.Option(prompt="Name of the integration", help="Its name.")],
    client_id: Annotated[
        str,
        typer.Option(prompt="LinkedIn's Client ID (admin area: Me > Integrate > Access content and reports via API)"),
    ],
    learners: Annotated[Learners, typer.Option(help="How LinkedIn identifies learners.")] = Learners.EMAIL,
    *,
    secret_stdin: SecretStdin = False,
    sync: Annotated[bool, typer.Option("--sync/--no-sync", help="Fetch the catalogue now.")] = True,
    as_json: Json = False,
) -> None:
    """Connect a LinkedIn Learning account: create an integration, save its key pair, fetch the catalogue."""
    api = client()
    typed = secret("Client Secret", from_stdin=secret_stdin)
    others = list(api.every("/admin/integrations", 1))
    made = api.send("POST", "/admin/integrations", {"name": name, "learner_identification": str(learners)})
    if others:
        hints.about(made["id"])
    _say(f"Created the integration {made['id']}.", as_json=as_json)
    try:
        body = {"client_id": client_id, "client_secret": typed}
        saved = api.send("PUT", f"/admin/integrations/{made['id']}/credentials/content", body)
    except (CommandError, KeyboardInterrupt):
        _undo(api, made["id"])
        raise
    made |= {"credentials": saved["credentials"], "warning": saved["warning"]}
    # Print the secret before the sync, which may take long or fail: it is never shown again.
    if not as_json:
        told_saved("content", saved)
        output.console.print("\nPaste these into LinkedIn; the secret is shown only this once:\n")
        output.facts({field: made["webhook"][field] for field in PASTED})
        output.console.print()
    try:
        run = _first_sync(api, made["id"], as_json=as_json) if sync else None
        left = api.get(f"/admin/integrations/{made['id']}")["setup"]
    except CommandError:
        if as_json:
            output.as_json({**made, "run": None})
        raise
    if as_json:
        output.as_json({**made, "setup": left, "run": run})
        return
    output.steps(left, "text")


def _undo(api: Client, integration_id: str) -> None:
    """Delete the new integration: it is of no use yet, and the next attempt creates another one."""
    try:
        api.send("DELETE", f"/admin/integrations/{integration_id}", query={"force": "true"})
    except CommandError:
        output.note(f"It is still there. Delete it: coursebridge integrations delete -i {integration_id} --force")


def _first_sync(api: Client, integration_id: str, *, as_json: bool) -> dict[str, Any]:
    run = api.send("POST", f"/admin/integrations/{integration_id}/runs", {"kind": "catalog", "mode": "full"})
    if not as_json:
        follow(api, integration_id, run, wait=True, as_json=False)
    return dict(run)


def _say(text: str, *, as_json: bool) -> None:
    if not as_json:
        output.console.print(text)
