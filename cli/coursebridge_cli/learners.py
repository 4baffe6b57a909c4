"""`coursebridge learners`: the directory of people."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from coursebridge_cli import output
from coursebridge_cli.errors import CommandError
from coursebridge_cli.hints import command
from coursebridge_cli.identifiers import id_of, identifier, learners_path, nobody, with_identifier
from coursebridge_cli.options import Integration, Json, Most, Yes, client, new_app, sure

app = new_app("Learners: the people Coursebridge knows.")
WHO = "The learner's id, or kind:value, such as email:a.learner@example.com"
Who = Annotated[str, typer.Argument(metavar="LEARNER", help=WHO)]
SHOWN = ("id", "name", "email", "username", "external_id", "profile_urn", "status", "groups", "enterprise_groups")


class Status(StrEnum):
    """Whether statements about a learner count."""

    ACTIVE = "active"
    INACTIVE = "inactive"


@app.command(name="list")
def list_learners(
    integration: Integration = None,
    *,
    group: Annotated[str | None, typer.Option(help="Only learners in this group.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only learners with this status.")] = None,
    limit: Most = 50,
    as_json: Json = False,
) -> None:
    """List learners, in the order in which they were added."""
    api = client()
    path = learners_path(api.integration(integration)["id"])
    found = list(api.every(path, limit, group=group, status=status))
    if as_json:
        output.as_json(found)
        return
    output.table(
        "Learners",
        ("Id", "Name", "E-mail", "User name", "External id", "Status", "Groups"),
        (
            (
                person["id"],
                person["name"],
                person["email"],
                person["username"],
                person["external_id"],
                person["status"],
                person["groups"],
            )
            for person in found
        ),
        f"There is none. Add people: {command('learners import FILE')}",
    )


@app.command()
def find(
    wanted: Annotated[
        str, typer.Argument(metavar="IDENTIFIER", help="kind:value, such as email:a.learner@example.com")
    ],
    integration: Integration = None,
    *,
    as_json: Json = False,
) -> None:
    """Show who has an identifier. Exits with 1 if nobody has it."""
    sought = identifier(wanted)
    api = client()
    found = with_identifier(api, api.integration(integration)["id"], sought)
    if as_json:
        output.as_json(found)
    if not found:
        raise nobody(sought)
    if not as_json:
        for person in found:
            _tell(person)


@app.command(name="import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a header (email, username, external_id, profile_urn, name, groups separated by semicolons, "
            "status), or an array of such learners in a file whose name ends in .json.",
            exists=True,
            dir_okay=False,
        ),
    ],
    integration: Integration = None,
    *,
    as_json: Json = False,
) -> None:
    """Add and change learners. Exits with 1 if a row is wrong; the other rows are imported all the same.

    Rows are numbered from 1, not counting the header.
    """
    api = client()
    path = learners_path(api.integration(integration)["id"], "import")
    is_json = file.suffix.lower() == ".json"
    told = api.upload(path, file.read_bytes(), "application/json" if is_json else "text/csv")
    if as_json:
        output.as_json(told)
    else:
        output.facts(told["counts"])
        _tell_rows("Errors by row", told["rows"], "errors")
        _tell_rows("Warnings by row", told["rows"], "warnings")
    if wrong := told["counts"]["error"]:
        raise CommandError(
            f"{wrong} of {len(told['rows'])} rows were not imported",
            "Correct them and import the file again: what is imported already stays unchanged.",
        )


@app.command()
def merge(
    kept: Annotated[str, typer.Argument(metavar="LEARNER", help=f"Who stays. {WHO}")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Who becomes part of them; likewise.")],
    integration: Integration = None,
    *,
    as_json: Json = False,
) -> None:
    """Merge two learners who are one person; `learners unmerge` undoes it."""
    api = client()
    integration_id = api.integration(integration)["id"]
    stays, goes = (id_of(api, integration_id, who) for who in (kept, other))
    merged = api.send("POST", learners_path(integration_id, stays, "merge"), {"learner_id": goes})
    if as_json:
        output.as_json(merged)
        return
    _tell(merged)
    output.note(f"To undo it: {command(f'learners unmerge {goes}')}")


@app.command()
def unmerge(
    learner_id: Annotated[str, typer.Argument(help="The id of the learner who was merged into another.")],
    integration: Integration = None,
    *,
    as_json: Json = False,
) -> None:
    """Undo a merge."""
    api = client()
    separate = api.send("POST", learners_path(api.integration(integration)["id"], learner_id, "unmerge"))
    output.as_json(separate) if as_json else _tell(separate)


@app.command()
def erase(who: Who, integration: Integration = None, *, yes: Yes = False) -> None:
    """Erase a person everywhere: records, identifiers, and what statements say about them. This cannot be undone."""
    api = client()
    integration_id = api.integration(integration)["id"]
    learner_id = id_of(api, integration_id, who)
    path = learners_path(integration_id, learner_id)
    if not yes:
        sure(f"Erase {_named(api.get(path))} everywhere? This cannot be undone.", yes=False)
    api.complete("DELETE", path)
    output.note(f"{learner_id} is erased.")


def _named(person: Mapping[str, Any]) -> str:
    called = [person[name] for name in ("name", "email", "username", "external_id") if person[name]]
    return f"{person['id']} ({', '.join(called)})" if called else str(person["id"])


def _tell(person: Mapping[str, Any]) -> None:
    output.facts({name: person[name] for name in SHOWN if person[name]})
    own = {(kind, person[kind]) for kind in SHOWN if person[kind] and isinstance(person[kind], str)}
    others = [known for known in person["identifiers"] if (known["type"], known["value"]) not in own]
    if others:
        output.table(
            "Further identifiers",
            ("Identifier", "Since", "Until"),
            ((f"{known['type']}:{known['value']}", known["since"], known["until"]) for known in others),
            "",
        )


def _tell_rows(title: str, rows: list[dict[str, Any]], what: str) -> None:
    told = list(_problems(rows, what))
    if told:
        output.table(title, ("Row", "Field", "What is wrong"), told, "")


def _problems(rows: list[dict[str, Any]], what: str) -> Iterator[tuple[object, ...]]:
    for row in rows:
        yield from ((row["row"], problem["field"], problem["detail"]) for problem in row[what])
