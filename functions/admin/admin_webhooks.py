"""/admin/integrations/{id}/webhooks: outbound webhooks for platforms without EventBridge (Standard Webhooks)."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, ConfigDict, Field

from admin_common import NO_STORE, READ, WRITE, SecretNumber, new_router
from coursebridge import clients
from coursebridge.api import caller
from coursebridge.auth import wiring
from coursebridge.clock import utc_now
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.errors import NotFound
from coursebridge.events.changes import EventType
from coursebridge.settings import settings
from coursebridge.storage.wiring import table
from coursebridge.webhooks import deliveries
from coursebridge.webhooks.deliveries import Status
from coursebridge.webhooks.service import Webhooks
from coursebridge.webhooks.targets import Target

router = new_router()
TAGS = ["Outbound webhooks"]
ROOT = "/admin/integrations/<integration>/webhooks"
ABSENT = "There is no such integration or webhook."
NO_DELIVERY = "There is no such integration, webhook or delivery."
EXAMPLE = "https://lms.example.com/hooks/coursebridge"
WebhookId = Annotated[
    str, Path(description="The webhook's id.", examples=["0196c1e2a1b3c4d5e6f70c"]), AfterValidator(unquote)
]
DeliveryId = Annotated[
    str, Path(description="The delivery's id.", examples=["0196c1e2a1b39f86d081884c7d65"]), AfterValidator(unquote)
]


class WebhookRequest(Request):
    """An endpoint."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": EXAMPLE, "event_types": ["AttemptCompleted"], "description": "LMS"}]}
    )
    url: str = Field(description="https, on a public address.", min_length=1, max_length=2000)
    event_types: list[EventType] = Field(default=[], description="Empty for all.")
    description: str = Field(default="", max_length=200)
    enabled: bool = True


