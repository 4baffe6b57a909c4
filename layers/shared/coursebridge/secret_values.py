"""Secrets Manager, read through Powertools' cache and written by the few who may.

A value read is at most ``max_age`` seconds old; :func:`read` with ``fresh`` asks Secrets Manager again.
"""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider

from coursebridge import clients

MAX_AGE_SECONDS = 300


@cache
def _provider() -> SecretsProvider:
    return SecretsProvider(boto3_client=clients.secretsmanager())


def read(name: str, *, fresh: bool = False) -> Any:  # noqa: ANN401  (each secret has its own shape)
    """Return the JSON value of a secret named by its ARN or name.

    Raises:
        aws_lambda_powertools.utilities.parameters.exceptions.GetParameterError: it cannot be read.
    """
    text = _provider().get(name, max_age=MAX_AGE_SECONDS, force_fetch=fresh)
    return json.loads(str(text))
