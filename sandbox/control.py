"""The sandbox's own URLs, under `/_sandbox`: quirks, changes, truth, counters and pushing."""

from collections.abc import Awaitable, Callable
from dataclasses import fields

import httpx
import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from sandbox.catalogue.steps import Step, take
from sandbox.clock import now_ms
from sandbox.pusher import Pusher, Target, TokenRefused
from sandbox.quirks import QUIRKS
from sandbox.rest.routes import reply
from sandbox.rest.tokens import Application, Key
from sandbox.settings import Json
from sandbox.statements.plan import Plan, statements
from sandbox.world import World

DEFAULT_LIMIT = 1000

Handler = Callable[[World, Request], Awaitable[object]]


def mount(world: World) -> Mount:
    """Return the routes of the sandbox's own controls."""

    def route(path: str, method: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return reply(await handler(world, request))

        return Route(path, endpoint, methods=[method])

    return Mount("/_sandbox", routes=[route(*entry) for entry in _ROUTES])


async def json_body(request: Request) -> Json:
    """Return the body of a control call.

    Raises:
        HTTPException: 400, it is not a JSON object.
    """
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "The body has to be a JSON object.")
    return body


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
    """Switch on exactly what the body names: `{"slow": {"seconds": 1}, "missing_next": {}}`."""
    body = await json_body(request)
    world.quirks.switch_off()
    for name, parameters in body.items():
        _switch_on(world, name, parameters)
    return {"active": world.quirks.active()}


async def _set_quirk(world: World, request: Request) -> Json:
    _switch_on(world, request.path_params["name"], await json_body(request))
    return {"active": world.quirks.active()}


def _switch_on(world: World, name: str, parameters: Json) -> None:
    try:
        world.quirks.switch_on(name, parameters)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


async def _clear_quirks(world: World, request: Request) -> Json:
    world.quirks.switch_off(request.path_params.get("name"))
    return {"active": world.quirks.active()}


async def _step(world: World, request: Request) -> Json:
    try:
        step = Step(**await json_body(request))
    except TypeError as error:
        raise HTTPException(400, f"Not a step: {error}") from error
    touched = take(world.catalogue, step, world.generation)
    world.generation += 1
    return {"generation": world.generation, **touched}


async def _put_asset(world: World, request: Request) -> Json:
    element = _with_urn(await json_body(request))
    world.catalogue.put(element)
    return {"urn": element["urn"]}


async def _put_classification(world: World, request: Request) -> Json:
    element = _with_urn(await json_body(request))
    world.classifications.put(element)
    return {"urn": element["urn"]}


def _with_urn(element: Json) -> Json:
    if not isinstance(element.get("urn"), str):
        raise HTTPException(400, "The element has no urn.")
    return element


async def _remove_classification(world: World, request: Request) -> Json:
    urn = request.path_params["urn"]
    if not world.classifications.remove(urn):
        raise HTTPException(404, f"There is no {urn}.")
    return {"urn": urn}


def _asset(world: World, request: Request, *, removed_too: bool = False) -> int:
    urn = request.path_params["urn"]
    asset = world.catalogue.find(urn, removed_too=removed_too)
    if asset is None:
        raise HTTPException(404, f"There is no {urn}.")
    return asset


async def _patch_asset(world: World, request: Request) -> Json:
    asset = _asset(world, request)
    element = _merged(world.catalogue.element(asset), await json_body(request))
    world.catalogue.put(_with_urn(element))
    return element


