"""The outputs of a running stack: addresses, names, and the first admin's credentials."""

import json
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from local.aws import Clients
from local.gaps import Deployed, deployed
from local.settings import StackSettings


class Outputs(BaseModel):
    """The content of `.local/outputs.json`.

    Attributes:
        api_url: Base URL of the API, without a trailing slash.
        linkedin_url: Base URL of the LinkedIn (sandbox) the stack talks to.
        endpoint_url: Base URL of the emulated AWS services, for boto3's `endpoint_url`.
        region: AWS region of the stack.
        table_name: The DynamoDB table.
        bucket_name: The S3 bucket.
        event_bus_name: The EventBridge bus.
        admin_client_id: Id of the first admin client.
        admin_client_secret: Its secret, random for each stack.
        state_machine_arns: ARN by logical id.
        function_names: Physical name by logical id.
        log_groups: CloudWatch log group by logical id.
        logs: Folder with the emulator's and the sandbox's own logs.
    """

    model_config = ConfigDict(frozen=True)

    api_url: str
    linkedin_url: str
    endpoint_url: str
    region: str
    table_name: str
    bucket_name: str
    event_bus_name: str
    admin_client_id: str
    admin_client_secret: str = Field(repr=False)
    state_machine_arns: dict[str, str]
    function_names: dict[str, str]
    log_groups: dict[str, str]
    logs: str

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the outputs from a file."""
        return cls.model_validate_json(file.read_bytes())

    def write(self, file: Path) -> None:
        """Write the outputs to a file that only its owner can read."""
        file.touch(mode=0o600)
        file.write_text(self.model_dump_json(indent=2) + "\n")


def collect(settings: StackSettings) -> Outputs:
    """Collect the outputs of the deployed stack from the emulator."""
    clients = Clients(settings.endpoint_url, settings.region)
    stack = deployed(clients, settings.stack_name)
    described = clients.cloudformation.describe_stacks(StackName=settings.stack_name)["Stacks"][0]["Outputs"]
    values = {output["OutputKey"]: output["OutputValue"] for output in described}
    admin = json.loads(clients.secretsmanager.get_secret_value(SecretId=values["AdminClientSecretArn"])["SecretString"])
    return Outputs(
        api_url=settings.api_url,
        linkedin_url=settings.effective_linkedin_url,
        endpoint_url=settings.endpoint_url,
        region=settings.region,
        table_name=values["TableName"],
        bucket_name=values["BucketName"],
        event_bus_name=values["EventBusName"],
        admin_client_id=values["AdminClientId"],
        admin_client_secret=admin["client_secret"],
        state_machine_arns=_ids(stack, "AWS::StepFunctions::StateMachine"),
        function_names=_ids(stack, "AWS::Lambda::Function"),
        log_groups=_ids(stack, "AWS::Logs::LogGroup"),
        logs=str(settings.state_dir / "logs"),
    )


def _ids(stack: Deployed, kind: str) -> dict[str, str]:
    return {logical_id: stack.ids[logical_id] for logical_id, _ in stack.resources(kind)}
