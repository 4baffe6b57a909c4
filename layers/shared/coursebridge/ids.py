"""Makes ids that nobody can guess and that sort by creation time."""

import secrets
from datetime import datetime

from coursebridge.clock import to_millis, utc_now


def new_id(now: datetime | None = None) -> str:
    """Return 22 hexadecimal characters: 48 bits of epoch milliseconds, then 40 random bits."""
    return f"{to_millis(now or utc_now()):012x}{secrets.token_hex(5)}"
