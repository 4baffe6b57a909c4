"""What every function that checks a token needs, created once per process."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from coursebridge import secret_values
from coursebridge.auth.access import Access
from coursebridge.auth.registry import Registry
from coursebridge.auth.signing import SigningKeys
from coursebridge.auth.tokens import Tokens
from coursebridge.settings import settings
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from coursebridge.auth.exchange import Exchange


@cache
def registry() -> Registry:
    """Return the registry of clients."""
    return Registry(table(), partial(secret_values.read, settings().bootstrap_secret_arn))


@cache
def tokens() -> Tokens:
    """Return the minter and verifier of tokens."""
    keys = SigningKeys(partial(secret_values.read, settings().signing_keys_secret_arn))
    return Tokens(keys, settings().stack_name, settings().token_lifetime_seconds)


@cache
def access() -> Access:
    """Return the authoriser of calls."""
    return Access(registry(), tokens())


@cache
def exchange() -> Exchange:
    """Return the token endpoint's service."""
    # Imported here so that only the token function pays for them.
    from coursebridge.auth.exchange import Exchange  # noqa: PLC0415
    from coursebridge.auth.throttle import Throttle  # noqa: PLC0415
    from coursebridge.auth.usage import Usage  # noqa: PLC0415

    return Exchange(registry(), tokens(), Throttle(table()), Usage(table()))
