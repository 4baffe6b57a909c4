"""Checks where a webhook may go: to public addresses over TLS, never to an internal one.

Whoever may set an endpoint must not be able to reach what only this function can reach (OWASP: server-side request
forgery). The name is resolved once, all its addresses are checked, and the connection goes to a checked address, so
that a name that resolves differently a moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coursebridge.errors import FieldError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# The first is IPv4-compatible (RFC 4291, 2.5.5.1), the second NAT64 (RFC 6052, 2.1).
CARRY_IPV4 = (ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("64:ff9b::/96"))
LONGEST_URL = 2000
LOCALHOST = "localhost"
"""The local machine, as is every name below it (RFC 6761, 6.3)."""


class NotAllowed(Exception):
    """The address must not be called; the message says why."""


def check_url(url: str, *, inside: bool) -> None:
    """Check the URL of an endpoint without asking a name server.

    Args:
        url: the URL.
        inside: whether http and internal addresses are allowed, as on a local stack.

    Raises:
        InvalidRequest: the URL cannot be an endpoint.
    """
    try:
        parts = urlsplit(url)
        _check_parts(parts, inside=inside)
        if not inside:
            _check_host(parts.hostname or "")
    except (ValueError, NotAllowed) as error:
        detail = str(error) if isinstance(error, NotAllowed) else "is not a URL"
        raise InvalidRequest(f"url {detail}", errors=(FieldError("url", detail),)) from error


def address_of(url: str, *, inside: bool, lookup: Callable[[str, int], list[str]]) -> str:
    """Return the address to connect to.

    Raises:
        NotAllowed: the URL cannot be an endpoint, or one of its addresses is not public.
        OSError: the name has no address.
    """
    parts = urlsplit(url)
    _check_parts(parts, inside=inside)
    found = lookup(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    if not inside:
        for address in found:
            _check_public(ipaddress.ip_address(address))
    return found[0]


def look_up(host: str, port: int) -> list[str]:
    """Ask the resolver for every address of a name.

    Raises:
        OSError: the name has no address.
    """
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _check_parts(parts: SplitResult, *, inside: bool) -> None:
    if parts.scheme not in (("https", "http") if inside else ("https",)):
        raise NotAllowed("must start with https://")
    if not parts.hostname or len(parts.geturl()) > LONGEST_URL:
        raise NotAllowed("is not a URL with a host")
    parts.hostname.encode("idna")  # raises ValueError for an empty or overlong label, which no resolver accepts
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise NotAllowed("must not carry credentials or a fragment")
    if parts.port == 0:
        raise NotAllowed("names a port that does not exist")


def _check_host(host: str) -> None:
    """Check a name or a literal address without resolving it, with or without a final dot."""
    name = host.removesuffix(".")
    if name == LOCALHOST or name.endswith(f".{LOCALHOST}"):
        raise NotAllowed("resolves to an address that is not public")
    literal = _literal(name)
    if literal:
        _check_public(literal)


def _literal(host: str) -> Address | None:
    """Return the address that a host spells, even in a form that only resolvers know (``127.1``, ``2130706433``)."""
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    with suppress(OSError):
        return ipaddress.IPv4Address(socket.inet_aton(host))
    return None


def _check_public(address: Address) -> None:
    inner = _carried(address) or address
    if not inner.is_global or inner.is_multicast:
        raise NotAllowed("resolves to an address that is not public")


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address carries, if any."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in network for network in CARRY_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
