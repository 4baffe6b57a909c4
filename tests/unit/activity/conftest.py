"""Fixtures for the labs of ``activity_lab``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_socket

from activity_lab import BUCKET, Lab, MakeLab
from catalog_lab import BASE_URL, InProcess, integration
from coursebridge import clients
from memory_table import MemoryTable
from sandbox.app import build
from sandbox.settings import Settings
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Table


@pytest.fixture(autouse=True)
def _event_loops_may_wake_themselves() -> None:
    pytest_socket.enable_socket()
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def make_lab(table: Table) -> Iterator[MakeLab]:
    """A function that makes labs: ``make_lab(quirks={"report_lag": {}}, learner_matching="directory")``.

    The table is one of plain dictionaries, which keeps many whole runs fast; ``real=True`` takes the template's.
    """
    callers: list[httpx.Client] = []
    s3 = clients.s3()
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def make(*, quirks: dict[str, Any] | None = None, real: bool = False, **settings: Any) -> Lab:
        world = World(Settings(size=1), quirks)
        http = httpx.Client(transport=InProcess(build(world)), base_url=BASE_URL, trust_env=False)
        callers.append(http)
        memory: Any = MemoryTable()
        return Lab(world, table if real else memory, s3, http, integration(**settings))

    yield make
    for client in callers:
        client.close()


@pytest.fixture
def lab(make_lab: MakeLab) -> Lab:
    """A lab with one course in the catalogue, on a table of plain dictionaries."""
    lab = make_lab()
    lab.course()
    return lab


@pytest.fixture
def real_lab(make_lab: MakeLab) -> Lab:
    """A lab with one course in the catalogue, on the template's table."""
    lab = make_lab(real=True)
    lab.course()
    return lab
