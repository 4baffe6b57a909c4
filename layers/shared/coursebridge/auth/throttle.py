"""Slows down callers that guess secrets, without ever locking LinkedIn out (docs/decisions/0040-guessing-secrets.md).

Refusals are counted per source address and client id, so that no caller can get another one refused. A successful
request only reads the count, in a call that it makes anyway. After :data:`MOST_REFUSALS` within a window, the caller
is refused even with the right secret until the window ends.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from coursebridge.clock import utc_now
from coursebridge.errors import Unavailable
from coursebridge.observability import count, logger
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

MOST_REFUSALS = 30
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class Throttle:
    """Counts refusals.

    Attributes:
        table: the application's table.
        now: the clock.
    """

    table: Table
    now: Callable[[], datetime] = utc_now

    def key(self, source: str, client_id: str) -> keys.Key:
        """Return the key under which a caller's refusals are counted; it reveals neither address nor client."""
        return keys.refusals(hashlib.sha256(f"{source} {client_id}".encode()).hexdigest())

    def wait(self, refusals: Item | None) -> int:
        """Return how many seconds the caller is still refused, whatever it sends; 0 if it is not refused."""
        if refusals is None or refusals["refused"] < MOST_REFUSALS:
            return 0
        return max(0, int(refusals["expires_at"]) - int(self.now().timestamp()))

    def count(self, key: keys.Key) -> None:
        """Count a refusal; a busy table does not change the response."""
        try:
            self._add(key, int(self.now().timestamp()))
        except Unavailable:
            logger.warning("a refusal could not be counted")
            count("RefusalsUncounted")

    def _add(self, key: keys.Key, now: int) -> None:
        try:
            self.table.update(
                key,
                "ADD refused :one SET expires_at = if_not_exists(expires_at, :end), entity = :entity",
                {":one": 1, ":end": now + _seconds(), ":now": now, ":entity": "refusals"},
                condition="attribute_not_exists(PK) OR expires_at > :now",
            )
        except ConditionFailed:
            self.table.put({**key.item(), "entity": "refusals", "refused": 1, "expires_at": now + _seconds()})


def _seconds() -> int:
    return int(WINDOW.total_seconds())
