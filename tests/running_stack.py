"""Access to the embedded stack for end-to-end tests."""

from dataclasses import dataclass
from typing import Any

import boto3
import httpx

from local.aws import Clients
from local.outputs import Outputs


@dataclass(frozen=True)
class RunningStack:
    """A deployed stack.

    Attributes:
        outputs: The content of `.local/outputs.json`: addresses, names, the first admin's credentials.
        aws: boto3 clients for the emulator's root user.
        http: An HTTP client for the API.
        sandbox: An HTTP client for the LinkedIn Learning sandbox.
    """

    outputs: Outputs
    aws: Clients
    http: httpx.Client
    sandbox: httpx.Client


class Session:
    """Stands in for an operator's boto3 session; its clients call a running stack."""

    def __init__(self, stack: RunningStack) -> None:
        self._endpoint_url = stack.outputs.endpoint_url
        self._session = boto3.Session("test", "test", region_name=stack.outputs.region)

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint_url)  # type: ignore[call-overload]
