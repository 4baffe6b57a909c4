"""Shared parts of the sandbox's own endpoints: routes, request bodies and pages."""

from collections.abc import Awaitable, Callable

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.rest.routes import reply
from sandbox.settings import Json
from sandbox.world import World

DEFAULT_LIMIT = 1000

Handler = Callable[[World, Request], Awaitable[Json]]
Entry = tuple[str, str, Handler]
"""Path under `/_sandbox`, method, and handler."""


def route(world: World, entry: Entry) -> Route:
    """Return the route for an entry."""
    path, method, handler = entry

    async def endpoint(request: Request) -> Response:
        return reply(await handler(world, request))

    return Route(path, endpoint, methods=[method])


async def json_body(request: Request) -> Json:
    """Return the parsed body of a request; an empty body counts as an empty object.

    Raises:
        HTTPException: 400, the body is not a JSON object.
    """
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "The body has to be a JSON object.")
    return body


def page(rows: list[Json], request: Request) -> Json:
    """Return the page of rows that the parameters `start` and `limit` ask for.

    Raises:
        HTTPException: 400, one of the parameters is not a number.
    """
    try:
        start = int(request.query_params.get("start", 0))
        limit = int(request.query_params.get("limit", DEFAULT_LIMIT))
    except ValueError as error:
        raise HTTPException(400, "start and limit are numbers.") from error
    return {"total": len(rows), "start": start, "items": rows[start : start + limit]}