def _merged(target: Json, patch: Json) -> Json:
    """Return a JSON merge patch's result (RFC 7396); the target stays as it is."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            inner = result.get(name)
            result[name] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            result[name] = value
    return result


async def _remove_asset(world: World, request: Request) -> Json:
    world.catalogue.remove(_asset(world, request))
    return {"urn": request.path_params["urn"]}


async def _retire_asset(world: World, request: Request) -> Json:
    world.catalogue.retire(_asset(world, request), now_ms())
    return {"urn": request.path_params["urn"]}


async def _update_asset(world: World, request: Request) -> Json:
    world.catalogue.update(_asset(world, request), now_ms())
    return {"urn": request.path_params["urn"]}


async def _restore_asset(world: World, request: Request) -> Json:
    world.catalogue.restore(_asset(world, request, removed_too=True), now_ms())
    return {"urn": request.path_params["urn"]}


async def _true_assets(world: World, request: Request) -> Json:
    """List what is really there: `type`, `availability` and `licensed` filter, `start` and `limit` page."""
    catalogue, wanted = world.catalogue, request.query_params
    rows = []
    for asset in catalogue.handles():
        if catalogue.is_removed(asset):
            continue
        facts = catalogue.facts(asset)
        row = {
            "urn": asset,
            "type": facts.type,
            "locale": facts.locale,
            "availability": "AVAILABLE" if facts.retired_at is None else "RETIRED",
            "licensed": facts.licensed,
            "lastUpdatedAt": facts.updated_at,
        }
        if all(str(row[name]).lower() == wanted[name].lower() for name in _TRUTH_FILTERS if name in wanted):
            rows.append(row)
    page = _page(rows, request)
    # URNs only for what is shown: most of the cost of a row.
    page["items"] = [row | {"urn": catalogue.urn(row["urn"])} for row in page["items"]]
    return page


_TRUTH_FILTERS = ("type", "locale", "availability", "licensed")


def _page(rows: list[Json], request: Request) -> Json:
    try:
        start = int(request.query_params.get("start", 0))
        limit = int(request.query_params.get("limit", DEFAULT_LIMIT))
    except ValueError as error:
        raise HTTPException(400, "start and limit are numbers.") from error
    return {"total": len(rows), "start": start, "items": rows[start : start + limit]}


async def _true_activity(world: World, request: Request) -> Json:
    return _page([activity.to_json() for activity in world.activity], request)


async def _forget_activity(world: World, _request: Request) -> Json:
    world.activity.clear()
    return {"total": 0}


async def _push(world: World, request: Request) -> Json:
    """Let learners learn by a plan and tell a receiver: the fields of `Plan` and `Target` in one object."""
    body = await json_body(request)
    names = {one.name for one in fields(Plan)}
    try:
        plan = Plan(**{name: value for name, value in body.items() if name in names})
        target = Target(**{name: value for name, value in body.items() if name not in names})
        planned = statements(plan, world.catalogue, world.activity)
        outcome = await run_in_threadpool(Pusher(target).push, planned)
    except (TypeError, ValueError) as error:
        raise HTTPException(400, f"Not a push: {error}") from error
    except (TokenRefused, httpx.TransportError) as error:
        raise HTTPException(502, f"The receiver gave no token: {error}") from error
    return {**outcome.to_json(), "truth": [activity.to_json() for activity in world.activity]}


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
    """Return an application with its secret: they are public in a sandbox."""
    return {
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "keys": sorted(application.keys),
        "two_legged": application.two_legged,
    }


_ROUTES: list[tuple[str, str, Handler]] = [
    ("/health", "GET", _health),
    ("/requests", "GET", _requests),
    ("/requests", "DELETE", _reset_requests),
    ("/quirks", "GET", _quirks),
    ("/quirks", "PUT", _set_quirks),
    ("/quirks", "DELETE", _clear_quirks),
    ("/quirks/{name}", "PUT", _set_quirk),
    ("/quirks/{name}", "DELETE", _clear_quirks),
    ("/step", "POST", _step),
    ("/assets", "POST", _put_asset),
    ("/assets/{urn}", "PATCH", _patch_asset),
    ("/assets/{urn}", "DELETE", _remove_asset),
    ("/assets/{urn}/retire", "POST", _retire_asset),
    ("/assets/{urn}/update", "POST", _update_asset),
    ("/assets/{urn}/restore", "POST", _restore_asset),
    ("/classifications", "POST", _put_classification),
    ("/classifications/{urn}", "DELETE", _remove_classification),
    ("/push", "POST", _push),
    ("/applications", "GET", _applications),
    ("/applications", "POST", _put_application),
    ("/truth/assets", "GET", _true_assets),
    ("/truth/activity", "GET", _true_activity),
    ("/truth/activity", "DELETE", _forget_activity),
]
