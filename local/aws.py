"""Clients of the emulated AWS, and the environment that keeps tools away from any real account."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from local.settings import ROOT, TOOLS, StackSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

# The only variables tools inherit from the user's environment: no AWS profile, no foreign PYTHONPATH.
KEPT = ("CI", "HOME", "LANG", "LC_ALL", "NO_COLOR", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TERM", "USER")
KEPT_PREFIXES = ("PIP_", "UV_", "COURSEBRIDGE_", "HTTP_", "HTTPS_", "NO_", "http_", "https_", "no_")

# The emulator's root user; it looks any other key up among its users and sessions.
ACCESS_KEY = "test"


class Clients:
    """boto3 clients for the emulator's root user, each created on first use."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        """Prepare clients for an emulator.

        Args:
            endpoint_url: Base URL of the emulator.
            region: AWS region of the stack.
        """
        self._url = endpoint_url
        self._config = Config(retries={"total_max_attempts": 2}, max_pool_connections=32, proxies={})
        self._session = boto3.Session(
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=ACCESS_KEY, region_name=region
        )

    @cached_property
    def apigatewayv2(self) -> ApiGatewayV2Client:
        """API Gateway, HTTP APIs."""
        return self._session.client("apigatewayv2", endpoint_url=self._url, config=self._config)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """CloudFormation."""
        return self._session.client("cloudformation", endpoint_url=self._url, config=self._config)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """CloudWatch metrics and alarms."""
        return self._session.client("cloudwatch", endpoint_url=self._url, config=self._config)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        return self._session.client("dynamodb", endpoint_url=self._url, config=self._config)

    @cached_property
    def events(self) -> EventBridgeClient:
        """EventBridge."""
        return self._session.client("events", endpoint_url=self._url, config=self._config)

    @cached_property
    def iam(self) -> IAMClient:
        """IAM."""
        return self._session.client("iam", endpoint_url=self._url, config=self._config)

    @cached_property
    def functions(self) -> LambdaClient:
        """Lambda (``lambda`` is a keyword)."""
        return self._session.client("lambda", endpoint_url=self._url, config=self._config)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """CloudWatch Logs."""
        return self._session.client("logs", endpoint_url=self._url, config=self._config)

    @cached_property
    def s3(self) -> S3Client:
        """S3."""
        return self._session.client("s3", endpoint_url=self._url, config=self._config)

    @cached_property
    def scheduler(self) -> EventBridgeSchedulerClient:
        """EventBridge Scheduler."""
        return self._session.client("scheduler", endpoint_url=self._url, config=self._config)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        """Secrets Manager."""
        return self._session.client("secretsmanager", endpoint_url=self._url, config=self._config)

    @cached_property
    def sqs(self) -> SQSClient:
        """SQS."""
        return self._session.client("sqs", endpoint_url=self._url, config=self._config)

    @cached_property
    def stepfunctions(self) -> SFNClient:
        """Step Functions."""
        return self._session.client("stepfunctions", endpoint_url=self._url, config=self._config)


def tool_environment(settings: StackSettings | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a clean environment for a tool, in which no AWS call can reach a real account.

    Args:
        settings: The stack whose emulator receives AWS calls; ``None`` for tools that make none.
        extra: Additional variables.
    """
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    kept |= {
        "PATH": os.pathsep.join([str(TOOLS / "sam" / "bin"), kept.get("PATH", os.defpath)]),
        "SAM_CLI_TELEMETRY": "0",
        # SAM keeps its metadata in the home directory by default.
        "__SAM_CLI_APP_DIR": str(ROOT / ".local" / "sam"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return kept | (_emulator_variables(settings) if settings else {}) | dict(extra or {})


def _emulator_variables(settings: StackSettings) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        # Calls to localhost must bypass a company proxy.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        # SAM polls CloudFormation every five seconds by default; the emulator deploys almost at once.
        "SAM_CLI_POLL_DELAY": "0.2",
    }
