"""The learner behind an id, whoever they were merged into since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.errors import Conflict, NotFound
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

MOST_MERGES = 10
"""How often a learner who was merged may have been merged again before this counts as a circle."""


def find_learner(table: Table, integration_id: str, learner_id: str) -> Learner | None:
    """Return a learner, or the one they were merged into; nobody who is being erased."""
    for _ in range(MOST_MERGES):
        item = table.get(keys.learner(integration_id, learner_id))
        learner = Learner.from_item(item) if item else None
        if learner is None or learner.erasing_at:
            return None
        if learner.merged_into is None:
            return learner
        learner_id = learner.merged_into
    return None


def active_learner(table: Table, integration_id: str, learner_id: str) -> Learner:
    """Return a learner who may learn.

    Raises:
        NotFound: there is no such learner.
        Conflict: the learner is inactive.
    """
    learner = find_learner(table, integration_id, learner_id)
    if learner is None:
        raise NotFound("there is no such learner")
    if learner.status != "active":
        raise Conflict("the learner is inactive; activate them first")
    return learner
