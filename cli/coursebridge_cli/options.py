"""Options and prompts shared by many commands."""

import sys
from typing import Annotated

import typer

from coursebridge_cli.client import Client
from coursebridge_cli.errors import UsageError
from coursebridge_cli.session import credentials

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Integration = Annotated[
    str | None,
    typer.Option(
        "--integration",
        "-i",
        envvar="COURSEBRIDGE_INTEGRATION",
        help="Id or name of the integration; not needed if there is only one.",
    ),
]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, help="Maximum number to show.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from standard input.")]


def client() -> Client:
    """Return a client of the API with the credentials of the environment."""
    return Client(credentials())


def new_app(text: str) -> typer.Typer:
    """Return an empty group of commands."""
    return typer.Typer(help=text, no_args_is_help=True, add_completion=False)


def secret(prompt: str, *, from_stdin: bool) -> str:
    """Return a secret from standard input or a hidden prompt; other users could see one on the command line.

    Raises:
        UsageError: The secret is empty.
    """
    text = sys.stdin.readline() if from_stdin else typer.prompt(prompt, hide_input=True)
    if not text.strip():
        raise UsageError("there is no secret", "Pipe it in: coursebridge ... --secret-stdin < file")
    return str(text).strip()


def sure(question: str, *, yes: bool) -> None:
    """Ask for confirmation, unless ``yes``.

    Raises:
        typer.Abort: The answer is no.
    """
    if not yes:
        typer.confirm(question, abort=True)
