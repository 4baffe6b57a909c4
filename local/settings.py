"""Settings of an embedded stack: its folder, its ports, and the LinkedIn it talks to."""

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".local" / "tools"
SAM = TOOLS / "sam" / "bin" / "sam"
EMULATOR_PYTHON = TOOLS / "ministack" / "bin" / "python"

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 4566
DEFAULT_SANDBOX_PORT = 9000


@dataclass(frozen=True)
class StackSettings:
    """Settings of an embedded stack.

    Attributes:
        state_dir: Folder for logs, process ids, scratch files and `outputs.json`; each stack needs its own.
        port: Port of the AWS emulator, which also serves the API.
        sandbox_port: Port of the LinkedIn Learning sandbox; unused with `linkedin_url`.
        linkedin_url: Base URL of a LinkedIn to use instead of the sandbox.
        enforce_iam: Whether the functions may do only what their roles allow, as on AWS.
        region: AWS region of the stack.
        stack_name: Name of the CloudFormation stack.
    """

    state_dir: Path = ROOT / ".local"
    port: int = DEFAULT_PORT
    sandbox_port: int = DEFAULT_SANDBOX_PORT
    linkedin_url: str | None = None
    enforce_iam: bool = True
    region: str = "eu-west-1"
    stack_name: str = "coursebridge"

    @property
    def endpoint_url(self) -> str:
        """Base URL of every emulated AWS service."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def api_url(self) -> str:
        """Base URL of the deployed HTTP API, known before deployment.

        The API's id is in the path, not in a host name `{api}.execute-api.localhost`, which not every machine resolves.
        """
        return f"{self.endpoint_url}/_aws/execute-api/{self.stack_name}"

    @property
    def effective_linkedin_url(self) -> str:
        """Base URL of the LinkedIn this stack talks to."""
        return self.linkedin_url or f"http://{LOOPBACK}:{self.sandbox_port}"

    @property
    def outputs_file(self) -> Path:
        """File that holds the addresses and the admin's credentials while the stack is up."""
        return self.state_dir / "outputs.json"

    def log_file(self, name: str) -> Path:
        """Return the log file of the process or tool with this name."""
        return self.state_dir / "logs" / f"{name}.log"


def local_runtime() -> str:
    """Return the Lambda runtime of the emulator, which runs functions with its own interpreter."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def local_architecture() -> str:
    """Return Lambda's name for this machine's architecture."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
