"""`coursebridge credentials` and `coursebridge webhook`: the secrets for calling LinkedIn and for its calls."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from coursebridge_cli import output
from coursebridge_cli.hints import in_commands
from coursebridge_cli.integrations import PASTED
from coursebridge_cli.options import Integration, Json, SecretStdin, Yes, client, new_app, secret, sure

app = new_app("LinkedIn key pairs: what Coursebridge calls LinkedIn with.")
webhook = new_app("The webhook: what LinkedIn calls Coursebridge with.")


class Scope(StrEnum):
    """What a key pair is for."""

    CONTENT = "content"
    REPORT = "report"


READS = {"content": "the catalogue", "report": "activity reports"}
Pair = Annotated[Scope, typer.Argument(help="Which key pair; one alone serves both purposes.")]


@app.command()
def save(
    pair: Pair,
    client_id: Annotated[str, typer.Option(prompt="Client ID", help="As LinkedIn shows it.")],
    integration: Integration = None,
    *,
    secret_stdin: SecretStdin = False,
    as_json: Json = False,
) -> None:
    """Test a key pair with LinkedIn and save it. Prompts for the secret, or reads it with --secret-stdin."""
    api = client()
    found = api.integration(integration)
    body = {"client_id": client_id, "client_secret": secret("Client Secret", from_stdin=secret_stdin)}
    kept = api.send("PUT", f"/admin/integrations/{found['id']}/credentials/{pair}", body)
    if as_json:
        output.as_json({**kept["credentials"], "warning": kept["warning"]})
        return
    told_saved(pair, kept)


@app.command()
def delete(pair: Pair, integration: Integration = None, *, yes: Yes = False) -> None:
    """Delete a key pair."""
    api = client()
    found = api.integration(integration)
    sure(f"Delete the {pair} key pair of {found['name']}?", yes=yes)
    api.send("DELETE", f"/admin/integrations/{found['id']}/credentials/{pair}")
    output.note("Deleted.")


def told_saved(pair: str, kept: Mapping[str, Any]) -> None:
    """Print that a key pair is saved and, if LinkedIn does not let it read everything, what it may read.

    Args:
        pair: What the key pair is saved as.
        kept: The answer of the API.
    """
    if not kept["warning"]:
        output.console.print(f"LinkedIn accepts this key pair: saved as {pair}.")
        return
    output.console.print(f"LinkedIn gives a token for this key pair: saved as {pair}.")
    output.facts({f"may read {READS[scope]}": may for scope, may in kept["credentials"][pair]["scopes"].items()})
    output.console.print(f"[yellow]Warning:[/] {escape(in_commands(kept['warning']))}")


@webhook.command()
def show(integration: Integration = None, *, as_json: Json = False) -> None:
    """Show the values to paste into LinkedIn, and the live secrets."""
    api = client()
    found = api.get(f"/admin/integrations/{api.integration(integration)['id']}/webhook")
    if as_json:
        output.as_json(found)
        return
    output.facts({name: found[name] for name in PASTED if name in found})
    output.table(
        "Secrets",
        ("Number", "Made", "Last used"),
        ((secret["n"], secret["created_at"], secret["last_used_at"]) for secret in found["secrets"]),
        "There is no live secret.",
    )
    if found["warning"]:
        output.console.print(f"[yellow]Warning:[/] {escape(in_commands(found['warning']))}")


@webhook.command()
def rotate(integration: Integration = None, *, as_json: Json = False) -> None:
    """Create a new secret; the previous one stays valid until it is revoked."""
    api = client()
    found = api.send("POST", f"/admin/integrations/{api.integration(integration)['id']}/webhook/rotate")
    if as_json:
        output.as_json(found)
        return
    output.facts({name: found[name] for name in PASTED})
    output.note("The secret is shown only this once. Paste it into LinkedIn, then revoke the previous one.")


@webhook.command()
def revoke(
    number: Annotated[int, typer.Argument(help="The number of the secret.")],
    integration: Integration = None,
    *,
    yes: Yes = False,
) -> None:
    """Revoke a secret and the tokens issued from it."""
    api = client()
    found = api.integration(integration)
    sure(f"Revoke secret {number} of {found['name']}? Make sure that LinkedIn no longer uses it.", yes=yes)
    api.send("DELETE", f"/admin/integrations/{found['id']}/webhook/secrets/{number}")
    output.note("Revoked.")
