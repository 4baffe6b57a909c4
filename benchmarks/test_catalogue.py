"""Catalogue syncs against an in-process sandbox: calls, writes and memory, which do not depend on the machine."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from units import size, write_units

from catalog_lab import BASE_URL, InProcess, Lab, integration
from coursebridge.catalog.sync.tasks import TASKS
from coursebridge.storage.attribute_values import to_wire
from memory_table import MemoryTable
from sandbox.app import build
from sandbox.settings import Settings
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from figures import Figures

LOCALES = ("en_US", "de_DE")


@contextmanager
def lab_of(size: int, element_bytes: int = 2_000) -> Iterator[Lab]:
    """Yield a lab whose catalogue has `size` courses."""
    world = World(Settings(size=size, locales=LOCALES, element_bytes=element_bytes))
    with httpx.Client(transport=InProcess(build(world)), base_url=BASE_URL, trust_env=False) as http:
        yield Lab(world, MemoryTable(), http, integration())


def course_writes(lab: Lab) -> int:
    table: MemoryTable = lab.table
    return sum(table.writes[entity] for entity in ("course", "course_detail", "course_bundle"))


@pytest.fixture(scope="module")
def synced() -> Iterator[Lab]:
    """Yield a lab that has synced a catalogue of 1,000 courses."""
    with lab_of(1_000) as lab:
        assert lab.sync()["status"] == "succeeded"
        yield lab


def test_a_sync_in_which_nothing_changed(figures: Figures, synced: Lab) -> None:
    before = course_writes(synced)
    synced.sync()

    figures.add(
        "full sync of 1,000 courses in which nothing changed: course writes", course_writes(synced) - before, "", "0"
    )


@pytest.mark.parametrize("changed", [0, 10, 100, 400])
def test_calls_of_an_incremental_sync(figures: Figures, synced: Lab, changed: int) -> None:
    synced.sync("incremental")
    if changed:
        synced.step_seen_by_the_clock(update=changed)
    synced.clock.goes_on(hours=1)
    synced.world.requests.reset()
    run = synced.sync("incremental")
    assert run["status"] == "succeeded", run

    figures.add(f"incremental sync, {changed} of 1,000 courses changed: calls to LinkedIn", synced.calls(), "calls")


@pytest.mark.parametrize("size", [1_000, 25_000])
def test_memory_of_a_task(figures: Figures, size: int) -> None:
    largest = 0
    with lab_of(size) as lab:
        planned = TASKS["plan"](lab.context, {"integration_id": "acme", "mode": "full", "trigger": "test"})
        for number in planned["ranges"][:3]:
            tracemalloc.start()
            TASKS["range"](lab.context, {"run_id": planned["run_id"], "number": number})
            largest = max(largest, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    figures.add(f"peak memory of a range's task, {size:,} courses", largest / 2**20, "MiB", "flat")


def test_units_of_a_first_sync(figures: Figures) -> None:
    """LinkedIn's real elements have 10 to 40 KB."""
    with lab_of(500, element_bytes=25_000) as lab:
        lab.sync()
        items = [to_wire(item) for item in lab.table.items.values()]
        of_courses = [item for item in items if item["PK"]["S"].startswith(("COURSE#", "DETAIL#"))]
        calls = lab.calls()
    courses = sum(item["PK"]["S"].startswith("COURSE#") for item in of_courses)
    written = sum(write_units(None, item, transactional=False) for item in of_courses)
    stored = sum(size(item) for item in of_courses)

    figures.add("first sync: write units a course", written / courses, "units")
    figures.add("first sync: bytes kept a course", stored / courses, "bytes")
    figures.add("full sync of 500 courses in two languages: calls to LinkedIn", calls, "calls")
