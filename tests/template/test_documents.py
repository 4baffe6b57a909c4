"""What the documents for operators promise to be complete about is complete."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperOption

import cfn
from coursebridge.integrations.models import ActivitySettings, Filters, IntegrationSettings, Schedule
from coursebridge_cli.app import app

CONFIGURATION = (cfn.ROOT / "docs" / "configuration.md").read_text()
DATA_MODEL = (cfn.ROOT / "docs" / "data-model.md").read_text()
MODELS = (IntegrationSettings, Filters, Schedule, ActivitySettings)


@pytest.mark.parametrize("name", cfn.template()["Parameters"])
def test_every_parameter_of_the_stack_is_described(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION


@pytest.mark.parametrize("name", sorted({name for model in MODELS for name in model.model_fields}))
def test_every_setting_of_an_integration_is_described(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION


def test_nothing_is_described_that_does_not_exist() -> None:
    parameters = CONFIGURATION.partition("## Parameters of the stack")[2].partition("## Settings")[0]
    first_cells = re.findall(r"^\| (`.+?`) \|", parameters, re.MULTILINE)

    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == set(cfn.template()["Parameters"])


def test_every_prefix_of_the_bucket_is_described() -> None:
    rules = cfn.resources("AWS::S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"]

    assert [rule["Prefix"] for rule in rules if "Prefix" in rule and f"`{rule['Prefix']}`" not in DATA_MODEL] == []


@pytest.mark.parametrize("page", sorted((cfn.ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]

    assert [link for link in local if not (page.parent / link).exists()] == []


def quoted_commands() -> list[str]:
    """Return the calls of the command line in the documents, in back-ticks and in blocks of shell."""
    found: set[str] = set()
    for page in (cfn.ROOT / "README.md", *(cfn.ROOT / "docs").glob("*.md")):
        text = page.read_text()
        blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        found |= set(re.findall(r"`coursebridge ([a-z][^`]*)`", text))
        found |= {line.partition("  #")[0] for line in re.findall(r"^coursebridge (.+)$", blocks, re.MULTILINE)}
    return sorted({command.strip() for command in found})


@pytest.mark.parametrize("command", quoted_commands())
def test_every_command_in_the_documents_is_one(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only parsed, not run; what is asked for is answered."""
    monkeypatch.setattr(TyperOption, "prompt_for_value", lambda _option, _context: "anything")
    words = shlex.split(re.sub(r"<[^>]+>", "ID", command))
    at: Any = typer.main.get_command(app)
    with typer.Context(at) as context:
        while words and hasattr(at, "commands"):
            at = at.commands[words.pop(0)]
        if words or not (hasattr(at, "commands") or is_named_only(command)):
            at.make_context("coursebridge", words, parent=context)


def is_named_only(command: str) -> bool:
    """Whether a command is spoken of, and not told to be called: those that ask for more are then without it."""
    return command in {"clients rotate", "assign", "credentials"}


def test_every_finding_that_is_left_out_of_the_scan_is_argued_and_no_other() -> None:
    left_out = set(yaml.safe_load((cfn.ROOT / ".checkov.yaml").read_text())["skip-check"])
    decision = (cfn.ROOT / "docs" / "decisions" / "0070-what-checkov-finds.md").read_text()

    assert set(re.findall(r"CKV_AWS_\d+", decision)) == left_out
