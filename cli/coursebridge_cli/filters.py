"""`coursebridge filters`: which assets become courses."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from coursebridge_cli import output
from coursebridge_cli.client import Client
from coursebridge_cli.errors import UsageError
from coursebridge_cli.hints import command
from coursebridge_cli.integrations import patch
from coursebridge_cli.options import Integration, Json, Yes, client, new_app, sure

app = new_app("Filters: which assets of LinkedIn's catalogue become courses.")
Changes = Annotated[
    list[str] | None,
    typer.Argument(
        help='Filters as name=value, such as \'languages=["en","de"]\'. A value replaces the current one of that name, '
        "lists too; other filters stay.",
        show_default=False,
    ),
]
Urns = Annotated[list[str], typer.Argument(help="URNs of assets, such as urn:li:lyndaCourse:252")]
Remove = Annotated[bool, typer.Option("--remove", help="Take the URNs out of the list again.")]
File = Annotated[Path | None, typer.Option(help="All filters, as JSON.", exists=True, dir_okay=False)]


@app.command()
def show(integration: Integration = None, *, as_json: Json = False) -> None:
    """Show the current filters."""
    found = client().integration(integration)["filters"]
    if as_json:
        output.as_json(found)
        return
    output.facts(found)


@app.command()
def preview(
    filters: Changes = None, integration: Integration = None, *, file: File = None, as_json: Json = False
) -> None:
    """Show what filters would archive and restore; nothing is changed."""
    api = client()
    found = api.integration(integration)
    wanted = _wanted(found["filters"], filters, file)
    told = api.send("POST", f"/admin/integrations/{found['id']}/filters/preview", wanted)
    if as_json:
        output.as_json(told)
        return
    _tell(told)


@app.command()
def save(
    filters: Changes = None,
    integration: Integration = None,
    *,
    file: File = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Save filters. Shows a preview and asks first; courses that no longer match are archived at once."""
    api = client()
    found = api.integration(integration)
    _save(api, found["id"], _wanted(found["filters"], filters, file), yes=yes, as_json=as_json)


@app.command()
def include(
    urns: Urns, integration: Integration = None, *, remove: Remove = False, yes: Yes = False, as_json: Json = False
) -> None:
    """Add assets to include_urns: they become courses whatever the other filters say. Shows a preview and asks first.

    An asset that is not in the catalogue yet arrives with the next sync.
    """
    _list_urns("include_urns", urns, integration, remove=remove, yes=yes, as_json=as_json)


@app.command()
def exclude(
    urns: Urns, integration: Integration = None, *, remove: Remove = False, yes: Yes = False, as_json: Json = False
) -> None:
    """Add assets to exclude_urns: they are never courses, even if include_urns has them. Previews and asks first."""
    _list_urns("exclude_urns", urns, integration, remove=remove, yes=yes, as_json=as_json)


def _list_urns(name: str, urns: list[str], integration: str | None, *, remove: bool, yes: bool, as_json: bool) -> None:
    """Add URNs to the filter with this name, or take them out."""
    api = client()
    found = api.integration(integration)
    present = found["filters"]
    listed = [urn for urn in present[name] if urn not in urns]
    wanted = {**present, name: listed if remove else [*listed, *dict.fromkeys(urns)]}
    _save(api, found["id"], wanted, yes=yes, as_json=as_json)
    losing = sorted({*wanted["include_urns"]} & {*wanted["exclude_urns"]} & {*urns})
    if losing:
        output.note(f"Both lists have {', '.join(losing)}: exclude_urns takes precedence.")


def _save(api: Client, integration_id: str, wanted: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    path = f"/admin/integrations/{integration_id}/filters"
    if not yes:
        _tell(api.send("POST", f"{path}/preview", wanted))
    sure("Save these filters?", yes=yes)
    saved = api.send("PUT", path, wanted)
    if as_json:
        output.as_json(saved)
        return
    output.facts(saved["applied"])
    output.notes(saved["notes"])


def _wanted(present: dict[str, Any], changes: list[str] | None, file: Path | None) -> dict[str, Any]:
    if file is not None and changes:
        raise UsageError("give the filters in a file or as name=value, not both")
    if file is not None:
        return _read(file)
    if not changes:
        raise UsageError("no filter is given", "For instance: " + command("""filters preview 'languages=["en"]'"""))
    given = patch(changes)
    for name, value in given.items():
        if name not in present:
            raise UsageError(f"there is no filter {name}", f"The filters are {', '.join(present)}.")
        if isinstance(present[name], list) and not isinstance(value, list):
            # Without the quotes, a shell takes out those inside.
            raise UsageError(f"{name} takes a list", """Write it with all quotes, such as 'languages=["en","de"]'""")
    return {**present, **given}


def _read(file: Path) -> dict[str, Any]:
    try:
        filters = json.loads(file.read_bytes())
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}") from error
    if not isinstance(filters, dict):
        raise UsageError(f"{file} is not a JSON object", 'For instance: {"languages": ["en"]}')
    return filters


def _tell(told: dict[str, Any]) -> None:
    output.facts({name: told[name] for name in ("archived", "restored", "kept")})
    for what in ("archived", "restored"):
        if told["samples"][what]:
            rows = ((course["urn"], course["title"]) for course in told["samples"][what])
            output.table(f"Examples of {what} courses", ("URN", "Title"), rows, "")
    output.notes(told["notes"])
