"""Run `sam build`, but only when something it depends on has changed.

A finished build is kept in a folder named after the digest of its inputs, so that stacks started side by side from
one checkout never see each other's unfinished builds.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import tools
from local.aws import tool_environment
from local.errors import StackError
from local.settings import ROOT, SAM, local_architecture, local_runtime

BUILDS = ROOT / ".aws-sam"
SOURCES = ("functions", "layers", "statemachines")
LEFT_OUT = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
KEPT_BUILDS = 3
AWS_RUNTIMES = ("python3.13", "python3.14", "python3.12")
"""The Lambda runtimes that can be deployed, the template's default first."""


@dataclass(frozen=True)
class Target:
    """The platform that artefacts are built for.

    Attributes:
        runtime: The Lambda runtime, such as `python3.13`; that interpreter must be on the PATH.
        architecture: `arm64` or `x86_64`.
        native: Whether wheels are for this machine (embedded stack) rather than for Lambda.
    """

    runtime: str
    architecture: str
    native: bool

    @property
    def parameters(self) -> list[str]:
        """The template parameters of this target, in SAM's `Name=value` form."""
        return [f"Runtime={self.runtime}", f"Architecture={self.architecture}"]


def local_target() -> Target:
    """Return the target of the embedded stack: this machine and the emulator's Python version."""
    return Target(local_runtime(), local_architecture(), native=True)


def aws_target(runtime: str | None, architecture: str | None) -> Target:
    """Return the target of a deployment to AWS.

    By default, the runtime is the template's own if that interpreter is installed, otherwise another one that is:
    bytecode must be compiled by the version that will load it.

    Raises:
        StackError: the runtime is `python3.11`, or no other one is installed.
    """
    chosen = runtime or next(filter(shutil.which, AWS_RUNTIMES), None)
    if chosen not in AWS_RUNTIMES:
        raise StackError(
            f"The Lambda runtime can be {', '.join(AWS_RUNTIMES)}, and that interpreter must be on the PATH "
            "(python3.11 has a SQLite on Lambda that is too old for the search index). "
            "Install one, and name it if there are several: make deploy RUNTIME=python3.13"
        )
    return Target(chosen, architecture or "arm64", native=False)


def build(target: Target) -> Path:
    """Build the functions and layers, or reuse a finished build of the same sources.

    Args:
        target: What to build for.

    Returns:
        The folder with the built `template.yaml` and a folder per function and layer.

    Raises:
        StackError: `sam build` failed.
    """
    finished = _folder(target)
    with _alone():
        if not finished.is_dir():
            # At the same depth as the finished folder: the built template refers to state machines by relative path.
            work = BUILDS / f"work-{_kind(target)}"
            _sam_build(target, work)
            partial = finished.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            finished.parent.mkdir(exist_ok=True)
            shutil.copytree(work / "build", partial)
            partial.rename(finished)
        finished.touch()
        _forget_old(_kind(target))
    return finished


def is_built(target: Target) -> bool:
    """Tell whether a finished build for this target exists."""
    return _folder(target).is_dir()


def fingerprint(target: Target) -> str:
    """Return a digest of everything a build depends on: sources, template, target and the version of SAM."""
    digest = hashlib.sha256(repr(target).encode())
    digest.update((ROOT / "requirements" / "sam.txt").read_bytes())
    for file in sorted(_sources()):
        digest.update(str(file.relative_to(ROOT)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _folder(target: Target) -> Path:
    return BUILDS / "finished" / f"{_kind(target)}-{fingerprint(target)}"


def _kind(target: Target) -> str:
    return "native" if target.native else "aws"


def _sources() -> Iterator[Path]:
    yield ROOT / "template.yaml"
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not LEFT_OUT.intersection(path.parts):
                yield path


def _sam_build(target: Target, work: Path) -> None:
    # The layers' Makefiles read from the environment what the template takes as parameters.
    environment = {
        "RUNTIME": target.runtime,
        "ARCHITECTURE": target.architecture,
        "NATIVE": "yes" if target.native else "",
    }
    options: list[str | Path] = [
        "--build-dir",
        work / "build",
        "--cached",
        "--cache-dir",
        work / "cache",
        "--parallel",
    ]
    command: list[str | Path] = [SAM, "build", "--template-file", ROOT / "template.yaml", *options]
    command += ["--parameter-overrides", *target.parameters]
    tools.run("sam build", command, tool_environment(extra=environment), work / "build.log")


def _forget_old(kind: str) -> None:
    finished = sorted((BUILDS / "finished").glob(f"{kind}-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in finished[KEPT_BUILDS:]:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone() -> Iterator[None]:
    BUILDS.mkdir(exist_ok=True)
    with (BUILDS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
