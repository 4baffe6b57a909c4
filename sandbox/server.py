"""Serves a sandbox over HTTP, in the foreground or from a thread of another program."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TypedDict, Unpack

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import build
from sandbox.errors import PortTaken
from sandbox.quirks import Parameters
from sandbox.rest.failures import TRANSPORT
from sandbox.settings import Settings
from sandbox.world import World

HOST = "127.0.0.1"


class SettingsOptions(TypedDict, total=False):
    """The fields of `Settings`, all optional."""

    size: int
    seed: int
    locales: tuple[str, ...]
    element_bytes: int
    token_seconds: int


class _Protocol(H11Protocol):
    """HTTP protocol that gives the application access to the connection, so that the quirk `down` can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner: ASGIApp = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await inner({**scope, TRANSPORT: transport}, receive, send)

        self.app = app


@dataclass(frozen=True)
class Server:
    """A sandbox that is being served.

    Attributes:
        url: base URL of both OAuth and the API, without a trailing slash.
        world: the world it serves.
    """

    url: str
    world: World


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free port.

    Raises:
        PortTaken: something else is listening there.
    """
    try:
        listener = socket.create_server((host, port), backlog=512)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(host, port) from error
    # Accepted connections inherit this option. asyncio sets it only on sockets created with an explicit protocol, which
    # these are not; without it, the body of a small response waits some 40 ms until its headers are acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the base URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


def uvicorn_server(world: World) -> uvicorn.Server:
    """Return a server for a world, without starting it."""
    return uvicorn.Server(
        uvicorn.Config(build(world), http=_Protocol, log_level="error", lifespan="off", access_log=False, ws="none")
    )


@contextmanager
def serving(
    *, port: int = 0, host: str = HOST, quirks: dict[str, Parameters] | None = None, **settings: Unpack[SettingsOptions]
) -> Iterator[Server]:
    """Serve a sandbox from a thread of this process until the block ends.

    Args:
        port: port to listen on; 0 takes any free port.
        host: address to listen on.
        quirks: quirks to switch on, by name, with their parameters.
        settings: fields of `Settings`.

    Raises:
        PortTaken: something else is listening there.
        ValueError: a quirk or one of its parameters is not valid.
    """
    world = World(Settings(**settings), quirks)
    listener = listen(host, port)
    url = url_of(listener)
    server = uvicorn_server(world)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        yield Server(url, world)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
