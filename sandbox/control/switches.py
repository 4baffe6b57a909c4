"""Endpoints for health, quirks, counted requests and applications."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.control.http import Entry, json_body
from sandbox.quirks import QUIRKS, merged
from sandbox.rest.tokens import Application, Key
from sandbox.settings import Json
from sandbox.world import World


async def _health(world: World, _request: Request) -> Json:
    return {"status": "ok", "generation": world.generation, "assets": len(world.catalogue)}


async def _requests(world: World, _request: Request) -> Json:
    return world.requests.report()


async def _reset_requests(world: World, _request: Request) -> Json:
    world.requests.reset()
    return world.requests.report()


async def _quirks(world: World, _request: Request) -> Json:
    known = [
        {"name": quirk.name, "description": quirk.description, "parameters": quirk.parameters}
        for quirk in QUIRKS.values()
    ]
    return {"active": world.quirks.active(), "known": known}


async def _set_quirks(world: World, request: Request) -> Json:
    """Switch on exactly the quirks in the body, such as `{"slow": {"seconds": 1}, "missing_next": {}}`."""
    wanted = await json_body(request)
    for name, parameters in wanted.items():
        _checked(name, parameters)
    world.quirks.switch_off()
    for name, parameters in wanted.items():
        world.quirks.switch_on(name, parameters)
    return {"active": world.quirks.active()}


async def _set_quirk(world: World, request: Request) -> Json:
    name, parameters = request.path_params["name"], await json_body(request)
    _checked(name, parameters)
    world.quirks.switch_on(name, parameters)
    return {"active": world.quirks.active()}


def _checked(name: str, parameters: object) -> None:
    """Refuse a quirk that cannot be switched on, before anything is changed."""
    try:
        merged(name, parameters)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


async def _clear_quirks(world: World, request: Request) -> Json:
    world.quirks.switch_off(request.path_params.get("name"))
    return {"active": world.quirks.active()}


async def _applications(world: World, _request: Request) -> Json:
    return {"items": [_shown(application) for application in world.tokens.applications.values()]}


async def _put_application(world: World, request: Request) -> Json:
    body = await json_body(request)
    try:
        application = Application(
            body["client_id"],
            body["client_secret"],
            frozenset(Key(key) for key in body.get("keys", list(Key))),
            body.get("two_legged", True),
        )
    except (KeyError, ValueError) as error:
        raise HTTPException(400, f"Not an application: {error}") from error
    world.tokens.applications[application.client_id] = application
    return _shown(application)


def _shown(application: Application) -> Json:
    """Return an application including its secret, which is no secret in a sandbox."""
    return {
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "keys": sorted(application.keys),
        "two_legged": application.two_legged,
    }


ROUTES: list[Entry] = [
    ("/health", "GET", _health),
    ("/requests", "GET", _requests),
    ("/requests", "DELETE", _reset_requests),
    ("/quirks", "GET", _quirks),
    ("/quirks", "PUT", _set_quirks),
    ("/quirks", "DELETE", _clear_quirks),
    ("/quirks/{name}", "PUT", _set_quirk),
    ("/quirks/{name}", "DELETE", _clear_quirks),
    ("/applications", "GET", _applications),
    ("/applications", "POST", _put_application),
]
