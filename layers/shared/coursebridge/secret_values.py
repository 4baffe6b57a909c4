"""Reads secrets through Powertools' cache, and writes them to Secrets Manager.

A cached value is at most :data:`MAX_AGE_SECONDS` old; :func:`read` with ``fresh`` bypasses the cache.
"""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.parameters.secrets import SecretsProvider

from coursebridge import clients
from coursebridge.settings import settings

MASK = "••••"
"""Shown in place of a secret."""
MAX_AGE_SECONDS = 300
# The default of Secrets Manager; explicit because emulators default to the first version.
IN_FORCE = "AWSCURRENT"


@cache
def _provider() -> SecretsProvider:
    return SecretsProvider(boto3_client=clients.secretsmanager())


def read(name: str, *, fresh: bool = False) -> Any:  # noqa: ANN401  (each secret has its own shape)
    """Return the JSON value of a secret named by its ARN or name.

    Raises:
        aws_lambda_powertools.utilities.parameters.exceptions.GetParameterError: the secret cannot be read.
    """
    text = _provider().get(name, max_age=MAX_AGE_SECONDS, force_fetch=fresh, VersionStage=IN_FORCE)
    return json.loads(str(text))


def pseudonym_key() -> str:
    """Return the key for digests of erased identifiers."""
    return str(read(settings().pseudonym_secret_arn)["key"])


def read_or_empty(name: str) -> dict[str, Any]:
    """Return the current JSON object of a secret, bypassing the cache; empty if there is no such secret."""
    try:
        answer = clients.secretsmanager().get_secret_value(SecretId=name, VersionStage=IN_FORCE)
    except clients.secretsmanager().exceptions.ResourceNotFoundException:
        return {}
    value: dict[str, Any] = json.loads(answer["SecretString"])
    return value


def write(name: str, value: Any, description: str = "") -> None:  # noqa: ANN401
    """Replace the JSON value of a secret, creating the secret if necessary."""
    text = json.dumps(value)
    client = clients.secretsmanager()
    try:
        client.put_secret_value(SecretId=name, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        _create(name, text, description)
    _provider().clear_cache()  # type: ignore[no-untyped-call]


def _create(name: str, text: str, description: str) -> None:
    client = clients.secretsmanager()
    try:
        client.create_secret(Name=name, SecretString=text, Description=description)
    except client.exceptions.ResourceExistsException:
        # Another writer was faster, for instance when the first tasks of a sync all store their token.
        client.put_secret_value(SecretId=name, SecretString=text)


def delete(name: str) -> None:
    """Delete a secret at once, without the usual recovery period; a missing one is ignored."""
    try:
        clients.secretsmanager().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    except clients.secretsmanager().exceptions.ResourceNotFoundException:
        return
    _provider().clear_cache()  # type: ignore[no-untyped-call]
