"""One try at a delivery, over a real connection: receivers that redirect, dawdle or have no usable URL."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_socket

from coursebridge.webhooks.addresses import look_up
from coursebridge.webhooks.deliveries import Delivery
from coursebridge.webhooks.sending import Sender, transports
from learning_lab import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coursebridge.webhooks.deliveries import Try


@pytest.fixture(autouse=True)
def _loopback_is_open(_event_loops_may_wake_themselves: None) -> None:
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1"])


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DELIVERY = Delivery("acme", "d1", "w1", "e1", "AttemptCompleted", "{}", "2026-03-01T10:00:00.000Z")


@contextmanager
def receiver(*, behaves: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Accept one connection after the other, let ``behaves`` answer each, and yield the URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    behaves(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def tried(url: str, most_seconds: float = 5) -> Try:
    return Sender(transports(), look_up, inside=True, now=lambda: NOW, most_seconds=most_seconds).send(
        DELIVERY, url, [SECRET]
    )


def answers(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    return lambda connection, _over: connection.sendall(text)


@pytest.mark.parametrize(
    ("status_line", "status", "error"),
    [
        (b"204 No Content", 204, None),
        (b"302 Found\r\nLocation: http://127.0.0.1:1/", 302, "the endpoint answered 302"),
        (b"500 Internal Server Error", 500, "the endpoint answered 500"),
    ],
)
def test_the_first_answer_counts_and_no_redirect_is_followed(
    status_line: bytes, status: int, error: str | None
) -> None:
    with receiver(behaves=answers(b"HTTP/1.1 " + status_line + b"\r\nContent-Length: 0\r\n\r\n")) as url:
        found = tried(url)

    assert (found.status_code, found.error) == (status, error)


def test_a_receiver_that_answers_byte_by_byte_does_not_hold_up_others() -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    with receiver(behaves=drip) as url:
        found = tried(url, most_seconds=0.3)

    assert (found.status_code, found.error) == (None, "the endpoint does not answer: TimeoutError")


@pytest.mark.parametrize(
    "url", ["http://a..b.example/", f"http://{'a' * 64}.example/", "http://example.com:99999/", "http://[::1/"]
)
def test_a_url_nobody_can_call_is_a_try_that_failed(url: str) -> None:
    found = tried(url)

    assert found.status_code is None
    assert found.error is not None
    assert found.error.startswith("the endpoint ")
