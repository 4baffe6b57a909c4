"""The sandbox as an ASGI application."""

from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox import control
from sandbox.rest import routes
from sandbox.world import World


def build(world: World) -> Starlette:
    """Return the application that serves a world."""
    return Starlette(
        routes=[*routes.routes(world), control.mount(world)],
        exception_handlers={HTTPException: _refused},
    )


async def _refused(_request: Request, error: Exception) -> Response:
    """Answer in LinkedIn's shape even if the request reached no resource."""
    refusal = cast("HTTPException", error)
    return routes.reply({"message": refusal.detail, "status": refusal.status_code}, refusal.status_code)
