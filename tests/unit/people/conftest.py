from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from coursebridge.people import wiring
from coursebridge.people.directory import Directory
from people_lab import PSEUDONYM_KEY, Lab

if TYPE_CHECKING:
    from coursebridge.storage.table import Table


@pytest.fixture
def lab(table: Table) -> Lab:
    """An integration in `directory` matching, with two courses and no learners."""
    lab = Lab(table)
    lab.configure(learner_matching="directory")
    return lab


@pytest.fixture
def directory(lab: Lab) -> Directory:
    """The directory of the lab."""
    return Directory(lab.table, lab.id, lambda: PSEUDONYM_KEY, lambda: lab.now, lambda _seconds: None)


@pytest.fixture(autouse=True)
def indexes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the wait for indexes, which are never late in memory."""
    monkeypatch.setattr(wiring, "INDEX_LAG_SECONDS", 0)
