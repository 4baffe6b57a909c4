"""Rotates the signing keys, one step per call, as Secrets Manager requires."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from coursebridge import clients
from coursebridge.auth.rotation import Rotation
from coursebridge.observability import logger
from coursebridge.settings import settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Take one step: ``{"Step", "SecretId", "ClientRequestToken"}``."""
    lifetime = timedelta(seconds=settings().token_lifetime_seconds)
    Rotation(clients.secretsmanager(), event["SecretId"], lifetime).take(event["Step"], event["ClientRequestToken"])
    logger.info("a step of the rotation was taken", step=event["Step"])
