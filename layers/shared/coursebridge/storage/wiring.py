"""Makes the application's table for the functions, once per process."""

from __future__ import annotations

from functools import cache

from coursebridge import clients
from coursebridge.settings import settings
from coursebridge.storage.table import Table


@cache
def table() -> Table:
    """Return the application's table."""
    return Table(clients.dynamodb(), settings().table_name)
