"""Each built function can be imported with only its own folder and the layers on the path."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

import cfn

BUILD = Path(os.environ.get("COURSEBRIDGE_BUILD", cfn.ROOT / ".aws-sam" / "build"))
FUNCTIONS = cfn.resources("AWS::Serverless::Function")
pytestmark = pytest.mark.packaging

# boto3 comes with the Lambda runtime, so its folder is the one addition to the path, appended last.
LOOK = """
import json, sys
sys.path[:] = json.loads(sys.argv[1]) + [path for path in sys.path if "site-packages" not in path and path]
sys.path.append(sys.argv[2])
import importlib
importlib.import_module(sys.argv[3])
print(json.dumps(sorted(sys.modules)))
"""


def modules_after_importing(name: str) -> set[str]:
    """Return the modules loaded after a fresh interpreter imports the built handler of a function."""

    module = FUNCTIONS[name]["Handler"].rpartition(".")[0]
    folders = [str(BUILD / name), *(str(BUILD / layer / "python") for layer in ("DependenciesLayer", "SharedLayer"))]
    runtime = str(Path(boto3.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOOK, json.dumps(folders), runtime, module],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": "eu-west-1", "TABLE_NAME": "t"},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    assert BUILD.is_dir(), "run `make build` first"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_built_function_imports(name: str) -> None:
    assert "coursebridge" in modules_after_importing(name)


@pytest.mark.parametrize("name", ["TokenFunction", "StatementsFunction"])
def test_the_functions_linkedin_waits_for_load_neither_pydantic_nor_httpx(name: str) -> None:
    assert not {"pydantic", "httpx"} & modules_after_importing(name)


def test_apply_loads_no_http_client() -> None:
    assert not {"pydantic", "httpx", "jwt"} & modules_after_importing("ApplyFunction")


@pytest.mark.parametrize("layer", ["DependenciesLayer", "SharedLayer"])
def test_a_layer_ships_byte_code_that_no_date_makes_stale(layer: str) -> None:
    compiled = list((BUILD / layer / "python").rglob("*.pyc"))
    sources = list((BUILD / layer / "python").rglob("*.py"))
    unchecked_hash = 0b01

    assert len(compiled) >= 0.9 * len(sources)
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {unchecked_hash}


def test_the_layers_stay_small() -> None:
    sizes = {
        layer: sum(path.stat().st_size for path in (BUILD / layer).rglob("*") if path.is_file())
        for layer in ("DependenciesLayer", "SharedLayer")
    }

    assert sizes["DependenciesLayer"] < 60_000_000
    assert sizes["SharedLayer"] < 6_000_000
