"""The embedded stack as end-to-end tests see it."""

from dataclasses import dataclass

import httpx

from local.aws import Clients
from local.outputs import Outputs


@dataclass(frozen=True)
class RunningStack:
    """A deployed stack.

    Attributes:
        outputs: What `.local/outputs.json` holds: addresses, names, the first admin's credentials.
        aws: boto3 clients of the emulator's root user.
        http: An HTTP client for the API; its base URL is the API's.
        sandbox: An HTTP client for the LinkedIn Learning sandbox.
    """

    outputs: Outputs
    aws: Clients
    http: httpx.Client
    sandbox: httpx.Client
