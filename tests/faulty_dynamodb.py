"""DynamoDB with moods: a proxy before the emulator's, through which functions are throttled when a test says so.

Functions are pointed at it by `AWS_ENDPOINT_URL_DYNAMODB`, which every AWS SDK reads: nothing in the product knows.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import changed

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from local.aws import Clients

THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}'
ENDPOINT = "AWS_ENDPOINT_URL_DYNAMODB"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class FaultyDynamoDb(ThreadingHTTPServer):
    """Hands calls on as they came, and refuses a share of them.

    Attributes:
        share: of the calls that are refused, from 0 to 1.
        passed: how many calls were handed on.
        refused: how many were refused.
        chance: decides which.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, endpoint_url: str, chance: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(endpoint_url)
        self.chance = chance
        self.share = 0.0
        self.passed = 0
        self.refused = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a caller that was killed does not wait for its answer."""

    def refuses(self) -> bool:
        """Decide about one call, and count it."""
        with self._lock:
            refused = self.chance.random() < self.share
            self.refused += refused
            self.passed += not refused
        return refused


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyDynamoDb

    def setup(self) -> None:
        super().setup()
        behind = self.server.behind
        self._upstream = http.client.HTTPConnection(str(behind.hostname), behind.port, timeout=30)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.refuses():
            self._answer(400, THROTTLED, {"Content-Type": "application/x-amz-json-1.0"})
            return
        # The host goes along as it was signed.
        self._upstream.request("POST", self.path, body, dict(self.headers.items()))
        answer = self._upstream.getresponse()
        content = answer.read()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
        self._answer(answer.status, content, headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing of calls."""


@contextmanager
def before(aws: Clients, endpoint_url: str, functions: list[str], chance: random.Random) -> Iterator[FaultyDynamoDb]:
    """Put the proxy before the table of these functions, and take it away again."""
    with ExitStack() as changes, FaultyDynamoDb(endpoint_url, chance) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            for name in functions:
                changes.enter_context(changed.environment(aws, name, **{ENDPOINT: proxy.url}))
            yield proxy
        finally:
            changes.close()
            proxy.shutdown()
            thread.join()
