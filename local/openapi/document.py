"""Assemble the OpenAPI document: typed routes of admin and learning, protocol routes, scopes, problems, examples."""

import json
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

import admin_handler
import aicc_handler
import learning_handler
import statements_handler
import token_handler
from coursebridge.api import Requires
from coursebridge.auth import scopes
from local.openapi.examples import example
from local.openapi.protocols import OPERATIONS, SCHEMAS
from local.settings import ROOT

FILE = ROOT / "layers" / "shared" / "coursebridge" / "admin" / "openapi.json"
TYPED = (admin_handler.app, learning_handler.app)
PROTOCOLS = (token_handler.app, statements_handler.app, aicc_handler.app)
# Powertools adds these schemas to each route, but this API reports wrong fields as a problem with status 400.
NOT_OURS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
PROBLEM = {
    "type": "urn:coursebridge:problem:invalid_request",
    "title": "Bad Request",
    "status": 400,
    "code": "invalid_request",
    "detail": "some fields are wrong, see errors",
    "errors": [{"field": "filters.levels[0]", "detail": "Input should be 'BEGINNER', 'INTERMEDIATE' or 'ADVANCED'"}],
}
DESCRIPTION = """\
Connects LinkedIn Learning to an organisation's own learning platform.

Get a token from `POST /oauth2/token` and send it as `Authorization: Bearer ...`. Lists come in pages: pass `next` as
`cursor`. Errors are problems (RFC 9457) with a stable `code`; those of the token endpoint follow RFC 6749. URNs in
paths are percent-encoded. Times are RFC 3339 in UTC. Under `/admin` and `/learning`, query parameters that are not
described are refused (400)."""


def routes(app: APIGatewayHttpResolver) -> Iterator[tuple[str, str, Any]]:
    """Yield the method, the path in OpenAPI's notation, and the route object of each route of an app."""
    for route in (*app._static_routes, *app._dynamic_routes):  # noqa: SLF001  (Powertools has no public list)
        yield route.method, route.path.replace("<", "{").replace(">", "}"), route


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = dict(SCHEMAS)
    for app in TYPED:
        made = _of_app(app)
        schemas |= _distinct(schemas, made["components"]["schemas"])
        for method, path, route in routes(app):
            paths.setdefault(path, {})[method.lower()] = _typed(made["paths"][path][method.lower()], route)
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = {**operation, **_secured(_protocol_route(method, path))}
    _name(paths)
    _add_examples(paths, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Coursebridge", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: schemas[name] for name in sorted(schemas) if name not in NOT_OURS},
            "securitySchemes": {"oauth2": _security_scheme()},
        },
    }


def text() -> str:
    """Return the document as text, as stored in the shared layer."""
    return json.dumps(_tidy(document()), indent=1, ensure_ascii=False) + "\n"


def write(file: Path = FILE) -> None:
    """Write the document where the admin function finds it."""
    file.write_text(text())


def _of_app(app: APIGatewayHttpResolver) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        app.get_openapi_schema(title="", version="").model_dump_json(by_alias=True, exclude_none=True)
    )
    return made


def _distinct(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further schemas; raise if one has the name of a different known schema."""
    clashing = [name for name, schema in more.items() if name in known and known[name] != schema]
    if clashing:
        message = f"two models are called {', '.join(clashing)}: give one of them another name"
        raise ValueError(message)
    return dict(more)


def _typed(operation: dict[str, Any], route: Any) -> dict[str, Any]:  # noqa: ANN401  (Powertools' own type)
    answers = {status: answer for status, answer in operation["responses"].items() if status not in ("422", "500")}
    for status, answer in answers.items():
        if status == "204":
            answer.pop("content", None)
    told = {"description": cleandoc(route.func.__doc__ or "").replace("\n", " ").replace("  ", "\n\n")}
    return {**told, **operation, **_secured(route), "responses": dict(sorted(answers.items()))}


def _secured(route: Any) -> dict[str, Any]:  # noqa: ANN401
    needed = [middleware.scope for middleware in route.middlewares if isinstance(middleware, Requires)]
    return {"security": [{"oauth2": needed}] if needed else []}


def _protocol_route(method: str, path: str) -> Any:  # noqa: ANN401
    return next(route for app in PROTOCOLS for known, at, route in routes(app) if (known, at) == (method, path))


def _name(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """Derive each operation's id from its summary, adding the method where two share one."""
    given: set[str] = set()
    for method, operation in (pair for item in paths.values() for pair in item.items()):
        words = "".join(letter if letter.isalnum() else " " for letter in operation["summary"]).split()
        name = "_".join(words).lower()
        operation["operationId"] = f"{name}_{method}" if name in given else name
        given.add(name)


def _add_examples(paths: Mapping[str, Mapping[str, Any]], schemas: Mapping[str, Any]) -> None:
    schemas["Problem"]["examples"] = [PROBLEM]
    for operation in (operation for item in paths.values() for operation in item.values()):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for kind, media in (pair for body in bodies for pair in body.get("content", {}).items()):
            if "schema" in media and "example" not in media and kind != "application/problem+json":
                media["example"] = example(media["schema"], schemas)


def _security_scheme() -> dict[str, Any]:
    granted = dict.fromkeys(scopes.ALL, "")
    return {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": granted}}}


def _tidy(value: Any) -> Any:  # noqa: ANN401  (any JSON)
    """Return a JSON value with whole floats turned into integers."""
    if isinstance(value, dict):
        return {name: _tidy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
