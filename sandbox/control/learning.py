"""Endpoints that let learners learn, send statements or AICC calls about it, and show what really happened."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox import aicc
from sandbox.control.http import Entry, json_body, page
from sandbox.pusher import Pusher, Target, TokenRefused
from sandbox.settings import Json
from sandbox.statements.plan import Plan, statements
from sandbox.world import World

T = TypeVar("T")


async def _push(world: World, request: Request) -> Json:
    """Carry out a plan and push its statements; the body has the fields of `Plan` and `Target` in one object."""
    body = await json_body(request)
    names = {one.name for one in fields(Plan)}
    plan = _made(Plan, {name: value for name, value in body.items() if name in names})
    target = _made(Target, {name: value for name, value in body.items() if name not in names})
    planned = _carried_out(world, plan)
    try:
        outcome = await run_in_threadpool(Pusher(target).push, planned)
    except (TokenRefused, httpx.TransportError) as error:
        raise HTTPException(502, f"The receiver gave no token: {error}") from error
    return {**outcome.to_json(), "truth": _truth(world)}


async def _learn(world: World, request: Request) -> Json:
    """Carry out a plan without sending any statements, so that only reports show what learners did."""
    plan = _made(Plan, await json_body(request))
    _carried_out(world, replace(plan, withhold_completed=1.0, withhold_progress=1.0))
    return {"truth": _truth(world)}


async def _send(_world: World, request: Request) -> Json:
    """Send statements as they are; the body is `{"statements": [...]}` with the fields of `Target`."""
    body = await json_body(request)
    given = _list(body, "statements", [])
    target = _made(Target, body)
    try:
        outcome = await run_in_threadpool(Pusher(target).push, given)
    except (TokenRefused, httpx.TransportError) as error:
        raise HTTPException(502, f"The receiver gave no token: {error}") from error
    return outcome.to_json()


async def _aicc(_world: World, request: Request) -> Json:
    """Play a launched course; the body has `launch_url`, `progress`, `leave` and the fields of `Style`."""
    body = await json_body(request)
    launch_url, progress = body.pop("launch_url", ""), _list(body, "progress", [39, 100])
    leave = body.pop("leave", True)
    style = _made(aicc.Style, body)
    try:
        played = await run_in_threadpool(aicc.play, launch_url, progress, style=style, leave=leave)
    except aicc.NotAnAiccLaunch as error:
        raise HTTPException(400, str(error)) from error
    except httpx.TransportError as error:
        raise HTTPException(502, f"Nobody answers at AICC_URL: {error}") from error
    return aicc.to_json(played)


def _list(body: Json, name: str, default: list[Any]) -> list[Any]:
    """Remove a list from a body and return it."""
    value = body.pop(name, default)
    if not isinstance(value, list):
        raise HTTPException(400, f"{name} has to be a list.")
    return value


def _made(kind: Callable[..., T], members: Mapping[str, Any]) -> T:
    try:
        return kind(**members)
    except (TypeError, ValueError) as error:
        raise HTTPException(400, f"Unknown, missing or wrong members: {error}") from error


def _carried_out(world: World, plan: Plan) -> list[Json]:
    try:
        return statements(plan, world.catalogue, world.activity)
    except (TypeError, ValueError) as error:
        raise HTTPException(400, f"Not a plan that can be carried out: {error}") from error


def _truth(world: World) -> list[Json]:
    return [activity.to_json() for activity in world.activity]


async def _true_activity(world: World, request: Request) -> Json:
    return page(_truth(world), request)


async def _forget_activity(world: World, _request: Request) -> Json:
    world.activity.clear()
    return {"total": 0}


ROUTES: list[Entry] = [
    ("/push", "POST", _push),
    ("/learn", "POST", _learn),
    ("/send", "POST", _send),
    ("/aicc", "POST", _aicc),
    ("/truth/activity", "GET", _true_activity),
    ("/truth/activity", "DELETE", _forget_activity),
]
