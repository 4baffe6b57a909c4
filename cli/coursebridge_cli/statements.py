"""`coursebridge statements` and `coursebridge assign`: received and held statements, and whom they belong to."""

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from coursebridge_cli import output
from coursebridge_cli.errors import UsageError
from coursebridge_cli.identifiers import id_of, identifier
from coursebridge_cli.options import Integration, Json, Most, client, new_app

app = new_app("Statements: what LinkedIn sent, and what became of it.")
StatementId = Annotated[str, typer.Argument(help="The statement's id.")]


class Outcome(StrEnum):
    """How a statement was judged."""

    RECEIVED = "received"
    APPLIED = "applied"
    HELD = "held"
    IGNORED = "ignored"


@app.command(name="list")
def list_statements(
    integration: Integration = None,
    *,
    outcome: Annotated[Outcome | None, typer.Option(help="Only statements with this outcome.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason, such as learner_unknown.")] = None,
    limit: Most = 50,
    as_json: Json = False,
) -> None:
    """List statements, newest first; held ones by reason and by what they wait for."""
    _list(integration, outcome, reason, limit, as_json=as_json)


@app.command()
def held(
    integration: Integration = None,
    *,
    reason: Annotated[str | None, typer.Option(help="Only this reason, such as learner_unknown.")] = None,
    limit: Most = 50,
    as_json: Json = False,
) -> None:
    """List held statements, and why they are held."""
    _list(integration, Outcome.HELD, reason, limit, as_json=as_json)


@app.command()
def show(statement_id: StatementId, integration: Integration = None, *, as_json: Json = False) -> None:
    """Show a statement as it was received, with its outcome."""
    api = client()
    found = api.get(
        f"/admin/integrations/{api.integration(integration)['id']}/statements/{quote(statement_id, safe='')}"
    )
    if as_json:
        output.as_json(found)
        return
    output.facts({name: value for name, value in found.items() if name not in ("raw", "actor")})
    output.facts({"actor": f"{found['actor']['type']}: {found['actor']['value']}"})
    output.console.print_json(data=found["raw"])


@app.command()
def replay(
    statement_id: Annotated[str | None, typer.Argument(help="One statement.")] = None,
    integration: Integration = None,
    *,
    reason: Annotated[str | None, typer.Option(help="All statements held for this reason.")] = None,
    as_json: Json = False,
) -> None:
    """Process a statement that is not applied, or everything held for a reason, again."""
    if (statement_id is None) == (reason is None):
        raise UsageError("name one statement, or a reason with --reason")
    api = client()
    path = f"/admin/integrations/{api.integration(integration)['id']}/statements"
    if reason is not None:
        told = api.send("POST", f"{path}/replay", {"reason": reason})
    else:
        told = api.send("POST", f"{path}/{quote(str(statement_id), safe='')}/replay")
    if as_json:
        output.as_json(told)
        return
    output.console.print(_replaying(told))


def assign(
    wanted: Annotated[
        str, typer.Argument(metavar="IDENTIFIER", help="kind:value, such as email:a.learner@example.com")
    ],
    who: Annotated[
        str, typer.Argument(metavar="LEARNER", help="The learner's id, or an identifier that the learner has already.")
    ],
    integration: Integration = None,
    *,
    after_erasure: Annotated[bool, typer.Option(help="Take the identifier of a person who was erased.")] = False,
    as_json: Json = False,
) -> None:
    """Assign an identifier to one learner and to nobody else, from now on and for held statements."""
    given = identifier(wanted)
    api = client()
    integration_id = api.integration(integration)["id"]
    learner_id = id_of(api, integration_id, who)
    body = {"type": given.kind, "value": given.value, "learner_id": learner_id, "after_erasure": after_erasure}
    told = api.send("POST", f"/admin/integrations/{integration_id}/identities", body)
    if as_json:
        output.as_json(told)
        return
    said = [f"{given} now means {learner_id}; {told['replayed']} held statements are being replayed."]
    if told["taken_from"]:
        said.append(f"It was taken from {', '.join(told['taken_from'])}, who keep what it has counted for so far.")
    output.console.print("\n".join(said), markup=False)


def _replaying(told: dict[str, Any]) -> str:
    if "replayed" in told:
        return f"{told['replayed']} being replayed."
    if told["outcome"] == Outcome.RECEIVED:
        return "It is being replayed."
    return f"Nothing was done: the statement is {told['outcome']}."


def _list(integration: str | None, outcome: Outcome | None, reason: str | None, limit: int, *, as_json: bool) -> None:
    api = client()
    path = f"/admin/integrations/{api.integration(integration)['id']}/statements"
    found = list(api.every(path, limit, outcome=outcome, reason=reason))
    if as_json:
        output.as_json(found)
        return
    output.table(
        "Statements",
        ("Id", "Stored", "Verb", "Object", "Actor", "Outcome", "Why"),
        (
            (
                statement["id"],
                statement["stored_at"],
                statement["verb"].rpartition("/")[2],
                statement["object_id"],
                statement["actor"]["value"],
                statement["outcome"],
                statement["explanation"],
            )
            for statement in found
        ),
        "There is none.",
    )