class WebhookPatch(Request):
    """What to change in an endpoint; absent fields stay unchanged."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})
    url: str = Field(default="", max_length=2000)
    event_types: list[EventType] = Field(default=[])
    description: str = Field(default="", max_length=200)
    enabled: bool = True


class Secret(Answer):
    """A live secret; its value is shown once."""

    n: int = Field(examples=[1])
    created_at: Time


class Webhook(Answer):
    """An endpoint."""

    id: str = Field(examples=["0196c1e2a1b3c4d5e6f70c"])
    url: str = Field(examples=[EXAMPLE])
    event_types: list[EventType] = Field(examples=[["AttemptCompleted"]])
    description: str = Field(examples=["LMS"])
    enabled: bool
    disabled_reason: str | None = Field(examples=[None])
    secrets: list[Secret]
    created_at: Time
    updated_at: Time


class WebhookWithSecret(Webhook):
    """An endpoint, with a secret that is shown this once."""

    secret: str = Field(description="Works with any library from standardwebhooks.com.", examples=["whsec_..."])


class Try(Answer):
    """One delivery attempt."""

    at: Time
    status_code: int | None = Field(examples=[200])
    error: str | None = Field(examples=[None])


class Delivery(Answer):
    """One event on its way to one endpoint."""

    id: str = Field(examples=["0196c1e2a1b39f86d081884c7d65"])
    message_id: str = Field(description="The `webhook-id` header: the event's id.")
    type: EventType
    status: Status
    created_at: Time
    delivered_at: Time | None
    next_try_at: Time | None
    tries: list[Try]
    payload: str = Field(description="The body as it is signed.")


@router.get(
    ROOT,
    middlewares=READ,
    summary="List outbound webhooks",
    description="Not paged: an integration has at most 20.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The webhooks, oldest first.", _404="There is no such integration."),
)
def list_webhooks(integration: Integration) -> Page[Webhook]:
    """Lists where events are sent on to."""
    return Page(items=[_shown(target) for target in _webhooks(integration).store.all()], next=None)


@router.post(
    ROOT,
    middlewares=WRITE,
    summary="Create an outbound webhook",
    tags=TAGS,
    responses=responses(
        HTTPStatus.CREATED,
        "The webhook, with its secret shown this once.",
        _404="There is no such integration.",
        _409="There are 20 already.",
    ),
)
def create_webhook(integration: Integration, body: WebhookRequest) -> Response[WebhookWithSecret]:
    """Creates an endpoint that receives events, signed according to the Standard Webhooks specification."""
    settings_ = {**body.model_dump(), "event_types": tuple(body.event_types)}
    target, secret = _webhooks(integration).create(settings_, utc_now())
    return _with_secret(HTTPStatus.CREATED, target, secret)


@router.get(
    f"{ROOT}/<webhook_id>",
    middlewares=READ,
    summary="Read an outbound webhook",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The webhook.", _404=ABSENT),
)
def read_webhook(integration: Integration, webhook_id: WebhookId) -> Webhook:
    """Returns one endpoint, never a secret."""
    return _shown(_webhooks(integration).get(webhook_id))


@router.patch(
    f"{ROOT}/<webhook_id>",
    middlewares=WRITE,
    summary="Change an outbound webhook",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The webhook.", _404=ABSENT),
)
def change_webhook(integration: Integration, webhook_id: WebhookId, body: WebhookPatch) -> Webhook:
    """Changes the given fields; enabling it clears the reason why it was disabled."""
    changes = body.model_dump(exclude_unset=True)
    if "event_types" in changes:
        changes["event_types"] = tuple(changes["event_types"])
    return _shown(_webhooks(integration).change(webhook_id, changes, utc_now()))


@router.delete(
    f"{ROOT}/<webhook_id>",
    middlewares=WRITE,
    summary="Delete an outbound webhook",
    tags=TAGS,
    responses=responses(HTTPStatus.NO_CONTENT, "It is deleted; pending deliveries are cancelled.", _404=ABSENT),
)
def delete_webhook(integration: Integration, webhook_id: WebhookId) -> Response[None]:
    """Deletes an endpoint and its secrets."""
    _webhooks(integration).delete(webhook_id, utc_now())
    return Response(HTTPStatus.NO_CONTENT, None, None)


@router.post(
    f"{ROOT}/<webhook_id>/rotate",
    middlewares=WRITE,
    summary="Make another secret for an outbound webhook",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The webhook, with the new secret shown this once.", _404=ABSENT),
)
def rotate_webhook(integration: Integration, webhook_id: WebhookId) -> Response[WebhookWithSecret]:
    """Creates a new secret. Both sign until the old one is deleted; if two are live, the older one is revoked."""
    return _with_secret(HTTPStatus.OK, *_webhooks(integration).rotate(webhook_id, utc_now()))


@router.delete(
    f"{ROOT}/<webhook_id>/secrets/<n>",
    middlewares=WRITE,
    summary="Delete a secret of an outbound webhook",
    tags=TAGS,
    responses=responses(
        HTTPStatus.OK,
        "The webhook.",
        _404="There is no such integration, webhook or secret.",
        _409="It is the last one.",
    ),
)
def delete_webhook_secret(
    integration: Integration,
    webhook_id: WebhookId,
    n: SecretNumber,
) -> Webhook:
    """Deletes one secret: nothing is signed with it any more."""
    return _shown(_webhooks(integration).delete_secret(webhook_id, n, utc_now()))


@router.get(
    f"{ROOT}/<webhook_id>/deliveries",
    middlewares=READ,
    summary="List deliveries of an outbound webhook",
    description="Deliveries are kept for 30 days and listed newest first. A page can hold fewer than `limit`, "
    "even none, and still have a `next`.",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of deliveries.", _404=ABSENT),
)
def list_deliveries(
    integration: Integration,
    webhook_id: WebhookId,
    status: Annotated[Status | None, Query(description="Only deliveries of this status.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """Lists what was sent, with every try."""
    context = ("deliveries", integration, webhook_id, status)
    found, last_key = _webhooks(integration).page(webhook_id, status, limit=limit, after=opened(cursor, *context))
    return Page(items=[_delivery(delivery) for delivery in found], next=sealed(last_key, *context))


@router.post(
    f"{ROOT}/<webhook_id>/deliveries/<delivery_id>/replay",
    middlewares=WRITE,
    summary="Deliver once more",
    description="Sends a delivery again, whatever its status. Its `webhook-id` stays the same, so that the receiver "
    "recognises it.",
    tags=TAGS,
    responses=responses(HTTPStatus.ACCEPTED, "It is queued.", _404=NO_DELIVERY),
)
def replay_delivery(integration: Integration, webhook_id: WebhookId, delivery_id: DeliveryId) -> Response[Delivery]:
    """Send a delivery again."""
    queue_url = settings().webhook_queue_url
    again = _webhooks(integration).replay(webhook_id, delivery_id, clients.sqs(), queue_url)
    return Response(HTTPStatus.ACCEPTED, "application/json", _delivery(again))


def _webhooks(integration: str) -> Webhooks:
    if wiring.registry().integration(integration) is None:
        raise NotFound("there is no such integration")
    inside = settings().local
    return Webhooks(table(), integration, settings().secret_prefix, inside, caller(router))


def _shown(target: Target) -> Webhook:
    return Webhook.model_validate({**vars(target), "event_types": list(target.event_types)})


def _with_secret(status: HTTPStatus, target: Target, secret: str) -> Response[WebhookWithSecret]:
    body = WebhookWithSecret(**_shown(target).model_dump(), secret=secret)
    return Response(status, "application/json", body, NO_STORE)


def _delivery(delivery: deliveries.Delivery) -> Delivery:
    return Delivery.model_validate({**vars(delivery), "tries": [vars(attempt) for attempt in delivery.tries]})
