"""Benchmarks print figures; they fail only when what they measure does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from figures import Figures

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["stack_fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and let it open sockets to this machine."""
    for item in items:
        item.add_marker(pytest.mark.bench)
        item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """The figures of this run, printed when it ends."""
    collected = Figures()
    yield collected
    collected.show()
