"""Make the virtual environments of this project, and only those whose lock file has changed.

Run by the Makefile as a plain file with whatever Python from 3.11 to 3.14 there is, before anything is installed:
it may import nothing but the standard library.

| environment              | for                                      | why apart                        |
| ------------------------ | ---------------------------------------- | -------------------------------- |
| `.local/tools/uv`        | making the others                        | needs pip only, not `venv`       |
| `.venv`                  | the project: tests, checks, local stack  |                                  |
| `.local/tools/sam`       | `sam build`, `sam deploy`                | pins boto3 and pydantic          |
| `.local/tools/ministack` | the AWS emulator and the functions in it | pins botocore; runs the Lambdas  |
| `.local/tools/checkov`   | `make scan`, made when it is asked for   | pins boto3, and is large         |
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
    """An environment could not be made; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment and the lock file it is made from.

    Attributes:
        name: What the person at the terminal sees.
        folder: Where it lies.
        lock: The requirements file, locked with hashes.
        bytecode: Whether to compile on installation, so that the first start is as quick as the second.
        editable: Whether this project itself is installed into it.
    """

    name: str
    folder: Path
    lock: Path
    bytecode: bool = False
    editable: bool = False

    def fingerprint(self) -> str:
        """Return what the environment depends on, as one digest: lock file, interpreter, project file."""
        digest = hashlib.sha256(self.lock.read_bytes())
        digest.update(f"{sys.executable} {sys.version} {self.folder}".encode())
        if self.editable:
            digest.update((ROOT / "pyproject.toml").read_bytes())
        return digest.hexdigest()

    def has_interpreter(self) -> bool:
        """Tell whether the folder is a virtual environment of the running Python's minor version already."""
        return (self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}").is_dir()

    def is_current(self) -> bool:
        """Tell whether the environment was made from just this lock file."""
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text() == self.fingerprint()

    def mark_current(self) -> None:
        """Remember what the environment was made from."""
        (self.folder / STAMP).write_text(self.fingerprint())


UV_ENVIRONMENT = Environment("uv (package installer)", TOOLS / "uv", ROOT / "requirements" / "uv.txt")
ENVIRONMENTS = (
    Environment("project", ROOT / ".venv", ROOT / "requirements" / "dev.txt", editable=True),
    Environment("AWS SAM", TOOLS / "sam", ROOT / "requirements" / "sam.txt", bytecode=True),
    Environment("AWS emulator", TOOLS / "ministack", ROOT / "requirements" / "ministack.txt", bytecode=True),
)
# Made only when somebody names one on the command line.
ON_DEMAND = {"checkov": Environment("template scanner", TOOLS / "checkov", ROOT / "requirements" / "checkov.txt")}


def run(*command: object) -> None:
    """Run a command quietly.

    Raises:
        SetupFailed: it failed; the message holds what it said, or the remedy if the registry was not reached.
    """
    arguments = [str(part) for part in command]
    result = subprocess.run(  # noqa: S603 - the commands are those of this file
        arguments, capture_output=True, text=True, check=False, cwd=ROOT, env=quiet_environment()
    )
    if result.returncode:
        said = (result.stdout + result.stderr).strip()
        raise SetupFailed(explain(said))


def quiet_environment() -> dict[str, str]:
    """Return the environment for pip and uv: no questions, the user's certificates, no foreign packages."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}
    }
    # pip.conf is not read by uv; what pip is told through the environment, uv is told too.
    if index := environment.get("PIP_INDEX_URL"):
        environment.setdefault("UV_DEFAULT_INDEX", index)
    if certificates := environment.get("PIP_CERT"):
        environment.setdefault("SSL_CERT_FILE", certificates)
    # Behind a company's proxy, what it signs with is known to the system alone.
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def explain(said: str) -> str:
    """Return the last lines of an installer's output, led by the remedy if it did not reach its registry."""
    tail = "\n".join(said.splitlines()[-8:])
    if any(sign in said.lower() for sign in NETWORK_SIGNS):
        return f"{NO_REGISTRY}\n  It said:\n{tail}"
    return tail


def make_uv() -> None:
    """Install uv with pip into a folder of its own: works without the venv module and on managed Pythons."""
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--upgrade"),
        *("--target", UV_ENVIRONMENT.folder, "--requirement", UV_ENVIRONMENT.lock),
    )


def make(environment: Environment) -> None:
    """Make one virtual environment hold exactly what its lock file says."""
    python = environment.folder / "bin" / "python"
    if not environment.has_interpreter():
        run(UV, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, environment.folder)
    compile_flag = ["--compile-bytecode"] if environment.bytecode else []
    run(UV, "pip", "sync", "--quiet", "--require-hashes", *compile_flag, "--python", python, environment.lock)
    if environment.editable:
        install = (UV, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
        run(*install, "--python", python, "--editable", ROOT)


def timed(environment: Environment, work: Callable[[], None]) -> None:
    """Do the work for one environment, stamp it, and say how long it took."""
    started = time.monotonic()
    work()
    environment.mark_current()
    say(f"  {environment.name}: ready after {time.monotonic() - started:.0f} s")


def say(line: str) -> None:
    """Tell the person at the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(*asked_for: str) -> None:
    """Make what is missing or out of date; say nothing if nothing is.

    Args:
        asked_for: names of environments of `ON_DEMAND`, made beside the others.

    Raises:
        SetupFailed: an environment could not be made.
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
