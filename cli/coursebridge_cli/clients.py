"""`coursebridge clients`: callers other than LinkedIn."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from coursebridge_cli import output
from coursebridge_cli.options import Json, Yes, client, new_app, sure

app = new_app("Clients: LMSs, portals and admins that may call.")
ClientId = Annotated[str, typer.Argument(help="The client's id.")]


@app.command(name="list")
def list_clients(*, as_json: Json = False) -> None:
    """List clients."""
    found = list(client().every("/admin/clients"))
    if as_json:
        output.as_json(found)
        return
    output.table(
        "Clients",
        ("Id", "Name", "Scopes", "Integration", "Secrets", "Last used"),
        (
            (
                caller["client_id"],
                caller["name"],
                caller["scopes"],
                caller["integration_id"] or "all",
                [secret["n"] for secret in caller["secrets"]],
                max((secret["last_used_at"] or "" for secret in caller["secrets"]), default=None),
            )
            for caller in found
        ),
        "There is none.",
    )


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    scope: Annotated[list[str], typer.Option("--scope", "-s", help="A scope, such as learning:read; repeat for more.")],
    integration: Annotated[
        str | None, typer.Option("--integration", "-i", help="The only integration it can access; all by default.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Create a client. Its secret is shown only this once."""
    api = client()
    bound = api.integration(integration)["id"] if integration else None
    made = api.send("POST", "/admin/clients", {"name": name, "scopes": scope, "integration_id": bound})
    _tell(made, as_json=as_json)


@app.command()
def rotate(client_id: ClientId, *, as_json: Json = False) -> None:
    """Create a new secret; the previous one stays valid until it is revoked."""
    _tell(client().send("POST", f"{_path(client_id)}/rotate"), as_json=as_json)


@app.command()
def revoke(
    client_id: ClientId,
    *,
    secret: Annotated[int | None, typer.Option(help="Only the secret with this number.")] = None,
    yes: Yes = False,
) -> None:
    """Revoke a client, or one of its secrets; its tokens become invalid within a minute."""
    sure(f"Revoke {client_id if secret is None else f'secret {secret} of {client_id}'}?", yes=yes)
    client().send("DELETE", _path(client_id) + ("" if secret is None else f"/secrets/{secret}"))
    output.note("Revoked.")


def _path(client_id: str) -> str:
    return f"/admin/clients/{quote(client_id, safe='')}"


def _tell(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(made)
        return
    output.facts({name: made[name] for name in ("client_id", "client_secret", "scopes", "integration_id")})
    output.note("The secret is shown only this once.")
