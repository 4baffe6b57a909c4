"""/admin/openapi.json and /admin/docs: this API's own description, open to everybody (docs/decisions/0041)."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from admin_common import new_router
from coursebridge.admin import documents

router = new_router()
TAGS = ["Documentation"]
FOR_AN_HOUR = "public, max-age=3600"
# The page needs no script and nothing from elsewhere; whatever might slip into it is not run.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@router.get(
    "/admin/openapi.json",
    summary="Get the OpenAPI document",
    tags=TAGS,
    responses={
        200: {
            "description": "OpenAPI 3.1, open to everybody.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def openapi() -> Response[str]:
    """Answers the description of all of this API, made from its code."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": FOR_AN_HOUR}
    return Response(HTTPStatus.OK, None, documents.openapi(), headers)


@router.get(
    "/admin/docs",
    summary="Browse the documentation",
    tags=TAGS,
    responses={
        200: {
            "description": "A page of HTML, open to everybody.",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    },
)
def docs() -> Response[str]:
    """Answers the same as a page to browse."""
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": FOR_AN_HOUR,
        "Content-Security-Policy": PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(HTTPStatus.OK, None, documents.page(), headers)
