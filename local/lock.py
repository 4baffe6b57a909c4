"""Renew the locked requirements: exact versions with hashes, valid for every supported Python and platform."""

from local import tools
from local.aws import tool_environment
from local.console import step
from local.settings import ROOT, TOOLS

UV = TOOLS / "uv" / "bin" / "uv"
OLDEST_PYTHON = "3.11"
# The layer comes first: the project's own environment takes its versions from it.
LOCKS = (
    "layers/dependencies/requirements",
    "requirements/uv",
    "requirements/sam",
    "requirements/ministack",
    "requirements/checkov",
    "requirements/dev",
)


def renew() -> None:
    """Resolve every `.in` file and write its `.txt`.

    Raises:
        StackError: The resolver failed; the message contains the end of its output.
    """
    quiet = ("--quiet", "--no-annotate", "--no-header", "--no-emit-index-url")
    for lock in LOCKS:
        command = (UV, "pip", "compile", *quiet, "--upgrade", "--universal", "--generate-hashes")
        files = ("--python-version", OLDEST_PYTHON, f"{lock}.in", "--output-file", f"{lock}.txt")
        with step(f"Resolving {lock}.in", f"{lock}.txt renewed"):
            tools.run(
                "uv pip compile",
                (*command, *files),
                tool_environment(),
                ROOT / ".local" / "logs" / "lock.log",
            )
