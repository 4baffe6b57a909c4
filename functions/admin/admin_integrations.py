"""/admin/integrations: settings, and switching integrations on and off."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from admin_common import (
    ABSENT,
    CHANGING,
    CHANGING_A_VERSION,
    READ,
    READ_OWN,
    WRITE,
    WRITE_ALL,
    IfMatch,
    new_router,
)
from coursebridge.admin import presenting, wiring
from coursebridge.admin.shapes import CreatedIntegration, IntegrationAnswer, IntegrationPatch, PatchedIntegration
from coursebridge.api import base_url, caller, grant
from coursebridge.catalog import wiring as catalog
from coursebridge.contract import Cursor, Integration, Limit, Page, opened, responses, sealed
from coursebridge.integrations.models import Integration as Kept
from coursebridge.integrations.models import IntegrationSettings
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage.wiring import table

router = new_router()
TAGS = ["Integrations"]


@router.get(
    "/admin/integrations",
    middlewares=READ_OWN,
    summary="List integrations",
    tags=TAGS,
    responses=responses(
        HTTPStatus.OK, "A page of integrations, oldest first.", _404="The client's integration is gone."
    ),
)
def list_integrations(limit: Limit = 50, cursor: Cursor = None) -> Page[IntegrationAnswer]:
    """Lists the integrations of this deployment with their settings and what is left to set up.

    A client bound to one integration gets only that one.
    """
    store, own, position = IntegrationStore(table()), grant(router).integration_id, opened(cursor, "integrations")
    found, last_key = store.list(limit, position) if own is None else ([store.get(own)], None)
    items = presenting.integrations(table(), found)
    return Page(items=[IntegrationAnswer.model_validate(item) for item in items], next=sealed(last_key, "integrations"))


@router.post(
    "/admin/integrations",
    middlewares=WRITE_ALL,
    summary="Create an integration",
    tags=TAGS,
    responses=responses(
        HTTPStatus.CREATED, "The integration, with its webhook's secret shown this once.", _413=CHANGING["_413"]
    ),
)
def create_integration(integration: IntegrationSettings) -> Response[CreatedIntegration]:
    """Connects one more LinkedIn Learning account. `webhook` holds the values to paste into LinkedIn."""
    made, client, secret = wiring.integrations(caller(router)).create(integration)
    webhook = presenting.webhook(made, client, base_url(router), 0)
    shown = {**_shown(made), "webhook": {**webhook, "client_secret": secret}}
    headers = {
        **_etag(made),
        "Location": f"{base_url(router)}/admin/integrations/{made.id}",
        "Cache-Control": "no-store",
    }
    return Response(HTTPStatus.CREATED, "application/json", CreatedIntegration.model_validate(shown), headers)


@router.get(
    "/admin/integrations/<integration>",
    middlewares=READ,
    summary="Read an integration",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The integration.", _404=ABSENT),
)
def read_integration(integration: Integration) -> Response[IntegrationAnswer]:
    """Returns the settings, the key pairs without their secrets, and what is left to set up."""
    found = IntegrationStore(table()).get(integration)
    body = IntegrationAnswer.model_validate(_shown(found))
    return Response(HTTPStatus.OK, "application/json", body, _etag(found))


@router.patch(
    "/admin/integrations/<integration>",
    middlewares=WRITE,
    summary="Change settings",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The integration as it is now.", **CHANGING_A_VERSION),
)
def patch_integration(
    integration: Integration, patch: IntegrationPatch, if_match: IfMatch = None
) -> Response[PatchedIntegration]:
    """Applies a merge patch (RFC 7396): absent fields stay unchanged, `null` resets a field to its default.

    Filters take effect at once, as with `PUT .../filters`, and `notes` says what only the next syncs can do. `status`
    takes effect at once, too, as with `POST .../activate` and `POST .../deactivate`.
    """
    fields = patch.model_dump(mode="json", exclude_unset=True)
    before, after = wiring.integrations(caller(router)).patch(integration, fields, if_match)
    wiring.settings_change(router.lambda_context).follow(before, after)
    notes = catalog.left_to_syncs(before, after.filters) if after.filters != before.filters else []
    body = PatchedIntegration.model_validate({**_shown(after), "notes": notes})
    return Response(HTTPStatus.OK, "application/json", body, _etag(after))


@router.delete(
    "/admin/integrations/<integration>",
    middlewares=WRITE,
    summary="Delete an integration",
    tags=TAGS,
    responses=responses(HTTPStatus.NO_CONTENT, "It is gone.", _404=ABSENT, _409="It is active."),
)
def delete_integration(
    integration: Integration,
    force: Annotated[bool, Query(description="Delete it although it is active.")] = False,
) -> Response[None]:
    """Deletes the integration with its key pairs, clients and schedules at once, and all its data in the background.

    Courses, learners, records and statements cannot be brought back. The audit stays.
    """
    wiring.integrations(caller(router)).remove(integration, force=force)
    return Response(HTTPStatus.NO_CONTENT, None, None)


def _shown(integration: Kept) -> dict[str, Any]:
    return presenting.integrations(table(), [integration])[0]


def _etag(integration: Kept) -> dict[str, str]:
    return {"ETag": f'"{presenting.etag(integration)}"'}
