"""Output of the commands: tables for people, JSON for scripts, errors with their remedies."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from coursebridge_cli.errors import CommandError
from coursebridge_cli.hints import in_commands

STYLES = {
    "active": "green", "succeeded": "green", "ok": "green", "applied": "green", "done": "green", "yes": "green",
    "failed": "bold red", "held": "yellow", "needs_confirmation": "bold yellow", "to_do": "yellow", "no": "bold red",
    "running": "cyan", "received": "cyan", "inactive": "dim", "archived": "dim", "ignored": "dim", "skipped": "dim",
}  # fmt: skip
NOTHING = "-"

# A pipe has no width; this one is wide enough to keep each row on a line.
PIPED_WIDTH = 240


def console_for(*, stderr: bool) -> Console:
    """Return a console for standard output or standard error."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = PIPED_WIDTH
    return made


console = console_for(stderr=False)
errors = console_for(stderr=True)


def as_json(value: Any) -> None:  # noqa: ANN401  (any JSON)
    """Print a value as JSON, with escapes unless the encoding has every character."""
    is_unicode = sys.stdout.encoding.lower().startswith("utf")
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=not is_unicode) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print rows as a table, or a sentence if there are none; one below another where words would not fit side by side.

    Args:
        title: Title of the table.
        columns: The headings. The first column identifies the row and is never wrapped, so that it can be copied.
        rows: The cells of each row.
        empty: The sentence.
    """
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        shown.add_column(column, overflow="fold", no_wrap=number == 0)
    listed = list(rows)
    for row in listed:
        shown.add_row(*(cell(value) for value in row))
    if not listed:
        console.print(empty)
    elif console.measure(shown, options=console.options.update(max_width=PIPED_WIDTH)).minimum <= console.width:
        console.print(shown)
    else:
        console.print(f"[bold]{escape(title)}[/]")
        for row in listed:
            facts(dict(zip(columns, row, strict=True)))
            console.print()


def facts(pairs: Mapping[str, object]) -> None:
    """Print names and values, one pair per line."""
    grid = Table.grid(padding=(0, 2))
    for name, value in pairs.items():
        grid.add_row(Text(name, style="dim"), cell(value))
    console.print(grid)


def cell(value: object) -> Text:
    """Return a value as a table cell: times to the second, status words in their colour."""
    if value is None or value == "":
        return Text(NOTHING, style="dim")
    if isinstance(value, bool):
        value = "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return Text(moment(text) or text or NOTHING, style=STYLES.get(text, ""))


def moment(text: str) -> str:
    """Return a timestamp of the API in readable form, or an empty string if the text is not one."""
    is_time = len(text) > 18 and text[4:5] == "-" and text[10:11] == "T" and text.endswith("Z")  # noqa: PLR2004
    return text[:19].replace("T", " ") + " UTC" if is_time else ""


def steps(found: Iterable[Mapping[str, Any]], why: str) -> None:
    """Print steps with a mark each, with an explanation below those not done.

    Args:
        found: Steps with `title`, `state` and optionally `remedy`.
        why: The field that holds the explanation.
    """
    marks = {"done": "[green]✓[/]", "ok": "[green]✓[/]", "failed": "[bold red]✗[/]", "skipped": "[dim]·[/]"}
    for step in found:
        console.print(f"{marks.get(step['state'], '[yellow]○[/]')} {escape(step['title'])}")
        if step["state"] not in ("done", "ok") and step.get(why):
            console.print(Text(f"  {in_commands(step[why])}", style="dim"))
        if step.get("remedy"):
            console.print(Text(f"  → {in_commands(step['remedy'])}"))


def notes(found: Iterable[str]) -> None:
    """Print notes of the API, one per line."""
    for each in found:
        console.print(Text(f"· {in_commands(each)}", style="dim"))


def note(text: str) -> None:
    """Print a sentence to standard error, so that it does not mix with output for scripts."""
    errors.print(Text(text), soft_wrap=True)


def failure(error: CommandError) -> None:
    """Print why a command failed and how to fix it."""
    errors.print(Text("Error: ", style="bold red") + Text(in_commands(str(error))))
    for detail in error.details:
        errors.print(Text(f"  {detail}"))
    if error.remedy:
        # The terminal wraps it: a command in it can then be copied.
        errors.print(Text(f"→ {in_commands(error.remedy)}"), soft_wrap=True)
