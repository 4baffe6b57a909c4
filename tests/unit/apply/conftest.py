from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from people_lab import Lab

if TYPE_CHECKING:
    from coursebridge.storage.table import Table


@pytest.fixture
def lab(table: Table) -> Lab:
    """An integration in `open` matching, with two courses and no learners."""
    return Lab(table)
