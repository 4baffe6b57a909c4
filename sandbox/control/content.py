"""Endpoints that change the catalogue and show what it really holds."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.catalogue.criteria import Criteria
from sandbox.catalogue.steps import Step, take
from sandbox.clock import now_ms
from sandbox.control.http import Entry, json_body, page
from sandbox.settings import Json
from sandbox.world import World

TRUTH_FILTERS = ("type", "locale", "availability", "licensed")


async def _step(world: World, request: Request) -> Json:
    try:
        step = Step(**await json_body(request))
    except (TypeError, ValueError) as error:
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
    """Return the result of a JSON merge patch (RFC 7396); the target is not changed."""
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
    """List the assets that really exist; query parameters are `TRUTH_FILTERS`, `start` and `limit`."""
    wanted = {name: request.query_params[name].lower() for name in TRUTH_FILTERS if name in request.query_params}
    catalogue = world.catalogue
    types = (wanted["type"].upper(),) if "type" in wanted else ()
    everything = catalogue.search(Criteria(types=types, include_retired=True))
    rows = [_row(world, asset) for asset in everything]
    kept = [row for row in rows if all(str(row[name]).lower() == value for name, value in wanted.items())]
    answer = page(kept, request)
    # Only the rows on the page get their URN, because it is most of the cost of a row.
    answer["items"] = [row | {"urn": catalogue.urn(row["urn"])} for row in answer["items"]]
    return answer


def _row(world: World, asset: int) -> Json:
    facts = world.catalogue.facts(asset)
    return {
        "urn": asset,
        "type": facts.type,
        "locale": facts.locale,
        "availability": "AVAILABLE" if facts.retired_at is None else "RETIRED",
        "licensed": facts.licensed,
        "lastUpdatedAt": facts.updated_at,
    }


ROUTES: list[Entry] = [
    ("/step", "POST", _step),
    ("/assets", "POST", _put_asset),
    ("/assets/{urn}", "PATCH", _patch_asset),
    ("/assets/{urn}", "DELETE", _remove_asset),
    ("/assets/{urn}/retire", "POST", _retire_asset),
    ("/assets/{urn}/update", "POST", _update_asset),
    ("/assets/{urn}/restore", "POST", _restore_asset),
    ("/classifications", "POST", _put_classification),
    ("/classifications/{urn}", "DELETE", _remove_classification),
    ("/truth/assets", "GET", _true_assets),
]
