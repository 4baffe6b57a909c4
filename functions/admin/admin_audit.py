"""/admin/audit: who changed what, when, from what to what."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from admin_common import READ_OWN, new_router
from coursebridge.admin import audit_trail
from coursebridge.api import grant
from coursebridge.auth import wiring as auth
from coursebridge.clock import utc_now
from coursebridge.contract import Answer, Cursor, Limit, Page, Time, opened, responses, sealed
from coursebridge.storage.wiring import table

router = new_router()


class Change(Answer):
    """One field that changed."""

    field: str = Field(examples=["filters.levels"])
    from_: Any = Field(alias="from", description="The previous value; secrets are masked.", examples=[[]])
    to: Any = Field(description="The new value; secrets are masked.", examples=[["BEGINNER"]])


class AuditEntry(Answer):
    """One action."""

    id: str
    at: Time
    actor: str = Field(description="A client id, or `system`.", examples=["coursebridge-admin"])
    action: str = Field(examples=["integration.updated"])
    subject: str = Field(description="The id of the thing that was changed.")
    integration_id: str | None
    changes: list[Change]


@router.get(
    "/admin/audit",
    middlewares=READ_OWN,
    summary="Read the audit",
    tags=["Audit"],
    responses=responses(HTTPStatus.OK, "A page of entries, newest first."),
)
def list_audit(
    integration_id: Annotated[str | None, Query(description="Only what belongs to this integration.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """Lists who changed what, when, from what to what; never a secret.

    A client bound to one integration reads only the entries of that integration.
    """
    granted = grant(router)
    if integration_id is not None:
        auth.access().within(granted, integration_id)
    integration_id = integration_id or granted.integration_id
    context = ("audit", integration_id)
    position = opened(cursor, *context)
    entries, after = audit_trail.page(table(), integration_id, limit, position, utc_now())
    return Page(items=[AuditEntry.model_validate(entry) for entry in entries], next=sealed(after, *context))
