"""Exports: courses and attempts as files, made in the background."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import AfterValidator, ConfigDict, Field

from coursebridge import clients
from coursebridge.auth import scopes
from coursebridge.clock import rfc3339, utc_now
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.errors import NotFound
from coursebridge.exports.jobs import Format, Job, JobStore, Status, What
from coursebridge.exports.runner import link
from coursebridge.exports.service import Exports
from coursebridge.settings import settings
from coursebridge.storage.wiring import table
from learning_common import NO_INTEGRATION, PREFIX, reach, routes

router = routes()
ExportId = Annotated[
    str, Path(description="The export's id.", examples=["0196c1e2a1b3c4d5e6f70b"]), AfterValidator(unquote)
]


class ExportRequest(Request):
    """What to export, and how."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"what": "attempts", "format": "csv"}]})
    what: What
    format: Format = "csv"


class Export(Answer):
    """An export and its progress."""

    id: str = Field(examples=["0196c1e2a1b3c4d5e6f70b"])
    what: What
    format: Format
    status: Status
    created_at: Time
    finished_at: Time | None
    expires_at: Time = Field(description="When the file is deleted.")
    rows: int = Field(description="Rows written so far.", examples=[0])
    bytes: int = Field(description="Bytes written so far.", examples=[0])
    error: str | None = Field(examples=[None])
    url: str | None = Field(
        description="A signed link to the file, valid for an hour; each request returns a new one. Null until the "
        "export has succeeded.",
        examples=[None],
    )


@router.post(
    f"{PREFIX}/exports",
    summary="Order an export",
    description="The file is created in the background; read the export until its `status` is `succeeded`. The "
    "scope `learning:read` is enough, because an export contains only what this scope can list, and changes "
    "nothing. Learners appear by id. In CSV, cells that a spreadsheet would interpret as a formula start with a "
    "quote.",
    tags=["Exports"],
    status_code=HTTPStatus.ACCEPTED,
    responses=responses(HTTPStatus.ACCEPTED, "The export is queued.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def order_export(integration: Integration, body: ExportRequest) -> Export:
    """Order an export."""
    exports = Exports(table(), clients.sqs(), settings().export_queue_url)
    return _shown(exports.order(integration, body.what, body.format, utc_now()))


@router.get(
    f"{PREFIX}/exports",
    summary="List exports",
    tags=["Exports"],
    responses=responses(HTTPStatus.OK, "A page of exports, newest first.", _404=NO_INTEGRATION),
    middlewares=reach(scopes.LEARNING_READ),
)
def list_exports(integration: Integration, limit: Limit = 50, cursor: Cursor = None) -> Page[Export]:
    """List exports."""
    context = ("exports", integration)
    page = JobStore(table()).list_page(integration, limit=limit, after=opened(cursor, *context))
    return Page(items=[_shown(Job.from_item(item)) for item in page.items], next=sealed(page.last_key, *context))


@router.get(
    f"{PREFIX}/exports/<export_id>",
    summary="Get an export",
    tags=["Exports"],
    responses=responses(HTTPStatus.OK, "The export.", _404="There is no such export."),
    middlewares=reach(scopes.LEARNING_READ),
)
def get_export(integration: Integration, export_id: ExportId) -> Export:
    """Return an export."""
    job = JobStore(table()).get(integration, export_id)
    if job is None:
        raise NotFound("there is no such export")
    return _shown(job)


def _shown(job: Job) -> Export:
    is_there = job.status == "succeeded"
    url = link(clients.s3(), settings().bucket_name, job) if is_there else None
    return Export.model_validate({**vars(job), "expires_at": rfc3339(job.expires_at), "url": url})
