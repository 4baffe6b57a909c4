"""Deploy the built template to the emulator with `sam deploy`, as on AWS."""

from pathlib import Path

from local import gaps, tools
from local.aws import Clients, tool_environment
from local.build import Target
from local.settings import SAM, StackSettings

ARTEFACT_BUCKET = "deployment-artefacts"


def deploy(settings: StackSettings, target: Target, built: Path) -> None:
    """Deploy the template, then fill the gaps of the emulator.

    Args:
        settings: The stack.
        target: What the artefacts were built for.
        built: Folder with the built template.

    Raises:
        StackError: `sam deploy` failed, or the emulator cannot run the template.
    """
    clients = Clients(settings.endpoint_url, settings.region)
    _make_artefact_bucket(clients, settings.region)
    parameters = [
        *target.parameters,
        "Local=true",
        f"ApiPublicUrl={settings.api_url}",
        f"LinkedInOAuthUrl={settings.effective_linkedin_url}",
        f"LinkedInApiUrl={settings.effective_linkedin_url}",
    ]
    command: list[str | Path] = [
        *(SAM, "deploy", "--template-file", built / "template.yaml", "--stack-name", settings.stack_name),
        *(
            "--s3-bucket",
            ARTEFACT_BUCKET,
            "--region",
            settings.region,
            "--no-confirm-changeset",
            "--no-progressbar",
        ),
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
        *("--parameter-overrides", *parameters),
    ]
    tools.run("sam deploy", command, tool_environment(settings), settings.log_file("deploy"))
    gaps.fill(clients, settings.stack_name)


def _make_artefact_bucket(clients: Clients, region: str) -> None:
    """Create the bucket that SAM uploads to; its own `--resolve-s3` would take five seconds."""
    clients.s3.create_bucket(
        Bucket=ARTEFACT_BUCKET,
        # The stubs type the region as a literal; here it is a setting.
        CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
    )
