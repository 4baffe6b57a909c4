"""Notes when a client's secret was last used, to the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from coursebridge.clock import parse_rfc3339, rfc3339, utc_now
from coursebridge.errors import Unavailable
from coursebridge.observability import logger
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from coursebridge.auth.clients import Client
    from coursebridge.storage.table import Table

AT_MOST_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class Usage:
    """Notes the use of secrets.

    Attributes:
        table: the application's table.
        now: the clock.
    """

    table: Table
    now: Callable[[], datetime] = utc_now

    def note(self, client: Client, secret_n: int) -> None:
        """Note that a secret was used, unless that was noted within the last hour.

        Nothing is noted for the first admin client until its first change moves it into the table, nor for a client
        revoked meanwhile. If the table is busy, the request does not fail.
        """
        place, secret = next(
            (place, candidate) for place, candidate in enumerate(client.secrets) if candidate.n == secret_n
        )
        now = self.now()
        if secret.last_used_at and now - parse_rfc3339(secret.last_used_at) < AT_MOST_EVERY:
            return
        try:
            self.table.update(
                keys.client(client.client_id),
                f"SET secrets[{place}].last_used_at = :now",
                {":now": rfc3339(now), ":n": secret_n},
                condition=f"secrets[{place}].n = :n",
            )
        except ConditionFailed:
            return
        except Unavailable:
            logger.warning("the use of a secret could not be noted", client_id=client.client_id)
