"""A guided deployment deploys what was built, with the answers of the last one."""

from pathlib import Path

import pytest
import yaml

from cfn import ROOT
from local import guided
from local.build import Target

TARGET = Target("python3.12", "x86_64", native=False)
BUILT = """
Parameters:
  Runtime: {Type: String, Default: python3.13, AllowedValues: [python3.11, python3.12, python3.13]}
  Architecture: {Type: String, Default: arm64, AllowedValues: [arm64, x86_64]}
  DomainName: {Type: String, Default: ""}
Resources:
  Layer: {Properties: {ContentUri: DependenciesLayer}}
"""


@pytest.mark.parametrize(
    ("saved", "answers"),
    [
        ("", {}),
        (
            r'parameter_overrides = "Architecture=\"x86_64\" AlarmTopicArn=\"\" LinkedInApiUrl=\"https://a?b=c\""',
            {"Architecture": "x86_64", "AlarmTopicArn": "", "LinkedInApiUrl": "https://a?b=c"},
        ),
        ('parameter_overrides = ["DomainName=a.example", "Runtime=python3.11"]',
         {"DomainName": "a.example", "Runtime": "python3.11"}),
    ],
)  # fmt: skip
def test_the_answers_of_last_time_are_read(tmp_path: Path, saved: str, answers: dict[str, str]) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text(f"[default.deploy.parameters]\n{saved}\n")

    assert guided.saved_parameters(config) == answers


def test_before_the_first_deployment_nothing_is_saved() -> None:
    assert guided.saved_parameters(ROOT / "samconfig.toml") == {}


def test_the_answers_of_last_time_are_offered_again_but_for_what_was_built() -> None:
    saved = {"Architecture": "arm64", "DomainName": "a.example", "AlarmTopicArn": ""}

    assert guided.overrides(saved, TARGET) == [
        'DomainName="a.example"',
        'AlarmTopicArn=""',
        "Runtime=python3.12",
        "Architecture=x86_64",
    ]


def test_what_is_deployed_takes_no_other_target_than_it_was_built_for(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(BUILT)

    file = guided.only_for(TARGET, tmp_path)

    expected = yaml.safe_load(BUILT)
    expected["Parameters"]["Runtime"] |= {"Default": "python3.12", "AllowedValues": ["python3.12"]}
    expected["Parameters"]["Architecture"] |= {"Default": "x86_64", "AllowedValues": ["x86_64"]}
    assert file.parent == tmp_path
    assert yaml.safe_load(file.read_text()) == expected
    assert (tmp_path / "template.yaml").read_text() == BUILT
