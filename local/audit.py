"""Look up known vulnerabilities of the shipped packages with pip-audit, and report any that could not be checked."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import tool_environment
from local.console import console
from local.settings import ROOT

SHIPPED = ROOT / "layers" / "dependencies" / "requirements.txt"
# PyPI first: whoever could install packages can reach it. OSV second: a mirror of PyPI may know no vulnerabilities.
DATABASES = ("pypi", "osv")


@dataclass(frozen=True)
class Audit:
    """The answer of one vulnerability database.

    Attributes:
        found: Known vulnerabilities, each as a line to print.
        audited: Number of packages the database knows.
        unknown: Packages it gave no answer for.
    """

    found: tuple[str, ...] = ()
    audited: int = 0
    unknown: tuple[str, ...] = ()


def run(lock: Path = SHIPPED) -> bool:
    """Look up every package of a lock file and print the verdict.

    Args:
        lock: The locked requirements.

    Returns:
        Whether no vulnerability was found. Also true if no database answered; the printed verdict then says so.
    """
    audits = []
    for database in DATABASES:
        audits.append(_asked(database, lock))
        if audits[-1].audited and not audits[-1].unknown:
            break
    best = max(audits, key=lambda audit: audit.audited)
    for line in best.found:
        console.print(f"  [red]{line}[/red]")
    console.print(_verdict(best))
    return not best.found


def _verdict(audit: Audit) -> str:
    name = "known vulnerabilities"
    if audit.found:
        return f"{name}: [red]failed[/red], {len(audit.found)} in {audit.audited} packages"
    if not audit.audited:
        return (
            f"{name}: [yellow]NOT looked up[/yellow]: neither {' nor '.join(DATABASES)} answered. Run it again online."
        )
    if audit.unknown:
        return f"{name}: [yellow]none in {audit.audited} packages; NOT looked up: {', '.join(audit.unknown)}[/yellow]"
    return f"{name}: [green]passed[/green], none in {audit.audited} packages"


def _asked(database: str, lock: Path) -> Audit:
    command = (sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--progress-spinner=off")
    options = ("--format=json", f"--vulnerability-service={database}", f"--requirement={lock}")
    result = subprocess.run(  # noqa: S603 - the command is the one above
        [*command, *options], cwd=ROOT, check=False, env=tool_environment(), capture_output=True, text=True
    )
    # pip-audit fails both for findings and for an unreachable database; only the latter prints nothing.
    return _read(json.loads(result.stdout)["dependencies"]) if result.stdout.strip() else Audit()


def _read(dependencies: Sequence[dict[str, Any]]) -> Audit:
    known = [one for one in dependencies if "vulns" in one]
    return Audit(
        tuple(
            f"{one['name']} {one['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'no version'}"
            for one in known
            for each in one["vulns"]
        ),
        len(known),
        tuple(one["name"] for one in dependencies if "vulns" not in one),
    )
