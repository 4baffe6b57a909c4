"""Fixtures and hooks of the end-to-end tests: a shared stack (`stack_fixtures`), and logs in reports of failures."""

from collections.abc import Generator
from pathlib import Path

import pytest

from local import function_logs
from stack_fixtures import outputs, stack

__all__ = ["outputs", "stack"]

HERE = Path(__file__).parent
LOG_LINES_SHOWN = 40
LONGEST = ("test_soak.py", "test_fuzz.py")
"""These run first, so that with several stacks none is left running one of them alone at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests in this folder, which need a stack and sockets, and put the longest files first."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.enable_socket)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the functions' logs to the report of a failed test."""
    report = yield
    running = getattr(item, "funcargs", {}).get("stack")
    if report.failed and running:
        logged = [line for _, line in function_logs.lines(running.outputs)][-LOG_LINES_SHOWN:]
        report.sections.append(("what the functions logged", "\n".join(logged)))
    return report
