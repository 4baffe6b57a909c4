"""Tries a delivery once: signed, within a time limit, to a checked address, and judged by the status of the answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import httpx

from coursebridge.clock import rfc3339
from coursebridge.webhooks import signing
from coursebridge.webhooks.addresses import NotAllowed, address_of
from coursebridge.webhooks.deliveries import Try

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from coursebridge.webhooks.deliveries import Delivery

CONNECT_SECONDS = 5.0
MOST_SECONDS = 15.0
USER_AGENT = "Coursebridge-Webhooks/1"


def transports() -> Callable[[], httpx.AsyncBaseTransport]:
    """Return a factory of transports, one for each try, without a proxy, which would undo the check of addresses."""
    return partial(httpx.AsyncHTTPTransport, verify=httpx.create_ssl_context(trust_env=False), trust_env=False)


@dataclass(frozen=True)
class Sender:
    """Sends deliveries.

    A try ends when its time is up, whatever the receiver does: httpx's own timeouts apply to each read, so a
    receiver that answers byte by byte would hold up the deliveries to all others.

    Attributes:
        transport: creates the transport of a try.
        lookup: resolves a name.
        inside: whether http and internal addresses are allowed, as on a local stack.
        now: the clock.
        most_seconds: how long a try may take.
    """

    transport: Callable[[], httpx.AsyncBaseTransport]
    lookup: Callable[[str, int], list[str]]
    inside: bool
    now: Callable[[], datetime]
    most_seconds: float = MOST_SECONDS

    def send(self, delivery: Delivery, url: str, secrets: Sequence[str]) -> Try:
        """Make one try; never raise, whatever the receiver does."""
        at = self.now()
        body = delivery.payload.encode()
        try:
            request = self._request(url, body, signing.headers(delivery.message_id, at, body, secrets))
            status = asyncio.run(self._status(request))
        except NotAllowed as error:
            return Try(rfc3339(at), None, f"the endpoint {error}")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Try(rfc3339(at), None, f"the endpoint does not answer: {type(error).__name__}")
        error_text = None if httpx.codes.is_success(status) else f"the endpoint answered {status}"
        return Try(rfc3339(at), status, error_text)

    async def _status(self, request: httpx.Request) -> int:
        """Send a request without following redirects, and read only the status and headers of the answer."""
        async with asyncio.timeout(self.most_seconds), httpx.AsyncClient(transport=self.transport()) as client:
            response = await client.send(request, stream=True, follow_redirects=False)
            await response.aclose()
        return response.status_code

    def _request(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Request:
        """Return a request to the checked address; the ``Host`` header and TLS still use the host's name."""
        address = address_of(url, inside=self.inside, lookup=self.lookup)
        timeout = httpx.Timeout(self.most_seconds, connect=CONNECT_SECONDS)
        target = httpx.URL(url)
        return httpx.Request(
            "POST",
            target.copy_with(host=address),
            content=body,
            headers={
                **headers,
                "Host": target.netloc.decode(),
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
            },
            extensions={
                "sni_hostname": target.host,
                "timeout": timeout.as_dict(),
            },
        )
