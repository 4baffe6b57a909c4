"""Runs put straight into the table, whatever their state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coursebridge.storage.runs import RunStore


def put_run(runs: RunStore, run: Any) -> None:
    """Write a run without taking the lock."""
    runs.table.put(runs._run_item(run))
