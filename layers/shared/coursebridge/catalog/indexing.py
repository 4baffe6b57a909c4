"""Brings the search index up to date with the table, even while others change courses.

Whoever changes courses outdates the index when done (``RunStore.outdate_index``), which raises the generation of the
courses. Whoever publishes notes the generation before reading them, and claims that the index is up to date only if
it is the same still. A claim refused means that courses have changed, and that this index may lie over a newer one: it
is made once more. An index published by somebody who was killed then, before the next try, is of another generation
than the one remembered, and so the next run finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.catalog.search.publishing import FORM

if TYPE_CHECKING:
    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.run_shapes import Remembered

TRIES = 3


def is_current(context: Context, state: Remembered) -> bool:
    """Whether the published index holds what the table does, and was not replaced by an older one.

    Args:
        context: the integration.
        state: what is remembered of its syncs.
    """
    return state.get("index_form") == FORM and context.published() == state.get("generation", 0)


def publish(context: Context, generation: int, **remembered: Any) -> bool:  # noqa: ANN401  (fields of what is remembered)
    """Publish an index; say whether it is of the generation and the fields are remembered with it."""
    context.reindex(generation)
    return context.runs.claim_index(generation, index_form=FORM, **remembered)


def publish_latest(context: Context) -> None:
    """Publish an index of whatever generation is the latest; left outdated where it is another each time."""
    for _ in range(TRIES):
        if publish(context, context.runs.state()["generation"]):
            return
    context.runs.outdate_index()
