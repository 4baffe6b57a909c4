"""Calls from the sandbox to a receiver."""

import httpx

TIMEOUT_SECONDS = 30.0
LOCAL = ("127.0.0.1", "localhost", "*.localhost")


def client() -> httpx.Client:
    """Return a client that uses the environment's proxy, except for receivers on this machine."""
    direct = httpx.HTTPTransport()
    return httpx.Client(timeout=TIMEOUT_SECONDS, mounts={f"all://{host}": direct for host in LOCAL})
