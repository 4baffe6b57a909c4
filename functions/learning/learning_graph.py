"""The graph: entities and relationships in JupiterOne's model, as newline-delimited JSON."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from coursebridge.api import base_url
from coursebridge.auth import scopes
from coursebridge.contract import Cursor, Integration, opened, responses, sealed
from coursebridge.graph.export import Cut, Graph
from coursebridge.storage.wiring import table
from learning_common import NO_INTEGRATION, PREFIX, reach, routes

router = routes()
NDJSON = "application/x-ndjson"
TAGS = ["Graph"]
PAGING = (
    'If there is more than fits into one response (some megabytes), the header `Link` with `rel="next"` '
    "leads to the next page; without it, this is the last one. Keys are stable, so an export can be merged into the "
    "previous one."
)
Lines = Annotated[int, Query(description="The maximum number of lines in a page.", ge=1, le=10_000)]


def _lines(description: str) -> dict[int, Any]:
    described = responses(HTTPStatus.OK, description, _404=NO_INTEGRATION)
    described[HTTPStatus.OK]["content"] = {NDJSON: {"schema": {"type": "string"}}}
    return described


@router.get(
    f"{PREFIX}/graph/entities",
    summary="Export the entities of the graph",
    description=f"Account, classifications, courses, learning paths, videos and users. {PAGING}",
    tags=TAGS,
    responses=_lines("One JSON object a line: `_type`, `_class`, `_key`, `displayName`, ..."),
    middlewares=reach(scopes.LEARNING_READ),
)
def export_entities(integration: Integration, limit: Lines = 10_000, cursor: Cursor = None) -> Response[Any]:
    """Export a page of entities."""
    cut = Graph(table(), integration).entities(opened(cursor, "entities", integration), limit)
    return _answer(cut, integration, "entities", limit)


@router.get(
    f"{PREFIX}/graph/relationships",
    summary="Export the relationships of the graph",
    description=f"`HAS` from the account and from assets to classifications, `ASSIGNED` from users to assets, "
    f"with the status. {PAGING}",
    tags=TAGS,
    responses=_lines("One JSON object a line: `_class`, `_fromEntityKey`, `_toEntityKey`, ..."),
    middlewares=reach(scopes.LEARNING_READ),
)
def export_relationships(integration: Integration, limit: Lines = 10_000, cursor: Cursor = None) -> Response[Any]:
    """Export a page of relationships."""
    cut = Graph(table(), integration).relationships(opened(cursor, "relationships", integration), limit)
    return _answer(cut, integration, "relationships", limit)


def _answer(cut: Cut, integration: str, what: str, limit: int) -> Response[Any]:
    headers: dict[str, Any] = {}
    cursor = sealed(cut.position, what, integration)
    if cursor:
        path = f"/learning/{quote(integration, safe='')}/graph/{what}?limit={limit}&cursor={cursor}"
        headers["Link"] = f'<{base_url(router)}{path}>; rel="next"'
        headers["X-Next-Cursor"] = cursor
    return Response(HTTPStatus.OK, NDJSON, cut.text, headers=headers)
