"""Shared by every HTTP function: the resolver, the error format and the check of the caller.

Each function makes its own resolver with :func:`resolver`; a shared one would collect the routes of all functions.
"""

from __future__ import annotations

import base64
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from coursebridge.auth import wiring
from coursebridge.errors import (
    CoursebridgeError,
    FieldError,
    InsufficientScope,
    InvalidRequest,
    NotFound,
    Unauthorized,
    field_errors,
)
from coursebridge.observability import logger
from coursebridge.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
    from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.auth.tokens import Grant

    AppOrRouter = APIGatewayHttpResolver | APIGatewayHttpRouter

PROBLEM = "application/problem+json"
MOST_BODY_BYTES = 5_000_000
NAMED_BY_OTHERS = frozenset({"group", "sid", "value"})
"""Path parameters whose values others choose and that may contain slashes: group names, statement ids, identifiers.
A route has at most one of them, and the rest of its pattern tells where the value ends."""


class MethodNotAllowed(CoursebridgeError):
    """The path exists but does not accept this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"this path takes {', '.join(allowed)}")
        self.allowed = allowed


class Resolver(APIGatewayHttpResolver):
    """A resolver that adds a body and the request id to every response, and starts each request with a clean context.

    A response without a body gets an empty one: API Gateway accepts null instead, its emulators do not. Path parameters
    may contain any character, but a slash only in :data:`NAMED_BY_OTHERS`: gateways decode a path before they pass it
    on, and Powertools' own pattern excludes characters such as ``?`` and ``#``.
    """

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", _parameter, rule)))

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one request."""
        self.clear_context()  # type: ignore[no-untyped-call]
        response: dict[str, Any] = super().resolve(event, context)
        response["headers"] = {"X-Request-Id": event["requestContext"]["requestId"], **response.get("headers", {})}
        response["body"] = response.get("body") or ""
        return response


def _parameter(found: re.Match[str]) -> str:
    name = found[1]
    return f"(?P<{name}>{'(?s:.+)' if name in NAMED_BY_OTHERS else '[^/]+'})"


def resolver(*, validate: bool = False) -> APIGatewayHttpResolver:
    """Return a resolver that turns every error into a problem response and adds the request id.

    Args:
        validate: whether to parse bodies, query strings and paths into the types that the routes declare, and to refuse
            query parameters that they do not declare. This costs start-up time, so ``token`` and ``statements`` do
            without.
    """
    app = Resolver(
        enable_validation=validate,
        response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR if validate else None,
    )
    app.exception_handler(CoursebridgeError)(lambda error: _problem(app, error))
    app.exception_handler(Exception)(_unexpected)
    app.not_found(lambda _error: _no_route(app))
    if validate:
        _validate_after_authorizing(app)
        _answer_validation_as_problem(app)
    return app


