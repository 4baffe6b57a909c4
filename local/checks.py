"""The stages of `make test` and `make check`: all of them run, and any failure fails the target."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import audit, build
from local.aws import tool_environment
from local.console import console, step
from local.settings import ROOT, SAM

PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q")
STACKS = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""Two stacks at once, because tests mostly wait; each worker takes the next file."""


@dataclass(frozen=True)
class Stage:
    """One command of `make test` or `make check`.

    Attributes:
        name: Name to print.
        command: The program and its arguments; it runs in the project's root folder.
    """

    name: str
    command: tuple[str | Path, ...]


TESTS = (
    Stage("unit tests", (*PYTEST, "-n", "auto")),
    Stage("packaging tests", (*PYTEST, "-m", "packaging")),
    Stage("end-to-end tests", (*PYTEST, "-m", "e2e", "--force-enable-socket", *STACKS)),
)
CHECKS = (
    Stage("ruff check", (PYTHON, "-m", "ruff", "check", "--quiet", ".")),
    Stage("ruff format", (PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")),
    Stage("mypy", (PYTHON, "-m", "mypy", "--no-error-summary")),
    Stage("sam validate", (SAM, "validate", "--lint", "--region", "eu-west-1")),
    Stage("unit tests", (*PYTEST, "-n", "auto", "--cov", "--cov-report=term-missing:skip-covered")),
)


def run_tests() -> bool:
    """Build the artefacts, so that no stage waits for them silently, and run all tests.

    Returns:
        Whether all passed.
    """
    with step("Building functions and layers (sam build)", "Functions and layers built"):
        built = build.build(build.local_target())
    return _run_all(TESTS, {"COURSEBRIDGE_BUILD": str(built)})


def run_checks() -> bool:
    """Run lint, type and template checks, the unit tests, and the vulnerability audit.

    Returns:
        Whether all passed.
    """
    passed = _run_all(CHECKS, {})
    console.rule("known vulnerabilities", align="left")
    return audit.run() and passed


def _run_all(stages: Sequence[Stage], variables: Mapping[str, str]) -> bool:
    verdicts = [_run(stage, variables) for stage in stages]
    return all(verdicts)


def _run(stage: Stage, variables: Mapping[str, str]) -> bool:
    console.rule(stage.name, align="left")
    started = time.monotonic()
    result = subprocess.run(  # noqa: S603 - the commands are those above
        [str(part) for part in stage.command], cwd=ROOT, check=False, env=tool_environment(extra=variables)
    )
    verdict = "[red]failed[/red]" if result.returncode else "[green]passed[/green]"
    console.print(f"{stage.name}: {verdict} [dim]({time.monotonic() - started:.1f} s)[/dim]")
    return result.returncode == 0
