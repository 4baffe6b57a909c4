"""Courses that learning waits for and that LinkedIn did not give when asked for them: asked for again, but rarely."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from coursebridge.clock import parse_rfc3339
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from coursebridge.storage.table import Table

SHORTEST_WAIT, LONGEST_WAIT = timedelta(days=1), timedelta(days=30)
KEPT_FOR = timedelta(days=90)
MOST_BYTES = 300_000
"""The limit after compression; an item can have 400 KB."""


@dataclass(frozen=True)
class Asked:
    """When LinkedIn was asked for a course in vain.

    Attributes:
        first: the start of the first run that did so.
        last: the start of the latest one.
    """

    first: str
    last: str

    def is_due(self, now: datetime) -> bool:
        """Whether to ask again: after as long as it has been in vain so far, but within a day and a month."""
        first, last = parse_rfc3339(self.first), parse_rfc3339(self.last)
        return now >= last + min(max(last - first, SHORTEST_WAIT), LONGEST_WAIT)

    def again(self, at: str) -> Asked:
        """Return the same after another time in vain; a repeated call changes nothing."""
        return Asked(self.first, max(self.last, at))


class UnknownCourseStore:
    """The unknown courses of one integration, in one item.

    Args:
        table: the application's table.
        integration_id: the integration.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._key = keys.unknown_courses(integration_id)

    def get(self) -> dict[str, Asked]:
        """Return when LinkedIn was asked for each of them, by URN."""
        item = self._table.get(self._key)
        told = json.loads(zlib.decompress(item["courses"])) if item else {}
        return {urn: Asked(*times) for urn, times in told.items()}

    def put(self, courses: Mapping[str, Asked], now: datetime) -> None:
        """Replace them all; those that do not fit are forgotten, the longest known first."""
        self._table.put(
            {
                **self._key.item(),
                "entity": "unknown_courses",
                "courses": _compressed({urn: [asked.first, asked.last] for urn, asked in courses.items()}),
                "expires_at": int((now + KEPT_FOR).timestamp()),
            }
        )


def _compressed(told: Mapping[str, list[str]]) -> bytes:
    """Compress as many courses as fit, dropping the earlier half until they do."""
    kept = sorted(told.items(), key=lambda entry: entry[1])
    while True:
        body = zlib.compress(json.dumps(dict(kept)).encode())
        if len(body) <= MOST_BYTES:
            return body
        kept = kept[(len(kept) + 1) // 2 :]
