"""What a command prints: tables for people, JSON for scripts, errors with what helps."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from coursebridge_cli.errors import CommandError

STYLES = {
    "active": "green", "succeeded": "green", "ok": "green", "applied": "green", "done": "green", "yes": "green",
    "failed": "bold red", "held": "yellow", "needs_confirmation": "bold yellow", "to_do": "yellow", "no": "bold red",
    "running": "cyan", "received": "cyan", "inactive": "dim", "archived": "dim", "ignored": "dim", "skipped": "dim",
}  # fmt: skip
NOTHING = "-"

# What is piped somewhere has no width of its own: rows stay lines.
PIPED_WIDTH = 240

console = Console(highlight=False)
if not console.is_terminal:
    console.width = PIPED_WIDTH
errors = Console(stderr=True, highlight=False)


def as_json(value: Any) -> None:  # noqa: ANN401  (any JSON)
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print rows as a table, or a sentence when there are none.

    Args:
        title: What they are.
        columns: The headings. The first is of what a row is called by, which is never broken, so that it can be copied.
        rows: The cells.
        empty: The sentence.
    """
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        shown.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        shown.add_row(*(cell(value) for value in row))
    if shown.row_count:
        console.print(shown)
    else:
        console.print(empty)


def facts(pairs: Mapping[str, object]) -> None:
    """Print names and values below each other."""
    grid = Table.grid(padding=(0, 2))
    for name, value in pairs.items():
        grid.add_row(Text(name, style="dim"), cell(value))
    console.print(grid)


def cell(value: object) -> Text:
    """Return a value as a cell: times to the second, words with a meaning in their colour."""
    if value is None or value == "":
        return Text(NOTHING, style="dim")
    if isinstance(value, bool):
        value = "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return Text(moment(text) or text or NOTHING, style=STYLES.get(text, ""))


def moment(text: str) -> str:
    """Return a time of the API as people read it, empty if it is none."""
    is_time = len(text) > 18 and text[4:5] == "-" and text[10:11] == "T" and text.endswith("Z")  # noqa: PLR2004
    return text[:19].replace("T", " ") + " UTC" if is_time else ""


def steps(found: Iterable[Mapping[str, Any]], why: str) -> None:
    """Print steps with a mark, and below those that are not done why or how.

    Args:
        found: Steps with `title` and `state`.
        why: The field that says more.
    """
    marks = {"done": "[green]✓[/]", "ok": "[green]✓[/]", "failed": "[bold red]✗[/]", "skipped": "[dim]·[/]"}
    for step in found:
        console.print(f"{marks.get(step['state'], '[yellow]○[/]')} {escape(step['title'])}")
        if step["state"] not in ("done", "ok") and step.get(why):
            console.print(Text(f"  {step[why]}", style="dim"))
        if step.get("remedy"):
            console.print(Text(f"  → {step['remedy']}"))


def note(text: str) -> None:
    """Print a sentence for people, beside whatever a script reads."""
    errors.print(Text(text))


def failure(error: CommandError) -> None:
    """Print why a command failed and what helps."""
    errors.print(Text("Error: ", style="bold red") + Text(str(error)))
    for detail in error.details:
        errors.print(Text(f"  {detail}"))
    if error.remedy:
        errors.print(Text(f"→ {error.remedy}"))
