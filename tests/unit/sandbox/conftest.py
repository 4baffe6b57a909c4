"""A sandbox without a server: calls go straight into the application."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import pytest_socket

from sandbox.app import build
from sandbox.rest.tokens import DEFAULT_APPLICATIONS
from sandbox.settings import Settings
from sandbox.world import World

Json = dict[str, Any]
Api = Callable[..., Json]

SECRETS = {application.client_id: application.client_secret for application in DEFAULT_APPLICATIONS}


@pytest.fixture(autouse=True)
def _event_loops_may_wake_themselves() -> None:
    # The guard of all tests also refuses the socket pairs with which event loops wake themselves.
    pytest_socket.enable_socket()
    pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture
def world() -> World:
    return World(Settings(size=260, locales=("en_US", "de_DE"), element_bytes=2000))


class InProcess(httpx.BaseTransport):
    """Hands requests to an ASGI application, one at a time."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app=app)
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

    def close(self) -> None:
        self._runner.close()


@pytest.fixture
def http(world: World) -> Iterator[httpx.Client]:
    client = httpx.Client(transport=InProcess(build(world)), base_url="http://sandbox.example", trust_env=False)
    form = {"grant_type": "client_credentials", "client_id": "sandbox-both"}
    token = client.post("/oauth/v2/accessToken", data=form | {"client_secret": SECRETS["sandbox-both"]}).json()
    client.headers["Authorization"] = f"Bearer {token['access_token']}"
    world.requests.reset()
    yield client
    client.close()


@pytest.fixture
def api(http: httpx.Client) -> Api:
    """A function that calls `/v2/...` and returns the body of a successful answer."""

    def get(path: str, **parameters: object) -> Json:
        response = http.get(f"/v2/{path}", params={name: str(value) for name, value in parameters.items()})
        assert response.status_code == 200, response.text
        body: Json = response.json()
        return body

    return get


@pytest.fixture
def find(api: Api) -> Api:
    """A function that calls the criteria finder for courses, including retired ones."""

    def courses(**parameters: object) -> Json:
        wanted = {
            "q": "criteria",
            "assetFilteringCriteria.assetTypes[0]": "COURSE",
            "assetRetrievalCriteria.includeRetired": "true",
            "count": 100,
        }
        return api("learningAssets", **(wanted | parameters))

    return courses


@pytest.fixture
def read_all(find: Api) -> Callable[..., list[Json]]:
    """A function that reads all pages of the criteria finder by `start`, and one past the end."""

    def read(**parameters: object) -> list[Json]:
        elements: list[Json] = []
        start, total = 0, 1
        while start < total + 100:
            page = find(start=start, **parameters)
            total = page["paging"]["total"]
            elements += page["elements"]
            start += 100
        return elements

    return read
