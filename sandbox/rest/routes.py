"""LinkedIn's endpoints: OAuth and the REST resources."""

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.errors import ApiError, OAuthError
from sandbox.rest import assets, classifications, failures, reports
from sandbox.rest.paging import Page
from sandbox.rest.query import Query, project, projection
from sandbox.rest.tokens import Key, form_body
from sandbox.settings import Json
from sandbox.world import World

Finder = Callable[[World, Query], Page]
Getter = Callable[[World, str, Query], Json]
Endpoint = Callable[[Request], Awaitable[Response]]


def reply(body: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def routes(world: World) -> list[Route]:
    """Return the routes of LinkedIn's endpoints."""
    content, report = _Resource(world, Key.CONTENT), _Resource(world, Key.REPORT)
    return [
        Route("/oauth/v2/accessToken", _token_endpoint(world), methods=["POST"]),
        Route("/oauth/v2/introspectToken", _introspection(world), methods=["POST"]),
        Route(assets.PATH, content.finder(assets.find), methods=["GET"]),
        Route(assets.PATH + "/{urn}", content.getter(assets.get), methods=["GET"]),
        Route(classifications.PATH, content.finder(_find_classifications), methods=["GET"]),
        Route(classifications.PATH + "/{urn}", content.getter(_get_classification), methods=["GET"]),
        Route(reports.PATH, report.finder(_find_reports), methods=["GET"]),
    ]


def _find_classifications(world: World, query: Query) -> Page:
    return classifications.find(world.classifications, query)


def _find_reports(world: World, query: Query) -> Page:
    return reports.find(world.activity, world.quirks, query)


def _get_classification(world: World, urn: str, query: Query) -> Json:
    return classifications.get(world.classifications, urn, query)


def _token_endpoint(world: World) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        world.requests.add("POST", request.url.path, {})
        failed = await failures.failure(world.quirks, request)
        if failed:
            return failed
        short = world.quirks.get("short_expiry")
        seconds = short["seconds"] if short else world.settings.token_seconds
        try:
            return reply(world.tokens.mint(form_body(await request.body()), seconds))
        except OAuthError as error:
            return reply(error.body, error.status)

    return endpoint


def _introspection(world: World) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return reply(world.tokens.introspect(form_body(await request.body())))
        except OAuthError as error:
            return reply(error.body, error.status)

    return endpoint


class _Resource:
    """Shared behaviour of the REST resources: counting, failures, authorisation, projection and errors."""

    def __init__(self, world: World, key: Key) -> None:
        self._world = world
        self._key = key

    def finder(self, find: Finder) -> Endpoint:
        """Return the endpoint for a resource's finders."""

        def answer(request: Request, query: Query) -> Json:
            page = find(self._world, query)
            wanted = projection(query.text("fields"))
            if wanted:
                page.elements = [project(element, wanted) for element in page.elements]
            return page.body(request.url.path, query)

        return self._endpoint(answer)

    def getter(self, get: Getter) -> Endpoint:
        """Return the endpoint for getting one entity by URN."""

        def answer(request: Request, query: Query) -> Json:
            element = get(self._world, request.path_params["urn"], query)
            wanted = projection(query.text("fields"))
            return project(element, wanted) if wanted else element

        return self._endpoint(answer)

    def _endpoint(self, answer: Callable[[Request, Query], Json]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            query = Query(request.url.query)
            self._world.requests.add("GET", request.scope["route"].path, query.parameters)
            failed = await failures.failure(self._world.quirks, request)
            if failed:
                return failed
            try:
                self._authorize(request, query)
                return reply(answer(request, query))
            except ApiError as error:
                return reply(error.body, error.status)

        return endpoint

    def _authorize(self, request: Request, query: Query) -> None:
        operation = f"GET-{query.text('q') or 'get'} {request.scope['route'].path}"
        token = self._world.tokens.authorize(request.headers.get("authorization", ""), self._key, operation)
        revocation = self._world.quirks.get("early_revocation")
        # The call that reaches the limit still succeeds; the next one is refused.
        token.revoked = revocation is not None and token.calls >= revocation["calls"]
