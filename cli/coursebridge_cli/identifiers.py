"""Identifiers of people as they are typed on the command line, and the learners they mean."""

import shlex
from typing import Any, NamedTuple
from urllib.parse import quote

from coursebridge_cli.client import Client
from coursebridge_cli.errors import CommandError, UsageError
from coursebridge_cli.hints import command

KINDS = ("email", "username", "external_id", "profile_urn")


class Identifier(NamedTuple):
    """An identifier of a person."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def identifier(text: str) -> Identifier:
    """Return the identifier that is written as kind:value; an e-mail address needs no kind.

    Raises:
        UsageError: The text is neither.
    """
    kind, colon, value = text.partition(":")
    if not colon and "@" in text:
        return Identifier("email", text)
    if kind not in KINDS or not value:
        raise UsageError(f"{text} is not kind:value", f"A kind is one of {', '.join(KINDS)}.")
    return Identifier(kind, value)


def learners_path(integration_id: str, *parts: str) -> str:
    """Return the path of an integration's learners, or of something below it."""
    return "/".join((f"/learning/{integration_id}/learners", *(quote(part, safe="") for part in parts)))


def with_identifier(api: Client, integration_id: str, wanted: Identifier) -> list[dict[str, Any]]:
    """Return the learners with an identifier: nobody, one, or several who share it."""
    query: dict[str, Any] = {wanted.kind: wanted.value}
    return list(api.every(learners_path(integration_id), **query))


def id_of(api: Client, integration_id: str, wanted: str) -> str:
    """Return the id of the learner with an identifier; what is not an identifier is an id already.

    Raises:
        CommandError: Nobody has the identifier, or several learners share it.
    """
    if ":" not in wanted and "@" not in wanted:
        return wanted
    sought = identifier(wanted)
    found = with_identifier(api, integration_id, sought)
    if not found:
        raise nobody(sought)
    if len(found) > 1:
        people = tuple(f"{person['id']}  {person['name'] or ''}".strip() for person in found)
        raise CommandError(f"{len(found)} learners have the identifier {sought}", "Give the id of one of them.", people)
    return str(found[0]["id"])


def nobody(sought: Identifier) -> CommandError:
    """Return the error for an identifier that no learner has."""
    return CommandError(
        f"nobody has the identifier {sought}",
        f"Import the person ({command('learners import FILE')}), or say who it is: "
        + command(f"assign {shlex.quote(str(sought))} ID"),
    )
