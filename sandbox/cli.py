"""The command line: serve a sandbox, list its quirks, or push statements through a running one."""

import argparse
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields

import httpx
from rich.console import Console
from rich.table import Column, Table

from sandbox.catalogue.languages import known_languages
from sandbox.errors import PortTaken
from sandbox.pusher import Target
from sandbox.quirks import QUIRKS, Quirks, parse_quirk
from sandbox.rest.tokens import DEFAULT_APPLICATIONS
from sandbox.server import HOST, listen, url_of, uvicorn_server
from sandbox.settings import DEFAULT_LOCALES, Settings
from sandbox.statements.plan import Plan
from sandbox.statements.variants import VARIANTS
from sandbox.world import World

DEFAULT_PORT = 9000
PUSH_TIMEOUT = 3600.0
USAGE_ERROR = 2


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    console = Console()
    if arguments[:1] == ["push"]:
        return _push(console, arguments[1:])
    options = _serve_parser().parse_args(arguments)
    if options.list_quirks:
        _print_table(
            console,
            "Quirks",
            ((quirk.name, quirk.description, quirk.parameters) for quirk in QUIRKS.values()),
        )
        return 0
    return _serve(console, options)


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m sandbox",
        description="A LinkedIn Learning to try things against.",
        epilog="See also: push --help",
    )
    defaults = Settings()
    parser.add_argument("--host", default=HOST, help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port to listen on, 0 for any (%(default)s)")
    parser.add_argument("--size", type=int, default=defaults.size, help="courses in the catalogue (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=defaults.seed, help="what is generated follows from it (%(default)s)"
    )
    parser.add_argument(
        "--locale",
        action="append",
        dest="locales",
        type=_locale,
        help=f"repeatable ({' '.join(DEFAULT_LOCALES)})",
    )
    parser.add_argument(
        "--element-bytes", type=int, default=defaults.element_bytes, help="size of a course (%(default)s)"
    )
    parser.add_argument("--token-seconds", type=int, default=defaults.token_seconds, help="expires_in (%(default)s)")
    parser.add_argument(
        "--quirk",
        action="append",
        dest="quirks",
        default=[],
        type=_quirk,
        help="name, or name:parameter=value,...",
    )
    parser.add_argument("--list-quirks", action="store_true", help="print the quirks and stop")
    return parser


def _locale(text: str) -> str:
    language = text.partition("_")[0]
    if language not in known_languages():
        raise argparse.ArgumentTypeError(f"no words for {text!r}; languages: {' '.join(known_languages())}")
    return text


def _quirk(text: str) -> tuple[str, dict[str, object]]:
    try:
        name, parameters = parse_quirk(text)
        Quirks(seed=0).switch_on(name, parameters)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name, parameters


def _serve(console: Console, options: argparse.Namespace) -> int:
    settings = Settings(
        size=options.size,
        seed=options.seed,
        locales=tuple(options.locales or DEFAULT_LOCALES),
        element_bytes=options.element_bytes,
        token_seconds=options.token_seconds,
    )
    try:
        listener = listen(options.host, options.port)
    except PortTaken as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return USAGE_ERROR
    server = uvicorn_server(World(settings, dict(options.quirks)))
    for application in DEFAULT_APPLICATIONS:
        keys = " + ".join(sorted(application.keys))
        console.print(
            f"{application.client_id:16} {application.client_secret:32} {keys}", markup=False, highlight=False
        )
    # Programs that start a sandbox wait for this line; no other line may begin with the same words.
    console.print(f"sandbox ready at {url_of(listener)}", style="bold", soft_wrap=True)
    # Ctrl-C is the normal way to stop; uvicorn has already shut down when it raises this.
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def _push(console: Console, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m sandbox push",
        description="Let learners of a running sandbox learn, and tell a receiver by xAPI.",
        epilog="Variants: " + " ".join(VARIANTS),
    )
    parser.add_argument("--sandbox", default=f"http://{HOST}:{DEFAULT_PORT}", help="its URL (%(default)s)")
    _add_fields(parser, Target)
    # Courses are completed now: a receiver that was just set up ignores older completions.
    _add_fields(parser, Plan, days=0.0)
    options = vars(parser.parse_args(arguments))
    url = options.pop("sandbox")
    body = {name: value for name, value in options.items() if value is not None}
    try:
        response = httpx.post(f"{url}/_sandbox/push", json=body, timeout=PUSH_TIMEOUT, trust_env=False)
    except httpx.TransportError:
        console.print(f"No sandbox answers at {url}. Start one with: python -m sandbox", style="red", soft_wrap=True)
        return USAGE_ERROR
    answer = response.json()
    if response.is_error:
        console.print(answer["message"], style="red", markup=False)
        return 1
    answer.pop("truth")
    answer["acknowledged"] = len(answer["acknowledged"])
    console.print_json(json.dumps(answer))
    return 0


def _add_fields(parser: argparse.ArgumentParser, kind: type[Target] | type[Plan], **defaults: float) -> None:
    """Add an option for every field of a dataclass, under the field's name; some have a default of their own."""
    parser.set_defaults(**defaults)
    for one in fields(kind):
        flag = "--" + one.name.replace("_", "-")
        required = one.default is MISSING and one.default_factory is MISSING
        if one.default_factory is not MISSING:
            parser.add_argument(flag, dest=one.name, action="append", help="repeatable")
        elif isinstance(one.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, dest=one.name)
        else:
            cast = int if one.default is None else (str if required else type(one.default))
            note = "" if required else f"({defaults.get(one.name, one.default)})"
            parser.add_argument(flag, dest=one.name, type=cast, required=required, help=note)


def _print_table(console: Console, title: str, rows: Iterable[tuple[str, str, dict[str, object]]]) -> None:
    table = Table(Column("name", no_wrap=True), "what it does", "parameters", title=title)
    for name, description, parameters in rows:
        table.add_row(name, description, ", ".join(f"{key}={value}" for key, value in parameters.items()))
    console.print(table)
