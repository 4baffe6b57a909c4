"""Fixtures for the labs of ``catalog_lab``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_socket

from catalog_lab import BASE_URL, InProcess, Lab, MakeLab, integration
from memory_table import MemoryTable
from sandbox.app import build
from sandbox.settings import Settings
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _event_loops_may_wake_themselves() -> None:
    pytest_socket.enable_socket()
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def make_lab() -> Iterator[MakeLab]:
    """A function that makes labs of any size: ``make_lab(size=20, quirks={"short_pages": {}}, filters={...})``."""
    clients: list[httpx.Client] = []

    def make(
        *,
        size: int = 24,
        locales: tuple[str, ...] = ("en_US", "de_DE"),
        quirks: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Lab:
        world = World(Settings(size=size, locales=locales, element_bytes=2000), quirks)
        http = httpx.Client(transport=InProcess(build(world)), base_url=BASE_URL, trust_env=False)
        clients.append(http)
        return Lab(world, MemoryTable(), http, integration(**settings))

    yield make
    for client in clients:
        client.close()
