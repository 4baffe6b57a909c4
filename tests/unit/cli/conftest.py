"""The command line, calling the functions directly instead of over a network."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest

import admin_handler
import learning_handler
import token_handler
from coursebridge.people import wiring as people
from coursebridge_cli import app as cli
from coursebridge_cli import client, options, output, session
from unit.admin.conftest import Context, api

if TYPE_CHECKING:
    from unit.admin.conftest import Api

__all__ = ["api"]


HANDLERS = {"oauth2": token_handler, "admin": admin_handler, "learning": learning_handler}


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs commands as a person would, in a terminal wide enough for every table."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def run(self, *arguments: str, typed: str = "") -> Result:
        """Run a command; ``typed`` answers its questions."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        self._capsys.readouterr()
        code = cli.run(list(arguments))
        out, err = self._capsys.readouterr()
        return Result(code, out, err)


def answer(request: httpx.Request) -> httpx.Response:
    """Answer a request as API Gateway and the function behind it do."""
    handler: Any = HANDLERS.get(request.url.path.split("/")[1], admin_handler)
    event = {
        "version": "2.0",
        "rawPath": unquote(request.url.path),
        "rawQueryString": request.url.query.decode(),
        "headers": dict(request.headers),
        "queryStringParameters": dict(request.url.params),
        "requestContext": {
            "domainName": "api.example.com",
            "http": {"method": request.method, "path": unquote(request.url.path), "sourceIp": "192.0.2.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": request.content.decode(errors="replace"),
        "isBase64Encoded": False,
    }
    with contextlib.redirect_stdout(io.StringIO()):  # the functions print metrics
        found = handler.lambda_handler(event, Context())
    return httpx.Response(found["statusCode"], headers=found["headers"], text=found["body"])


@pytest.fixture
def terminal(api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in which the first admin is logged in."""
    for name, value in (
        (session.URL, "https://api.example.com"),
        (session.CLIENT_ID, "first"),
        (session.CLIENT_SECRET, "first-secret"),
    ):
        monkeypatch.setenv(name, value)
    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(options, "client", lambda: client.Client(session.credentials(), transport))
    monkeypatch.setattr(people, "INDEX_LAG_SECONDS", 0)
    for module in MODULES:
        monkeypatch.setattr(module, "client", options.client)
    for console in (output.console, output.errors):
        monkeypatch.setattr(console, "width", 250)
    return Terminal(capsys, monkeypatch)


def _modules() -> list[Any]:
    from coursebridge_cli import (  # noqa: PLC0415
        audit,
        clients,
        credentials,
        explain,
        filters,
        integrations,
        learners,
        runs,
        setup,
        statements,
        status,
    )

    return [
        audit, clients, credentials, explain, filters, integrations, learners, runs, setup, statements, status,
    ]  # fmt: skip


MODULES = _modules()
