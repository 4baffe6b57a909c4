"""Clients of the emulated AWS, and the environment that keeps tools away from any real account."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from local.settings import TOOLS, StackSettings

if TYPE_CHECKING:
    from boto3.session import Session

# What a tool needs of the person's environment, and nothing else: no AWS profile, no foreign PYTHONPATH.
KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "TERM", "USER")
KEPT_PREFIXES = ("PIP_", "HTTP_", "HTTPS_", "NO_", "http_", "https_", "no_")

# The emulator's root user. Anything else is looked up among its users and sessions.
ACCESS_KEY = "test"


def session(settings: StackSettings) -> "Session":
    """Return a boto3 session of the emulator's root user.

    The endpoint is given to each client, see `client_options`.
    """
    return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=ACCESS_KEY, region_name=settings.region)


def client_options(settings: StackSettings) -> tuple[str, Config]:
    """Return the endpoint and the configuration for a client of the emulator."""
    return settings.endpoint_url, Config(retries={"total_max_attempts": 2}, max_pool_connections=32)


def tool_environment(settings: StackSettings | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a clean environment for a tool: the SAM tools first on the PATH, AWS calls sent to the emulator.

    Args:
        settings: The stack whose emulator AWS calls go to; none for tools that make no AWS call.
        extra: Further variables.
    """
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    kept["PATH"] = os.pathsep.join([str(TOOLS / "sam" / "bin"), kept.get("PATH", os.defpath)])
    kept |= {"SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    kept |= {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_DEFAULT_REGION": "eu-west-1"}
    if settings:
        kept |= {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            # SAM asks CloudFormation how far it is every five seconds by default; here it is there at once.
            "SAM_CLI_POLL_DELAY": "0.2",
        }
    return kept | dict(extra or {})
