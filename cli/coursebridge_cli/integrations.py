"""`coursebridge integrations`: settings, activation and deletion."""

import json
from typing import Annotated, Any

import typer

from coursebridge_cli import output
from coursebridge_cli.errors import UsageError
from coursebridge_cli.options import Integration, Json, Yes, client, new_app, sure

app = new_app("Integrations: connected LinkedIn Learning accounts.")
Settings = Annotated[
    list[str] | None,
    typer.Argument(
        help="Settings as name=value, nested ones with a dot: 'filters.languages=[\"en\"]'", show_default=False
    ),
]


@app.command(name="list")
def list_integrations(*, as_json: Json = False) -> None:
    """List integrations."""
    found = list(client().every("/admin/integrations"))
    if as_json:
        output.as_json(found)
        return
    output.table(
        "Integrations",
        ("Id", "Name", "Status", "Learners by", "To do"),
        (
            (
                integration["id"],
                integration["name"],
                integration["status"],
                integration["learner_identification"],
                sum(not step["done"] for step in integration["setup"]) or "nothing",
            )
            for integration in found
        ),
        "There is no integration yet. Create one: coursebridge setup",
    )


@app.command()
def show(integration: Integration = None, *, as_json: Json = False) -> None:
    """Show an integration and what is left to set up."""
    found = client().integration(integration)
    if as_json:
        output.as_json(found)
        return
    shown = {name: value for name, value in found.items() if name not in ("setup", "credentials", "etag")}
    output.facts(_flat(shown))
    output.console.print()
    output.steps(found["setup"], "text")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Its name.")], settings: Settings = None, *, as_json: Json = False
) -> None:
    """Create an integration. The webhook's secret is shown only this once."""
    made = client().send("POST", "/admin/integrations", {"name": name, **patch(settings or [])})
    if as_json:
        output.as_json(made)
        return
    output.console.print(
        f"Created [bold]{made['id']}[/]. Paste these into LinkedIn; the secret is shown only this once:"
    )
    output.facts({field: made["webhook"][field] for field in PASTED if field in made["webhook"]})


PASTED = ("user_type", "oauth_server_url", "tenant_server_url", "client_id", "client_secret")


@app.command(name="set")
def change(settings: Settings = None, integration: Integration = None, *, as_json: Json = False) -> None:
    """Change settings: coursebridge integrations set learner_identification=username target_group=null.

    Without arguments, only the schedules are recreated, which is needed after restoring a table.
    """
    api = client()
    found = api.integration(integration)
    changed = api.send("PATCH", f"/admin/integrations/{found['id']}", patch(settings or []))
    if as_json:
        output.as_json(changed)
        return
    if not settings:
        output.note("The schedules are recreated; no setting was changed.")
        return
    notes = changed.pop("notes")
    output.facts({name: value for name, value in _flat(changed).items() if value != _flat(found).get(name)})
    output.notes(notes)


@app.command()
def activate(integration: Integration = None, *, as_json: Json = False) -> None:
    """Start the schedules and restore what deactivating archived."""
    _switch("activate", integration, yes=True, as_json=as_json)


@app.command()
def deactivate(integration: Integration = None, *, yes: Yes = False, as_json: Json = False) -> None:
    """Stop the schedules and archive every course; learning data stays."""
    _switch("deactivate", integration, yes=yes, as_json=as_json)


@app.command()
def delete(
    integration: Integration = None,
    *,
    force: Annotated[bool, typer.Option(help="Even if it is active.")] = False,
    yes: Yes = False,
) -> None:
    """Delete an integration with all its data."""
    api = client()
    found = api.integration(integration)
    sure(f"Delete {found['name']} ({found['id']}) and all its data?", yes=yes)
    api.send("DELETE", f"/admin/integrations/{found['id']}", query={"force": "true"} if force else None)
    output.note(f"{found['name']} is deleted.")


def patch(settings: list[str]) -> dict[str, Any]:
    """Return `a.b=value` pairs as a merge patch; values that are not valid JSON become strings.

    Raises:
        UsageError: A setting is not such a pair, or is nested in one that another pair sets to a value.
    """
    made: dict[str, Any] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            raise UsageError(f"{setting} is not name=value", "Put it in quotes if it contains spaces or brackets.")
        *way, last = path.split(".")
        place = made
        for name in way:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise UsageError(f"{setting} lies inside of another setting that is given a value of its own")
        place[last] = _value(text)
    return made


def _value(text: str) -> Any:  # noqa: ANN401  (any JSON)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _switch(call: str, integration: str | None, *, yes: bool, as_json: bool) -> None:
    api = client()
    found = api.integration(integration)
    sure("Archive every course?", yes=yes)
    changed = api.send("POST", f"/admin/integrations/{found['id']}/{call}")
    if as_json:
        output.as_json(changed)
        return
    output.facts({"status": changed["status"], **changed["applied"]})


def _flat(value: dict[str, Any], way: str = "") -> dict[str, Any]:
    """Return nested settings as a flat mapping with dotted names."""
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{way}{name}.")
        else:
            flat[f"{way}{name}"] = inner
    return flat
