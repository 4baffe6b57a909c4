"""Measured figures: printed next to their targets and the figures recorded last, and recorded on request."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

RECORDED = Path(__file__).parent / "recorded.json"
RECORD = "COURSEBRIDGE_RECORD"


@dataclass
class Figures:
    """The figures of one run of `make bench`, by name."""

    measured: dict[str, tuple[float, str, str]] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, target: str = "") -> None:
        """Add a figure.

        Args:
            name: what was measured.
            value: the figure.
            unit: unit of the figure; `x` for a ratio.
            target: the target that the design sets, in words; empty for none.
        """
        self.measured[name] = (value, unit, target)

    def show(self) -> None:
        """Print the new figures next to those recorded last; record the new ones if `COURSEBRIDGE_RECORD` is set."""
        recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {"figures": {}}
        table = Table("figure", "now", "recorded", "target", title=machine(), title_justify="left")
        for name, (value, unit, target) in self.measured.items():
            before = recorded["figures"].get(name)
            table.add_row(name, f"{value:,.2f} {unit}", f"{before:,.2f} {unit}" if before is not None else "-", target)
        Console(width=150).print(table)
        if os.environ.get(RECORD):
            kept = recorded["figures"] | {name: value for name, (value, _, _) in self.measured.items()}
            RECORDED.write_text(json.dumps({"machine": machine(), "figures": kept}, indent=2, sort_keys=True) + "\n")


def machine() -> str:
    """Describe the machine on which the figures are measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, Python {platform.python_version()}"
