"""The stages of `make test` and `make check`: all of them run; one failing fails all."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import build
from local.aws import tool_environment
from local.console import console, step
from local.settings import ROOT, SAM

PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q")
# Told apart by pip-audit from a finding only by what it says.
OFFLINE_SIGNS = ("connection", "timed out", "resolve", "unreachable", "403", "service unavailable")


@dataclass(frozen=True)
class Stage:
    """One command of a gate.

    Attributes:
        name: What the person at the terminal sees.
        command: The program and its arguments; run in the project's folder.
    """

    name: str
    command: tuple[str | Path, ...]


TESTS = (
    Stage("unit tests", (*PYTEST, "-n", "auto")),
    Stage("packaging tests", (*PYTEST, "-m", "packaging")),
    Stage("end-to-end tests", (*PYTEST, "-m", "e2e", "--force-enable-socket")),
)
CHECKS = (
    Stage("ruff check", (PYTHON, "-m", "ruff", "check", "--quiet", ".")),
    Stage("ruff format", (PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")),
    Stage("mypy", (PYTHON, "-m", "mypy", "--no-error-summary")),
    Stage("sam validate", (SAM, "validate", "--lint", "--region", "eu-west-1")),
    Stage("unit tests", (*PYTEST, "-n", "auto", "--cov", "--cov-report=term-missing:skip-covered")),
)


def run_tests() -> bool:
    """Run every test. The artefacts are built first, so that no stage waits for them unseen.

    Returns:
        Whether all passed.
    """
    with step("Building functions and layers (sam build)", "Functions and layers built"):
        built = build.build(build.local_target())
    return _run_all(TESTS, {"COURSEBRIDGE_BUILD": str(built)})


def run_checks() -> bool:
    """Run lint, types, template checks, the search for known vulnerabilities, and the unit tests.

    Returns:
        Whether all passed.
    """
    passed = _run_all(CHECKS, {})
    return _no_known_vulnerability() and passed


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


def _no_known_vulnerability() -> bool:
    """Look up what ships in the database of known vulnerabilities; without a network, say so and go on."""
    console.rule("known vulnerabilities", align="left")
    shipped = ROOT / "layers" / "dependencies" / "requirements.txt"
    command = (
        PYTHON,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--no-deps",
        "--progress-spinner=off",
        "-r",
        str(shipped),
    )
    result = subprocess.run(  # noqa: S603 - the command is the one above
        command, cwd=ROOT, check=False, env=tool_environment(), capture_output=True, text=True
    )
    said = result.stdout + result.stderr
    if result.returncode and any(sign in said.lower() for sign in OFFLINE_SIGNS) and "Found" not in said:
        console.print("known vulnerabilities: [yellow]not looked up, the database was not reached[/yellow]")
        return True
    console.print(said.strip())
    return result.returncode == 0
