"""`coursebridge`: the command tree and its entry point."""

import sys
from contextvars import copy_context
from io import TextIOWrapper

from coursebridge_cli import (
    audit,
    clients,
    credentials,
    explain,
    filters,
    integrations,
    learners,
    output,
    runs,
    setup,
    statements,
    status,
)
from coursebridge_cli.errors import CommandError
from coursebridge_cli.options import new_app

HELP = """Administer Coursebridge.

It uses the API and client given by COURSEBRIDGE_URL, COURSEBRIDGE_CLIENT_ID and COURSEBRIDGE_CLIENT_SECRET; without
these, the embedded stack of `make up`. Exit codes: 0 success, 1 refused or unhealthy, 2 wrong usage, 3 no answer, 4
missing or wrong credentials."""

app = new_app(HELP)
app.command(name="setup")(setup.setup)
app.command(name="status")(status.status)
app.command(name="selftest")(status.selftest)
app.command(name="explain")(explain.explain)
app.command(name="assign")(statements.assign)
app.command(name="audit")(audit.audit)
app.add_typer(integrations.app, name="integrations")
app.add_typer(credentials.app, name="credentials")
app.add_typer(credentials.webhook, name="webhook")
app.add_typer(filters.app, name="filters")
app.add_typer(runs.app, name="runs")
app.add_typer(learners.app, name="learners")
app.add_typer(statements.app, name="statements")
app.add_typer(clients.app, name="clients")


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        # What cannot be written in the terminal's encoding becomes a question mark: a command that has done its work
        # must not end in an error while it tells so.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: The arguments after the program's name; those of `sys.argv` by default.
    """
    return copy_context().run(_run, arguments)


def _run(arguments: list[str] | None) -> int:
    try:
        app(args=arguments, prog_name="coursebridge")
    except CommandError as error:
        output.failure(error)
        return error.exit_code
    except SystemExit as end:
        return int(end.code or 0)
    return 0
