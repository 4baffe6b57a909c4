"""A proxy in front of the emulator's DynamoDB that throttles functions on request.

Functions reach it through `AWS_ENDPOINT_URL_DYNAMODB`, which every AWS SDK reads, so the product needs no change.
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
    """Forwards calls unchanged, except for a share that it refuses.

    Attributes:
        share: Share of the calls to refuse, from 0 to 1.
        passed: Number of calls forwarded.
        refused: Number of calls refused.
        chance: Decides which calls are refused.
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
        """Log nothing: a caller that was killed has closed its connection."""

    def refuses(self) -> bool:
        """Decide whether to refuse a call, and count it."""
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
        # The original Host header is kept, because it is part of the signature.
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
        """Log nothing."""


@contextmanager
def before(aws: Clients, endpoint_url: str, functions: list[str], chance: random.Random) -> Iterator[FaultyDynamoDb]:
    """Route the DynamoDB calls of these functions through the proxy until the block ends."""
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
