"""An audit says what is known and what is not, and never takes the silence of a database for good news."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import audit

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK = Path("requirements.txt")
GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "strange", "skip_reason": "not found"}

Answers = dict[str, "list[dict[str, Any]] | None"]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Answers], tuple[bool, str]]:
    """A function that returns whether an audit passes and what it says, given the databases' answers (or ``None``)."""

    def run(answers: Answers) -> tuple[bool, str]:
        def asked(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            [database] = [each.partition("=")[2] for each in command if each.startswith("--vulnerability-service")]
            found = answers[database]
            out = "" if found is None else json.dumps({"dependencies": found, "fixes": []})
            return subprocess.CompletedProcess(command, 1, out, "no connection")

        monkeypatch.setattr(subprocess, "run", asked)
        return audit.run(LOCK), " ".join(capsys.readouterr().out.split())

    return run


def test_what_is_vulnerable_fails_with_its_name_and_the_version_that_is_not(
    said: Callable[[Answers], tuple[bool, str]],
) -> None:
    passed, text = said({"pypi": [GOOD, BAD]})

    assert not passed
    assert "bad 2: CVE-1, mended in 3" in text


def test_what_is_known_to_be_good_passes(said: Callable[[Answers], tuple[bool, str]]) -> None:
    assert said({"pypi": [GOOD]}) == (True, "known vulnerabilities: passed, none in 1 packages")


def test_what_one_database_does_not_know_another_is_asked_for(said: Callable[[Answers], tuple[bool, str]]) -> None:
    passed, text = said({"pypi": [UNKNOWN, UNKNOWN], "osv": [GOOD, BAD]})

    assert (passed, "CVE-1" in text) == (False, True)


@pytest.mark.parametrize("pypi", [None, [UNKNOWN]])
def test_nobody_answering_is_said(said: Callable[[Answers], tuple[bool, str]], pypi: Any) -> None:
    passed, text = said({"pypi": pypi, "osv": None})

    assert passed
    assert "NOT looked up" in text


def test_packages_nobody_knows_are_named(said: Callable[[Answers], tuple[bool, str]]) -> None:
    _, text = said({"pypi": [GOOD, UNKNOWN], "osv": None})

    assert "NOT looked up: strange" in text
