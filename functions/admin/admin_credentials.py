"""/admin/integrations/{integration}/credentials and /webhook: the secrets of calls to and from LinkedIn."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import Field, SecretStr

from admin_common import ABSENT, NO_STORE, READ, WRITE, SecretNumber, new_router
from coursebridge.admin import presenting, wiring
from coursebridge.admin.shapes import IntegrationWithSavedPair, LinkedInWebhook, LinkedInWebhookWithSecret
from coursebridge.api import base_url, caller
from coursebridge.contract import Integration, Request, responses
from coursebridge.linkedin.credentials import Scope
from coursebridge.storage.wiring import table

router = new_router()
TAGS = ["Credentials and webhook"]
ScopeName = Annotated[
    Scope,
    Path(description="`content` for assets and classifications, `report` for reports; either alone serves both."),
]


class KeyPairRequest(Request):
    """A key pair of a LinkedIn Learning REST API application."""

    client_id: str = Field(max_length=200, examples=["78abcdefghijkl"])
    client_secret: SecretStr = Field(max_length=500, examples=["WPL_AP1.example"])


@router.put(
    "/admin/integrations/<integration>/credentials/<scope>",
    middlewares=WRITE,
    summary="Save a LinkedIn key pair",
    tags=TAGS,
    responses=responses(
        HTTPStatus.OK,
        "The integration; the secret is masked. `warning` says if LinkedIn refuses something that the pair is for.",
        _400="LinkedIn gives no token for this pair; the response has LinkedIn's words, the cause and the remedy. "
        "Nothing was changed.",
        _404=ABSENT,
        _502="LinkedIn is failing at the moment. Nothing was changed.",
    ),
)
def save_credentials(integration: Integration, scope: ScopeName, pair: KeyPairRequest) -> IntegrationWithSavedPair:
    """Trims a key pair, tests it by getting a token from LinkedIn, and saves it. The secret is never returned.

    LinkedIn is also asked for a page of the catalogue, of activity reports, or both, depending on what the pair serves:
    `credentials.{scope}.scopes` says what it may read. A pair that lacks a key is saved all the same, with a warning.
    """
    saved = wiring.credentials(caller(router), router.lambda_context).put(
        integration, scope, pair.client_id, pair.client_secret.get_secret_value()
    )
    [shown] = presenting.integrations(table(), [saved.integration])
    return IntegrationWithSavedPair.model_validate({**shown, "warning": saved.warning})


@router.delete(
    "/admin/integrations/<integration>/credentials/<scope>",
    middlewares=WRITE,
    summary="Forget a LinkedIn key pair",
    tags=TAGS,
    responses=responses(HTTPStatus.NO_CONTENT, "It is forgotten.", _404=ABSENT),
)
def delete_credentials(integration: Integration, scope: ScopeName) -> Response[None]:
    """Deletes a key pair. If there is none left, the schedules stop."""
    wiring.credentials(caller(router), router.lambda_context).remove(integration, scope)
    return Response(HTTPStatus.NO_CONTENT, None, None)


@router.get(
    "/admin/integrations/<integration>/webhook",
    middlewares=READ,
    summary="Read the values to paste into LinkedIn",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The values, without the secret.", _404=ABSENT),
)
def read_webhook(integration: Integration) -> LinkedInWebhook:
    """Returns the values for LinkedIn's form (Configure reporting integrations > Configure xAPI)."""
    return LinkedInWebhook.model_validate(wiring.linkedin_webhooks(caller(router), base_url(router)).read(integration))


@router.post(
    "/admin/integrations/<integration>/webhook/rotate",
    middlewares=WRITE,
    summary="Make another webhook secret",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The values, with the new secret shown this once.", _404=ABSENT),
)
def rotate_webhook(integration: Integration) -> Response[LinkedInWebhookWithSecret]:
    """Creates a new secret. The previous one stays valid until it is deleted, so there is time to update LinkedIn.

    If two secrets are live, the older one is revoked.
    """
    rotated = wiring.linkedin_webhooks(caller(router), base_url(router)).rotate(integration)
    body = LinkedInWebhookWithSecret.model_validate(rotated)
    return Response(HTTPStatus.OK, "application/json", body, NO_STORE)


@router.delete(
    "/admin/integrations/<integration>/webhook/secrets/<n>",
    middlewares=WRITE,
    summary="Revoke a webhook secret",
    tags=TAGS,
    responses=responses(
        HTTPStatus.NO_CONTENT,
        "It is revoked; tokens issued from it are refused within 60 seconds.",
        _404="There is no such integration or secret.",
        _409="It is the last one.",
    ),
)
def delete_webhook_secret(integration: Integration, n: SecretNumber) -> Response[None]:
    """Revokes a secret and the tokens issued from it."""
    wiring.linkedin_webhooks(caller(router), base_url(router)).remove_secret(integration, n)
    return Response(HTTPStatus.NO_CONTENT, None, None)
