"""Quirks that slow down or fail calls to any endpoint."""

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from sandbox.quirks import Quirks

SHORT_THROTTLE = "Resource level throttle limit for calls to this resource is reached."
DAY_THROTTLE = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
ERROR_PAGE = "<html><head><title>{status}</title></head><body><h1>Sorry, something went wrong</h1></body></html>"
TRANSPORT = "sandbox.transport"
"""Key under which the server puts the connection's transport into the ASGI scope."""


class ConnectionDropped(ConnectionResetError):
    """Raised by the quirk `down` for calls made without a server, as there is no connection to close."""


async def failure(quirks: Quirks, request: Request) -> Response | None:
    """Return the response of the first quirk that makes this call fail, or None if the call may proceed.

    Raises:
        ConnectionDropped: the quirk `down` hits a call made without a server.
    """
    path = request.url.path
    if quirks.strikes("slow", path):
        await asyncio.sleep(quirks.active()["slow"]["seconds"])
    if quirks.strikes("down", path):
        return await _dropped(request)
    if quirks.strikes("echoing_error", path):
        return await _echoed(quirks.active()["echoing_error"]["status"], request)
    return _throttled(quirks, path) or _broken(quirks, path)


async def _dropped(request: Request) -> Response:
    transport = request.scope.get(TRANSPORT)
    if transport is None:
        raise ConnectionDropped("the quirk 'down' closes the connection")
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        continue
    return Response()


async def _echoed(status: int, request: Request) -> Response:
    """Return an error in the shapes of the API and of the token endpoint, with the token or the form in its message."""
    form = (await request.body()).decode(errors="replace")
    message = f"Not accepted: {request.headers.get('authorization', '')} {form}"
    body = {"message": message, "status": status, "error": "invalid_client", "error_description": message}
    return JSONResponse(body, status)


def _throttled(quirks: Quirks, path: str) -> Response | None:
    if quirks.strikes("throttle_short", path):
        return _error(429, SHORT_THROTTLE, 101)
    if quirks.get("throttle_day") and quirks.is_same_day("throttle_day") and quirks.strikes("throttle_day", path):
        return _error(429, DAY_THROTTLE)
    return None


def _broken(quirks: Quirks, path: str) -> Response | None:
    if quirks.strikes("server_errors", path):
        return _error(quirks.dice("server_errors status", path).pick((500, 502, 503)), "Internal Server Error")
    if quirks.strikes("error_in_200", path):
        return JSONResponse({"message": "Internal Server Error", "status": 500})
    if quirks.strikes("not_json_200", path):
        return HTMLResponse(ERROR_PAGE.format(status=200))
    if quirks.strikes("html_error_body", path):
        status = quirks.active()["html_error_body"]["status"]
        return HTMLResponse(ERROR_PAGE.format(status=status), status)
    if quirks.strikes("plain_error_body", path):
        return PlainTextResponse("upstream connect error", quirks.active()["plain_error_body"]["status"])
    return None


def _error(status: int, message: str, code: int | None = None) -> Response:
    more = {} if code is None else {"serviceErrorCode": code}
    return JSONResponse({"message": message, "status": status} | more, status)
