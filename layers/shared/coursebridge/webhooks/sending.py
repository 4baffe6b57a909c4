"""One try at delivering: signed, bounded in time, to the address that was checked, answers judged by their status."""

from __future__ import annotations

from dataclasses import dataclass
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

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
USER_AGENT = "Coursebridge-Webhooks/1"


def make_client() -> httpx.Client:
    """Return a client that follows no redirect and no proxy, either of which would undo the check of addresses."""
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


@dataclass(frozen=True)
class Sender:
    """Sends deliveries.

    Attributes:
        client: the HTTP client.
        lookup: resolves a name.
        inside: whether http and addresses of this machine are allowed: on a local stack.
        now: the clock.
    """

    client: httpx.Client
    lookup: Callable[[str, int], list[str]]
    inside: bool
    now: Callable[[], datetime]

    def send(self, delivery: Delivery, url: str, secrets: Sequence[str]) -> Try:
        """Try once; never raises for what the receiver does."""
        at = self.now()
        body = delivery.payload.encode()
        try:
            request = self._request(url, body, signing.headers(delivery.message_id, at, body, secrets))
            response = self.client.send(request, stream=True)
            response.close()
        except NotAllowed as error:
            return Try(rfc3339(at), None, f"the endpoint {error}")
        except (httpx.HTTPError, OSError) as error:
            return Try(rfc3339(at), None, f"the endpoint does not answer: {type(error).__name__}")
        error_text = None if response.is_success else f"the endpoint answered {response.status_code}"
        return Try(rfc3339(at), response.status_code, error_text)

    def _request(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Request:
        """Return a request to the checked address; name and certificate are still the host's."""
        address = address_of(url, inside=self.inside, lookup=self.lookup)
        target = httpx.URL(url)
        return self.client.build_request(
            "POST",
            target.copy_with(host=address),
            content=body,
            headers={
                **headers,
                "Host": target.netloc.decode(),
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
            },
            extensions={"sni_hostname": target.host},
        )
