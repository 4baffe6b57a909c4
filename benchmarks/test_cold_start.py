"""Cold starts: how long a new process takes until it can serve, compared with one that only makes a DynamoDB client."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from local import build

if TYPE_CHECKING:
    from figures import Figures

ROUNDS = 15
TIMED = """
import json, sys, time
folders, runtime, statement = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.path[:] = folders + [path for path in sys.path if path and "site-packages" not in path] + [runtime]
started = time.perf_counter()
exec(statement)
print(time.perf_counter() - started)
"""
BARE = "import boto3; boto3.client('dynamodb')"
READY = {
    "token": "import token_handler; from coursebridge.auth import wiring; wiring.exchange()",
    "statements": "import statements_handler; from coursebridge.auth import wiring; wiring.access()",
}
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "TABLE_NAME": "table",
    "SIGNING_KEYS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:a",
    "BOOTSTRAP_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:b",
}


# Only what AWS's runtime contains: other packages distort the result (PyJWT, for one, loads cryptography if it can).
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages that AWS's Python runtime contains."""
    folder = tmp_path_factory.mktemp("runtime")
    installed = Path(boto3.__file__).parents[1]
    for name in RUNTIME:
        (folder / name).symlink_to(installed / name)
    return folder


def seconds(folders: list[Path], runtime: Path, statement: str) -> float:
    done = subprocess.run(
        [sys.executable, "-I", "-c", TIMED, json.dumps([str(folder) for folder in folders]), str(runtime), statement],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    return float(done.stdout)


@pytest.fixture(scope="module")
def artefacts() -> Path:
    """Return the folder in which `sam build` put the current sources, built for this machine."""
    return build.build(build.local_target())


@pytest.mark.parametrize("function", READY)
def test_cold_start(figures: Figures, artefacts: Path, runtime: Path, function: str) -> None:
    layers = [artefacts / "DependenciesLayer" / "python", artefacts / "SharedLayer" / "python"]
    built = [artefacts / f"{function.capitalize()}Function", *layers]
    both = [(seconds([], runtime, BARE), seconds(built, runtime, READY[function])) for _ in range(ROUNDS)]
    # The fastest of each: other load on the machine can only add time.
    bare, ready = (min(column) for column in zip(*both, strict=True))

    figures.add(f"cold start of {function}, ready to serve", ready * 1000, "ms")
    figures.add(f"cold start of {function} / bare DynamoDB client", ready / bare, "x", "at most 1.5")