class Requires:
    """Middleware that admits only tokens with a given scope.

    If the route's path has an ``integration`` parameter, the token must also give access to that integration. The grant
    is then available in the resolver's context as ``grant``.

    Attributes:
        scope: the required scope.
        everywhere: whether to refuse clients that are bound to one integration, because the call concerns several.
        narrowed: whether the route itself limits its response to the integration that a client is bound to.
    """

    def __init__(self, scope: str, *, everywhere: bool = False, narrowed: bool = False) -> None:
        self.scope = scope
        self.everywhere = everywhere
        self.narrowed = narrowed
        self.__name__ = f"requires {scope}"  # Powertools expects every middleware to have a name, as functions do

    def __call__(self, app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
        """Check the caller, unless this was done before the request was validated."""
        if "grant" not in app.context:
            self.authorize(app)
        return next_middleware(app)

    def authorize(self, app: APIGatewayHttpResolver) -> None:
        """Check the caller and store the grant; from here on every log entry names the client and its integration.

        Raises:
            Unauthorized: there is no valid token.
            Forbidden: the token lacks the scope, or gives no access to what the request asks for.
        """
        grant = wiring.access().grant(app.current_event.headers.get("authorization"), self.scope)
        logger.append_keys(client=grant.client_id, integration=grant.integration_id)
        integration_id = app.context.get("_route_args", {}).get("integration")
        if integration_id is not None:
            wiring.access().within(grant, unquote(integration_id))
        if self.everywhere:
            wiring.access().everywhere(grant)
        app.append_context(grant=grant)  # type: ignore[no-untyped-call]


def requires(scope: str, *, everywhere: bool = False, narrowed: bool = False) -> Requires:
    """Return a middleware that admits only tokens with this scope (see :class:`Requires`)."""
    return Requires(scope, everywhere=everywhere, narrowed=narrowed)


def grant(app: AppOrRouter) -> Grant:
    """Return the grant of the current request's caller."""
    found: Grant = app.context["grant"]
    return found


def caller(app: AppOrRouter) -> str:
    """Return the client id of the current request's caller."""
    return grant(app).client_id


def base_url(app: AppOrRouter) -> str:
    """Return the API's base URL without a trailing slash: the configured one, or else the one that was called."""
    event: APIGatewayProxyEventV2 = app.current_event
    return (settings().api_public_url or f"https://{event.request_context.domain_name}").rstrip("/")


def body_bytes(app: APIGatewayHttpResolver) -> bytes:
    """Return the request's body as it was sent, with API Gateway's base64 decoded."""
    event = app.current_event
    if not event.body:
        return b""
    return base64.b64decode(event.body) if event.is_base64_encoded else event.body.encode()


def read_json(app: APIGatewayHttpResolver) -> Any:  # noqa: ANN401  (any JSON)
    """Return the request's JSON.

    Raises:
        InvalidRequest: the body is empty or not JSON.
    """
    try:
        return json.loads(body_bytes(app))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is not JSON") from error


def answer(
    status: HTTPStatus,
    body: Any = None,  # noqa: ANN401  (any JSON)
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Response[str]:
    """Return a JSON response, with an empty body if ``body`` is ``None``."""
    if body is None:
        return Response(int(status), None, "", headers=dict(headers or {}))
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(int(status), content_type, text, headers=dict(headers or {}))


def _problem(app: APIGatewayHttpResolver, error: CoursebridgeError) -> Response[str]:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Log the route's pattern and not the path, which may identify people.
        route = app.context["_route"]
        logger.warning(
            "request failed", code=error.code, status=int(error.status), method=route.method, route=route.path
        )
    else:
        logger.info("request refused", code=error.code, status=int(error.status))
    headers: dict[str, Any] = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    elif isinstance(error, InsufficientScope):
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{error.scope}"'
    elif isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    return Response(int(error.status), PROBLEM, json.dumps(error.problem(), ensure_ascii=False), headers=headers)


def _unexpected(error: Exception) -> Response[str]:
    logger.exception("unexpected error", exc_info=error)
    problem = {
        "type": "urn:coursebridge:problem:internal",
        "title": HTTPStatus.INTERNAL_SERVER_ERROR.phrase,
        "status": 500,
        "code": "internal",
        "detail": "something went wrong here; the request id leads to the log",
    }
    return Response(500, PROBLEM, json.dumps(problem))


def _validate_after_authorizing(app: APIGatewayHttpResolver) -> None:
    """Check the caller before validating the request, and parse every body as JSON, whatever its content type says.

    Powertools validates before any of our middlewares runs, which would tell strangers what a request should look
    like. It also parses only ``application/json``, not ``application/merge-patch+json``, nor the form type that curl
    gives to any body whose type is not named.
    """
    from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (  # noqa: PLC0415
        OpenAPIRequestValidationMiddleware,
    )

    class AuthorizedValidation(OpenAPIRequestValidationMiddleware):
        def handler(self, app: Any, next_middleware: NextMiddleware) -> Response[Any]:  # noqa: ANN401  (any resolver)
            for middleware in app.context["_route"].middlewares:
                if isinstance(middleware, Requires):
                    middleware.authorize(app)
            _refuse_unknown_parameters(app)
            return super().handler(app, next_middleware)

        def _get_body(self, app: Any) -> Any:  # noqa: ANN401
            return read_json(app) if app.current_event.body else None

    app._request_validation_middleware = AuthorizedValidation()  # type: ignore[no-untyped-call]  # noqa: SLF001  (no other way in)


def _refuse_unknown_parameters(app: APIGatewayHttpResolver) -> None:
    """Refuse query parameters that the route does not declare: a mistyped filter would return everything.

    Raises:
        InvalidRequest: there are such parameters; the errors name them.
    """
    declared = {parameter.alias for parameter in app.context["_route"].dependant.query_params}
    unknown = sorted(set(app.current_event.resolved_query_string_parameters) - declared)
    if unknown:
        told = f"it takes {', '.join(sorted(declared))}" if declared else "it takes none"
        errors = tuple(FieldError(name, "this path has no such query parameter") for name in unknown)
        raise InvalidRequest(f"unknown query parameters, see errors; {told}", errors=errors)


def _answer_validation_as_problem(app: APIGatewayHttpResolver) -> None:
    from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError  # noqa: PLC0415

    def invalid(error: RequestValidationError) -> Response[str]:
        errors = field_errors({**entry, "loc": entry["loc"][1:] or entry["loc"]} for entry in error.errors())
        return _problem(app, InvalidRequest("some fields are wrong, see errors", errors=errors))

    app.exception_handler(RequestValidationError)(invalid)


def _no_route(app: APIGatewayHttpResolver) -> Response[str]:
    path = app.current_event.path
    routes = [*app._static_routes, *app._dynamic_routes]  # noqa: SLF001  (Powertools does not distinguish 405 from 404)
    allowed = sorted({route.method for route in routes if route.rule.match(path)})
    return _problem(app, MethodNotAllowed(allowed) if allowed else NotFound("there is no such path"))
