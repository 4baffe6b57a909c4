"""What the documents for operators promise to be complete about is complete."""

import re
from pathlib import Path

import pytest
import yaml

import cfn
from coursebridge.integrations.models import ActivitySettings, Filters, IntegrationSettings, Schedule

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


def test_every_finding_that_is_left_out_of_the_scan_is_argued_and_no_other() -> None:
    left_out = set(yaml.safe_load((cfn.ROOT / ".checkov.yaml").read_text())["skip-check"])
    decision = (cfn.ROOT / "docs" / "decisions" / "0070-what-checkov-finds.md").read_text()

    assert set(re.findall(r"CKV_AWS_\d+", decision)) == left_out
