"""The command line on a running stack: a new admin connects an account, and brings people."""

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
    from pathlib import Path

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

    def run(*arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "coursebridge_cli", *arguments]
        called = {**environment, **more}
        return subprocess.run(command, env=called, input=typed, capture_output=True, text=True, check=False)

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


def test_people_are_imported_explained_and_erased_by_the_command_line(coursebridge: Run, tmp_path: Path) -> None:
    name = f"Command line {uuid.uuid4().hex[:8]}"
    assert coursebridge("integrations", "create", name, "learner_matching=directory").returncode == 0
    file = tmp_path / "people.csv"
    file.write_text("email,external_id,name\nzoë@example.com,E-1,Zoë\n,,Nobody\n")

    imported = coursebridge("learners", "import", str(file), "-i", name)
    assert (imported.returncode, "1 of 2 rows" in imported.stderr) == (1, True), imported.stderr
    assert "Zoë" in coursebridge("learners", "find", "email:zoë@example.com", "-i", name).stdout
    explained = coursebridge("explain", "external_id:E-1", "urn:li:lyndaCourse:1", "-i", name)
    assert "the learner is known and active" in explained.stdout

    erased = coursebridge("learners", "erase", "external_id:E-1", "--yes", "-i", name)
    assert erased.returncode == 0, erased.stderr
    assert coursebridge("learners", "find", "external_id:E-1", "-i", name).returncode == 1
    assert coursebridge("integrations", "delete", "--force", "--yes", "-i", name).returncode == 0


def test_a_client_with_too_few_scopes_is_told_how_to_get_another(coursebridge: Run) -> None:
    made = json.loads(coursebridge("clients", "create", "Reader", "--scope", "admin:read", "--json").stdout)
    reader = {"COURSEBRIDGE_CLIENT_ID": made["client_id"], "COURSEBRIDGE_CLIENT_SECRET": made["client_secret"]}

    listed = coursebridge("integrations", "list", **reader)
    refused = coursebridge("integrations", "create", "Acme", **reader)

    assert listed.returncode == 0, listed.stderr
    assert (refused.returncode, "lacks the scope admin:write" in refused.stderr) == (1, True), refused.stderr
    assert coursebridge("clients", "revoke", made["client_id"], "--yes").returncode == 0
