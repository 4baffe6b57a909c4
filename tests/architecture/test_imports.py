"""Dependencies point one way (docs/architecture.md, "Layers"); no module is exempt."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "shared" / "coursebridge"
PURE = ("records", "xapi")
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)
LAYERS = [set(re.findall(r"\w+", row)) for row in ROW.findall((ROOT / "docs" / "architecture.md").read_text())]
WORDS = LAYERS[0]


def imported(file: Path) -> set[str]:
    """Return every module that a file imports, at the top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def ours(file: Path) -> set[str]:
    """Return the parts of the package that a file imports: ``storage``, ``errors``, ..."""
    return {name.split(".")[1] for name in imported(file) if name.startswith("coursebridge.")}


def files(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((PACKAGE / package).rglob("*.py"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def package(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def within_reach(of: str) -> set[str]:
    """Return what a package may import: its own row of the table of layers and the rows above it."""
    depth = next(depth for depth, row in enumerate(LAYERS) if of in row)
    return set().union(*LAYERS[: depth + 1])


def test_the_table_of_layers_names_every_package() -> None:
    assert sorted(package for row in LAYERS for package in row) == sorted(
        {package(file) for file in PACKAGE.rglob("*.py")} - {"__init__"}
    )


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_a_module_imports_only_what_stands_above_it(file: Path) -> None:
    assert file == PACKAGE / "__init__.py" or ours(file) <= within_reach(package(file))


@pytest.mark.parametrize("file", [*files(*PURE), *(PACKAGE / f"{word}.py" for word in sorted(WORDS))], ids=name)
def test_the_rules_know_neither_aws_nor_the_table(file: Path) -> None:
    assert ours(file) <= WORDS | {package(file)}
    assert not any(module.split(".")[0] in ("boto3", "botocore", "httpx") for module in imported(file))


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


@pytest.mark.parametrize("file", [*files("."), *sorted((ROOT / "functions").rglob("*.py"))], ids=name)
def test_keys_are_built_in_one_place(file: Path) -> None:
    assert file == PACKAGE / "storage" / "keys.py" or not re.search(r'"[A-Z]{2,}#', file.read_text())


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_only_the_table_knows_why_dynamodb_refuses_a_transaction(file: Path) -> None:
    assert file == PACKAGE / "storage" / "table.py" or "ConditionalCheckFailed" not in file.read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "functions").rglob("*.py")), ids=name)
def test_a_function_leaves_aws_calls_to_the_package(file: Path) -> None:
    assert not any(module.split(".")[0] in ("boto3", "botocore", "httpx") for module in imported(file))


@pytest.mark.parametrize("file", sorted((ROOT / "sandbox").rglob("*.py")), ids=name)
def test_the_sandbox_knows_nothing_of_the_connector(file: Path) -> None:
    assert not any(module.split(".")[0] == "coursebridge" for module in imported(file))
