"""AWS clients, one of each per process, with shared settings for retries and time-outs.

Connecting and reading time out before the shortest function time-out, so that botocore retries a stuck call before
Lambda ends the function.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from coursebridge.settings import aws_endpoint_url

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 5},
    tcp_keepalive=True,
)
UNVALIDATED = Config(parameter_validation=False)
"""For services that are sent much and validate it themselves: it takes a quarter of the time of a batch write."""


@cache
def dynamodb() -> DynamoDBClient:
    """Return the DynamoDB client."""
    return boto3.client("dynamodb", config=CONFIG.merge(UNVALIDATED))


@cache
def secretsmanager() -> SecretsManagerClient:
    """Return the Secrets Manager client."""
    return boto3.client("secretsmanager", config=CONFIG)


@cache
def s3() -> S3Client:
    """Return the S3 client; ending a large upload takes S3 longer, and presigned URLs need signature version 4.

    The host of a presigned URL names the bucket and the region: a host without the region redirects while a bucket is
    new, which breaks the signature. An emulator has a host of its own, so there the bucket is part of the path.
    """
    hosts = Config(
        s3={
            "addressing_style": "path" if aws_endpoint_url() else "virtual",
            "us_east_1_regional_endpoint": "regional",
        }
    )
    return boto3.client("s3", config=CONFIG.merge(hosts).merge(Config(read_timeout=10, signature_version="s3v4")))


@cache
def stepfunctions() -> SFNClient:
    """Return the Step Functions client."""
    return boto3.client("stepfunctions", config=CONFIG)


@cache
def functions() -> LambdaClient:
    """Return the Lambda client."""
    return boto3.client("lambda", config=CONFIG)


@cache
def scheduler() -> EventBridgeSchedulerClient:
    """Return the EventBridge Scheduler client."""
    return boto3.client("scheduler", config=CONFIG)


@cache
def events() -> EventBridgeClient:
    """Return the EventBridge client."""
    return boto3.client("events", config=CONFIG.merge(UNVALIDATED))


@cache
def sqs() -> SQSClient:
    """Return the SQS client."""
    return boto3.client("sqs", config=CONFIG)
