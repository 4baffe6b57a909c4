"""A new admin connects an account with the command line alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from connector import SANDBOX_PAIR, Caller, event, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from running_stack import RunningStack

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def coursebridge(stack: RunningStack) -> Run:
    """A function that runs the command line with admin credentials in the environment."""
    environment = {
        **os.environ,
        "COURSEBRIDGE_URL": stack.outputs.api_url,
        "COURSEBRIDGE_CLIENT_ID": stack.outputs.admin_client_id,
        "COURSEBRIDGE_CLIENT_SECRET": stack.outputs.admin_client_secret,
        "COLUMNS": "200",
    }

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "coursebridge_cli", *arguments]
        return subprocess.run(command, env=environment, input=typed, capture_output=True, text=True, check=False)

    return run


def test_set_up_sync_statement_and_status_by_the_command_line_alone(stack: RunningStack, coursebridge: Run) -> None:
    name = f"Command line {uuid.uuid4().hex[:8]}"
    made = coursebridge(
        "setup", "--name", name, "--client-id", SANDBOX_PAIR["client_id"], "--no-sync", "--secret-stdin", "--json",
        typed=SANDBOX_PAIR["client_secret"] + "\n",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    webhook = json.loads(made.stdout)["webhook"]
    assert coursebridge("integrations", "set", 'filters.languages=["de"]', "-i", name).returncode == 0
    assert coursebridge("selftest", "-i", name).returncode == 0

    synced = coursebridge("runs", "start", "--mode", "full", "-i", name)
    assert (synced.returncode, "succeeded" in synced.stdout) == (0, True), synced.stderr

    linkedin = Caller(stack.http, webhook["client_id"], webhook["client_secret"])
    statement: dict[str, Any] = event("statement-progressed.json")
    linkedin.ask("POST", "/xapi/statements", json=statement)
    eventually(lambda: coursebridge("statements", "held", "-i", name).stdout, lambda text: statement["id"] in text)
    status = coursebridge("status", "-i", name)
    assert (status.returncode, "All is well" in status.stdout) == (0, True), status.stdout

    assert SANDBOX_PAIR["client_secret"] not in made.stdout + made.stderr
    assert coursebridge("integrations", "delete", "--force", "--yes", "-i", name).returncode == 0
