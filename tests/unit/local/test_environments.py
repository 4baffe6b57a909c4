"""Environments are remade when their lock file changes; an unreachable registry is reported with a remedy."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from local import environments
from local.environments import Environment, SetupFailed


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "lock.txt").write_text("a==1")
    (tmp_path / "folder").mkdir()
    return Environment("tool", tmp_path / "folder", tmp_path / "lock.txt")


def test_an_environment_is_current_once_it_is_marked(environment: Environment) -> None:
    before = environment.is_current()
    environment.mark_current()

    assert not before
    assert environment.is_current()


def test_a_changed_lock_file_makes_it_outdated(environment: Environment) -> None:
    environment.mark_current()
    environment.lock.write_text("a==2")

    assert not environment.is_current()


def test_a_moved_checkout_makes_it_outdated(environment: Environment, tmp_path: Path) -> None:
    environment.mark_current()
    moved = replace(environment, folder=environment.folder.rename(tmp_path / "elsewhere"))

    assert not moved.is_current()


def test_nothing_is_said_or_done_when_all_is_current(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.mark_current()
    monkeypatch.setattr(environments, "ENVIRONMENTS", (environment,))

    environments.main()

    assert capsys.readouterr().out == ""


def test_what_is_made_on_demand_is_made_when_it_is_named(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(environments, "ENVIRONMENTS", ())
    monkeypatch.setattr(environments, "UV_ENVIRONMENT", environment)
    monkeypatch.setattr(environments, "ON_DEMAND", {"tool": environment})
    monkeypatch.setattr(environments, "timed", lambda one, _work: made.append(one.name))

    environments.main()
    assert made == []
    environments.main("tool")
    assert "tool" in made


def test_a_registry_out_of_reach_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess((), 1, "", "error: Request failed\n  Caused by: dns error")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(SetupFailed, match="check the network"):
        environments.run("uv", "pip", "sync")


def test_another_failure_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess((), 1, "", "error: no space left on device")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(SetupFailed, match=r"^error: no space left on device$"):
        environments.run("uv", "pip", "sync")


def test_pips_mirror_is_uvs_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example.com/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)

    assert environments.quiet_environment()["UV_DEFAULT_INDEX"] == "https://mirror.example.com/simple"
