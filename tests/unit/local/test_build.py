"""A build is repeated if, and only if, something it depends on has changed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local import build, tools
from local.build import Target
from local.errors import StackError

TARGET = Target("python3.13", "arm64", native=False)
CHANGES: dict[str, Callable[[Path], object]] = {
    "template": lambda root: (root / "template.yaml").write_text("changed"),
    "function": lambda root: (root / "functions" / "token" / "token_handler.py").write_text("changed"),
    "new file": lambda root: (root / "layers" / "new.py").write_text(""),
    "renamed file": lambda root: (root / "layers" / "shared.py").rename(root / "layers" / "other.py"),
    "building tool": lambda root: (root / "requirements" / "sam.txt").write_text("changed"),
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in ("template.yaml", "functions/token/token_handler.py", "layers/shared.py", "requirements/sam.txt"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "BUILDS", tmp_path / ".aws-sam")
    return tmp_path


@pytest.fixture
def sam_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environments that `sam build` was run with; each run writes a template."""
    runs: list[dict[str, str]] = []

    def run(purpose: str, command: list[str | Path], environment: dict[str, str], log: Path) -> None:
        folder = Path(command[command.index("--build-dir") + 1])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "template.yaml").write_text(f"build {len(runs)}")
        runs.append(environment)

    monkeypatch.setattr(tools, "run", run)
    return runs


def test_the_same_sources_are_built_once(sam_runs: list[dict[str, str]]) -> None:
    first, second = build.build(TARGET), build.build(TARGET)

    assert first == second
    assert len(sam_runs) == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_built_beside_what_was_there(
    root: Path, sam_runs: list[dict[str, str]], change: Callable[[Path], object]
) -> None:
    first = build.build(TARGET)
    change(root)
    second = build.build(TARGET)

    assert (first / "template.yaml").read_text() == "build 0"
    assert (second / "template.yaml").read_text() == "build 1"


def test_what_python_leaves_behind_is_no_change(root: Path) -> None:
    before = build.fingerprint(TARGET)
    (root / "layers" / "__pycache__").mkdir()
    (root / "layers" / "__pycache__" / "shared.cpython-313.pyc").write_bytes(b"x")

    assert build.fingerprint(TARGET) == before


@pytest.mark.parametrize("other", [{"runtime": "python3.12"}, {"architecture": "x86_64"}, {"native": True}])
def test_each_target_has_a_build_of_its_own(root: Path, other: dict[str, str | bool]) -> None:
    assert build.fingerprint(replace(TARGET, **other)) != build.fingerprint(TARGET)  # type: ignore[arg-type]


def test_the_layers_makefiles_learn_the_target(sam_runs: list[dict[str, str]]) -> None:
    build.build(TARGET)
    build.build(replace(TARGET, native=True))

    assert [(run["RUNTIME"], run["ARCHITECTURE"], run["NATIVE"]) for run in sam_runs] == [
        ("python3.13", "arm64", ""),
        ("python3.13", "arm64", "yes"),
    ]


def test_old_builds_are_forgotten(root: Path, sam_runs: list[dict[str, str]]) -> None:
    for number in range(build.KEPT_BUILDS + 2):
        (root / "template.yaml").write_text(str(number))
        newest = build.build(TARGET)

    left = list((root / ".aws-sam" / "finished").iterdir())
    assert len(left) == build.KEPT_BUILDS
    assert newest in left


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["python3.11", "python3.12", "python3.13", "python3.14"], "python3.13"),
        (["python3.11", "python3.12", "python3.14"], "python3.14"),
        (["python3.11", "python3.12"], "python3.12"),
    ],
)
def test_what_is_deployed_is_built_for_a_runtime_that_is_here(
    monkeypatch: pytest.MonkeyPatch, installed: list[str], chosen: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name if name in installed else None)

    assert build.aws_target(None, None).runtime == chosen


@pytest.mark.parametrize(("installed", "wanted"), [(["python3.11"], None), (["python3.11"], "python3.11"), ([], None)])
def test_a_runtime_without_full_text_search_is_not_deployed(
    monkeypatch: pytest.MonkeyPatch, installed: list[str], wanted: str | None
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name if name in installed else None)

    with pytest.raises(StackError, match=r"python3\.12"):
        build.aws_target(wanted, None)
