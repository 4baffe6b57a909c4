"""The AWS emulator: one process that keeps everything in memory and runs functions with its own interpreter."""

import os

import httpx

from local.processes import Started, start
from local.settings import EMULATOR_PYTHON, LOOPBACK, ROOT, StackSettings

HEALTH = "/_ministack/health"


def start_emulator(settings: StackSettings) -> Started:
    """Start the emulator in the background.

    Its Lambda workers inherit its environment, so it gets only what a Lambda runtime has, nothing of the user's.
    """
    scratch = settings.state_dir / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.pathsep.join([str(EMULATOR_PYTHON.parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": str(scratch),
        "GATEWAY_PORT": str(settings.port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": settings.region,
        "S3_DATA_DIR": str(scratch / "s3"),
        "STATE_DIR": str(scratch / "state"),
        "AUTH": "true" if settings.enforce_iam else "false",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Retry after two seconds at most, not thirty: one failure should not hold a test up.
        "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "2",
        "SFN_WAIT_SCALE": "0.1",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }
    # -P: the folder of the script would be searched for modules first.
    command = [str(EMULATOR_PYTHON), "-P", str(ROOT / "local" / "emulator_process.py")]
    return start("emulator", command, environment, settings.log_file("emulator"), scratch)


def emulator_answers(settings: StackSettings) -> bool:
    """Tell whether the emulator is ready for calls."""
    return answers(settings.endpoint_url + HEALTH)


def answers(url: str) -> bool:
    """Tell whether a URL answers with status 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
