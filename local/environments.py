"""Create the virtual environments of this project, and update those that are out of date.

The Makefile runs this file with any Python from 3.11 to 3.14, before anything is installed, so it may import only the
standard library.

| environment              | for                                      | why separate                     |
| ------------------------ | ---------------------------------------- | -------------------------------- |
| `.local/tools/uv`        | making the others                        | needs pip only, not `venv`       |
| `.venv`                  | the project: tests, checks, local stack  |                                  |
| `.local/tools/sam`       | `sam build`, `sam deploy`                | pins boto3 and pydantic          |
| `.local/tools/ministack` | the AWS emulator and the functions in it | pins botocore; runs the Lambdas  |
| `.local/tools/checkov`   | `make scan`, created on demand           | pins boto3, and is large         |
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".local" / "tools"
UV = TOOLS / "uv" / "bin" / "uv"
STAMP = ".made-from"
NETWORK_SIGNS = (
    "error sending request",
    "dns error",
    "failed to fetch",
    "connection",
    "timed out",
    "no matching dist",
)

NO_REGISTRY = """
Could not install from the Python package registry.

  What to do: check the network (or proxy: HTTPS_PROXY) and run the same command again.
  A company mirror: set PIP_INDEX_URL for the first step and UV_DEFAULT_INDEX for the others.
  What was already installed is kept; once everything is there, no network is needed.
"""


class SetupFailed(Exception):
    """An environment could not be created; the message is for the user."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the lock file it is created from.

    Attributes:
        name: Name to print.
        folder: Location of the environment.
        lock: The requirements file, locked with hashes.
        bytecode: Whether to compile bytecode on installation, which makes the first start faster.
        editable: Whether to install this project into it, in editable mode.
    """

    name: str
    folder: Path
    lock: Path
    bytecode: bool = False
    editable: bool = False

    def fingerprint(self) -> str:
        """Return a digest of what the environment depends on: lock file, interpreter, folder and project file."""
        digest = hashlib.sha256(self.lock.read_bytes())
        digest.update(f"{sys.executable} {sys.version} {self.folder}".encode())
        if self.editable:
            digest.update((ROOT / "pyproject.toml").read_bytes())
        return digest.hexdigest()

    def has_interpreter(self) -> bool:
        """Tell whether the folder already is a virtual environment of the running Python's minor version."""
        return (self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}").is_dir()

    def is_current(self) -> bool:
        """Tell whether the environment matches its fingerprint."""
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text() == self.fingerprint()

    def mark_current(self) -> None:
        """Record the fingerprint in the environment."""
        (self.folder / STAMP).write_text(self.fingerprint())


UV_ENVIRONMENT = Environment("uv (package installer)", TOOLS / "uv", ROOT / "requirements" / "uv.txt")
ENVIRONMENTS = (
    Environment("project", ROOT / ".venv", ROOT / "requirements" / "dev.txt", editable=True),
    Environment("AWS SAM", TOOLS / "sam", ROOT / "requirements" / "sam.txt", bytecode=True),
    Environment("AWS emulator", TOOLS / "ministack", ROOT / "requirements" / "ministack.txt", bytecode=True),
)
# Created only when named on the command line.
ON_DEMAND = {"checkov": Environment("template scanner", TOOLS / "checkov", ROOT / "requirements" / "checkov.txt")}


def run(*command: object) -> None:
    """Run a command quietly.

    Raises:
        SetupFailed: The command failed; see :func:`explain` for the message.
    """
    arguments = [str(part) for part in command]
    result = subprocess.run(  # noqa: S603 - the commands are those of this file
        arguments, capture_output=True, text=True, check=False, cwd=ROOT, env=quiet_environment()
    )
    if result.returncode:
        said = (result.stdout + result.stderr).strip()
        raise SetupFailed(explain(said))


def quiet_environment() -> dict[str, str]:
    """Return the environment for pip and uv: no prompts, the user's certificates, no foreign packages."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}
    }
    # uv reads neither pip.conf nor pip's variables; the variables, at least, can be passed on.
    if index := environment.get("PIP_INDEX_URL"):
        environment.setdefault("UV_DEFAULT_INDEX", index)
    if certificates := environment.get("PIP_CERT"):
        environment.setdefault("SSL_CERT_FILE", certificates)
    # A company proxy signs with a certificate that only the system's store knows.
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def explain(said: str) -> str:
    """Return the end of an installer's output, preceded by a remedy if the registry was unreachable."""
    tail = "\n".join(said.splitlines()[-8:])
    if any(sign in said.lower() for sign in NETWORK_SIGNS):
        return f"{NO_REGISTRY}\n  It said:\n{tail}"
    return tail


def make_uv() -> None:
    """Install uv with pip into a plain folder, which works without the venv module and on managed Pythons."""
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--upgrade"),
        *("--target", UV_ENVIRONMENT.folder, "--requirement", UV_ENVIRONMENT.lock),
    )


def make(environment: Environment) -> None:
    """Create a virtual environment if needed, and install exactly what its lock file lists."""
    python = environment.folder / "bin" / "python"
    if not environment.has_interpreter():
        run(UV, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, environment.folder)
    compile_flag = ["--compile-bytecode"] if environment.bytecode else []
    run(UV, "pip", "sync", "--quiet", "--require-hashes", *compile_flag, "--python", python, environment.lock)
    if environment.editable:
        install = (UV, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
        run(*install, "--python", python, "--editable", ROOT)


def timed(environment: Environment, work: Callable[[], None]) -> None:
    """Do the work for an environment, mark it as current, and print how long it took."""
    started = time.monotonic()
    work()
    environment.mark_current()
    say(f"  {environment.name}: ready after {time.monotonic() - started:.0f} s")


def say(line: str) -> None:
    """Print a line and flush it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(*asked_for: str) -> None:
    """Create or update what is missing or out of date; print nothing if nothing is.

    Args:
        asked_for: Names from `ON_DEMAND` of additional environments.

    Raises:
        SetupFailed: An environment could not be created.
    """
    wanted = (*ENVIRONMENTS, *(ON_DEMAND[name] for name in asked_for))
    outdated = [environment for environment in wanted if not environment.is_current()]
    if not outdated:
        return
    version = ".".join(str(part) for part in sys.version_info[:3])
    names = ", ".join(environment.name for environment in outdated)
    say(f"Installing with Python {version}: {names} (a minute or two the first time)")
    started = time.monotonic()
    if not UV_ENVIRONMENT.is_current():
        timed(UV_ENVIRONMENT, make_uv)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda environment: timed(environment, lambda: make(environment)), outdated))
    say(f"Environments ready after {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except SetupFailed as failure:
        sys.exit(f"\nSetup failed.\n{failure}")
