"""Benchmarks print figures; they fail only when what they measure does not work."""

from __future__ import annotations

import pytest
from figures import Figures

FIGURES: pytest.StashKey[Figures] = pytest.StashKey()
pytest_plugins = ["stack_fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and let it open sockets to this machine."""
    for item in items:
        item.add_marker(pytest.mark.bench)
        item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing, and a region, before anything makes a client."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """The figures of this run, printed when it ends."""
    return pytestconfig.stash.setdefault(FIGURES, Figures())


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Print what was measured, where no capture swallows it."""
    collected = config.stash.get(FIGURES, None)
    if collected:
        collected.show()
