"""Fixtures of an embedded stack for a whole test run: the real template on an emulator, with a sandbox.

The stack listens on free ports and keeps its state in a temporary folder, so it does not collide with the one of
`make up`. To save its start, let the tests use that one: `COURSEBRIDGE_OUTPUTS=.local/outputs.json pytest -m e2e`.

With pytest-xdist, as in `make test`, each worker starts its own stack.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local import stack as embedded
from local.aws import Clients
from local.outputs import Outputs
from local.ports import free_port
from local.settings import StackSettings
from running_stack import RunningStack


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outputs]:
    """The outputs of the stack, which is started before the tests and always taken down after them."""
    if already := os.environ.get("COURSEBRIDGE_OUTPUTS"):
        yield Outputs.read(Path(already))
        return
    settings = StackSettings(state_dir=tmp_path_factory.mktemp("stack"), port=free_port(), sandbox_port=free_port())
    try:
        yield embedded.up(settings)
    finally:
        embedded.down(settings)


@pytest.fixture(scope="session")
def stack(outputs: Outputs) -> Iterator[RunningStack]:
    """The running stack and clients for it."""
    with (
        httpx.Client(base_url=outputs.api_url, timeout=60, trust_env=False) as http,
        httpx.Client(base_url=outputs.linkedin_url, timeout=60, trust_env=False) as sandbox,
    ):
        yield RunningStack(outputs, Clients(outputs.endpoint_url, outputs.region), http, sandbox)
