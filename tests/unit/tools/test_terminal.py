"""What an operator sees when AWS refuses what a tool asks for."""

from __future__ import annotations

import botocore.exceptions as aws
import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner

from tools import redrive, restore
from tools.terminal import plainly


def refusal(code: str, message: str = "it said no") -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStackResource")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (aws.NoCredentialsError(), ["Unable to locate credentials", "Sign in"]),
        (aws.NoRegionError(), ["You must specify a region", "Set AWS_DEFAULT_REGION"]),
        (aws.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), ["http://127.0.0.1:1", "AWS_ENDPOINT_URL"]),
        (refusal("ExpiredToken"), ["AWS refused DescribeStackResource: it said no", "Sign in"]),
        (refusal("AccessDenied"), ["it said no", "lacks this permission"]),
        (refusal("ValidationError", "Stack 'x' does not exist"), ["Stack 'x' does not exist", "--stack"]),
        (refusal("SomethingNew", "[red]odd[/red]"), ["AWS refused DescribeStackResource: [red]odd[/red]"]),
    ],
)
def test_a_refusal_is_a_sentence_and_a_remedy(
    capsys: pytest.CaptureFixture[str], error: Exception, told: list[str]
) -> None:
    @plainly
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()

    assert ended.value.exit_code == 1
    said = capsys.readouterr().err
    assert all(words in said for words in told), said
    assert "Traceback" not in said


def test_what_is_no_refusal_is_not_hidden() -> None:
    @plainly
    def command() -> None:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        command()


@mock_aws
def test_a_stack_that_is_not_there_is_named_with_what_to_do(aws_environment: None) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(plainly(restore.main))
    asked = {("show", "--stack", "nowhere"): redrive.app, ("--source", "t", "--stack", "nowhere"): app}

    for arguments, tool in asked.items():
        result = CliRunner().invoke(tool, list(arguments))

        assert result.exit_code == 1, result.output
        assert "nowhere" in result.output
        assert "--stack" in result.output


def test_a_queue_nobody_has_is_refused_with_those_there_are() -> None:
    result = CliRunner().invoke(redrive.app, ["run", "--queue", "Nowhere"])

    assert result.exit_code == 2
    assert "ApplyDeadLetters" in result.output
