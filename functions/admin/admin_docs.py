"""/admin/openapi.json and /admin/docs: this API's own description, open to everybody (docs/decisions/0041)."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from admin_common import new_router
from coursebridge.admin import documents
from coursebridge.contract import BAD_REQUEST

router = new_router()
TAGS = ["Documentation"]
FOR_AN_HOUR = "public, max-age=3600"
# The page needs no scripts and no other resources, so none may run or load.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@router.get(
    "/admin/openapi.json",
    summary="Get the OpenAPI document",
    tags=TAGS,
    responses={
        200: {
            "description": "OpenAPI 3.1; needs no token.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        400: BAD_REQUEST,
    },
)
def openapi() -> Response[str]:
    """Returns the description of the whole API, generated from its code."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": FOR_AN_HOUR}
    return Response(HTTPStatus.OK, None, documents.openapi(), headers)


@router.get(
    "/admin/docs",
    summary="Browse the documentation",
    tags=TAGS,
    responses={
        200: {
            "description": "An HTML page; needs no token.",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        400: BAD_REQUEST,
    },
)
def docs() -> Response[str]:
    """Returns the same description as a page to browse."""
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": FOR_AN_HOUR,
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(HTTPStatus.OK, None, documents.page(), headers)
