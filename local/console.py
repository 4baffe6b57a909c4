"""What the person at the terminal sees: steps with spinner and time, or plain lines without a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(highlight=False, soft_wrap=True)
if not console.is_terminal:
    # A log has no width of its own; tables get room.
    console.width = 120


@contextmanager
def step(doing: str, done: str) -> Iterator[None]:
    """Show that something is going on, then that it is done and how long it took.

    Args:
        doing: What is going on ("Deploying the template").
        done: What will then be true ("Template deployed").
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
