"""Terminal output: steps with a spinner and a timer, or plain lines without a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(highlight=False, soft_wrap=True)
if not console.is_terminal:
    # Without a terminal, rich assumes 80 columns, too few for the tables.
    console.width = 120


@contextmanager
def step(doing: str, done: str) -> Iterator[None]:
    """Show that work is in progress, then that it is done and how long it took.

    Args:
        doing: What is in progress ("Deploying the template").
        done: What is true afterwards ("Template deployed").
    """
    started = time.monotonic()
    with _activity(doing):
        yield
    console.print(f"  [green]✓[/green] {done} [dim]({time.monotonic() - started:.1f} s)[/dim]")


@contextmanager
def _activity(doing: str) -> Iterator[None]:
    if not console.is_terminal:
        console.print(f"  {doing} ...")
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(doing, total=None)
        yield
