"""Fixtures and hooks of the benchmarks, which print figures and fail only if the code they measure does not work."""

from __future__ import annotations

import pytest
from figures import Figures

FIGURES: pytest.StashKey[Figures] = pytest.StashKey()
pytest_plugins = ["stack_fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as a benchmark, and allow it to open sockets."""
    for item in items:
        item.add_marker(pytest.mark.bench)
        item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a region and dummy credentials before any client is made."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Return the figures of this run, which are printed at its end."""
    return pytestconfig.stash.setdefault(FIGURES, Figures())


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Print the figures after the run, when output is no longer captured."""
    collected = config.stash.get(FIGURES, None)
    if collected:
        collected.show()
