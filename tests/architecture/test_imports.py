"""Dependencies point one way (docs/architecture.md, "Layers"); no module is exempt."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "shared" / "coursebridge"
PURE = ("records", "xapi")
WORDS = {"errors", "clock", "ids", "settings", "times"}
AWS = {"clients", "observability", "secret_values"}
SERVICES = {"activity", "apply", "catalog", "graph", "integrations", "linkedin", "people"}


def imported(file: Path) -> set[str]:
    """Return every module a file imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def ours(file: Path) -> set[str]:
    """Return the parts of the package a file imports: ``storage``, ``errors``, ..."""
    return {name.split(".")[1] for name in imported(file) if name.startswith("coursebridge.")}


def files(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((PACKAGE / package).rglob("*.py"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("file", [PACKAGE / f"{word}.py" for word in sorted(WORDS)], ids=name)
def test_the_words_everybody_uses_know_nobody(file: Path) -> None:
    assert ours(file) <= WORDS
    assert not any(module.split(".")[0] in ("boto3", "botocore") for module in imported(file))


@pytest.mark.parametrize("file", files(*PURE), ids=name)
def test_the_rules_know_neither_aws_nor_the_table(file: Path) -> None:
    assert ours(file) <= WORDS | {file.relative_to(PACKAGE).parts[0]}
    assert not any(module.split(".")[0] in ("boto3", "botocore", "httpx") for module in imported(file))


@pytest.mark.parametrize("file", files("storage"), ids=name)
def test_the_stores_know_nothing_of_their_callers(file: Path) -> None:
    assert not ours(file) & {"api", "auth", "apply", "people", "linkedin", "integrations"}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_only_the_linkedin_package_speaks_http_to_linkedin(file: Path) -> None:
    allowed = {"admin", "linkedin", "webhooks"}  # the self-test of admin calls this system's own public address
    speaks = any(module.split(".")[0] == "httpx" for module in imported(file))

    assert not speaks or file.relative_to(PACKAGE).parts[0] in allowed


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_the_environment_is_read_in_one_place(file: Path) -> None:
    assert file.name == "settings.py" or not {"os.environ", "os.getenv"} & imported(file)
    assert file.name == "settings.py" or "os.environ" not in file.read_text()


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_the_clock_is_read_in_one_place(file: Path) -> None:
    assert file.name == "clock.py" or "datetime.now(" not in file.read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "functions").rglob("*.py")), ids=name)
def test_a_function_leaves_aws_calls_to_the_package(file: Path) -> None:
    assert not any(module.split(".")[0] in ("boto3", "botocore", "httpx") for module in imported(file))


@pytest.mark.parametrize("file", sorted((ROOT / "sandbox").rglob("*.py")), ids=name)
def test_the_sandbox_knows_nothing_of_the_connector(file: Path) -> None:
    assert not any(module.split(".")[0] == "coursebridge" for module in imported(file))
