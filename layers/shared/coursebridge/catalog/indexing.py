"""Brings the search index up to date with the table, even while courses are being changed.

A writer marks the index as outdated after it has changed courses (``RunStore.outdate_index``), which increments their
generation. A publisher notes the generation before it reads the courses, and claims afterwards that the index is
current; the claim is refused if the generation has changed. Then courses have changed, and the published index may have
replaced a newer one, so it is built again. If the publisher is killed before that, the published index is of another
generation than the remembered one, and the next run rebuilds it.

An incremental run knows what it has changed, and amends the published index if that was current before and nobody else
has changed courses since. Whenever there is any doubt, the index is built from all courses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.catalog.search.publishing import FORM

if TYPE_CHECKING:
    from coursebridge.catalog.search.publishing import Changes
    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.run_shapes import Remembered

TRIES = 3


def is_current(context: Context, state: Remembered) -> bool:
    """Whether the published index is in line with the table and was not replaced by an older one.

    Args:
        context: the integration.
        state: what its catalogue sync remembers.
    """
    return state.get("index_form") == FORM and context.published() == state.get("generation", 0)


def publish(
    context: Context,
    generation: int,
    changes: Changes | None = None,
    **remembered: Any,  # noqa: ANN401  (fields of any type)
) -> bool:
    """Publish an index and, if courses are still of this generation, remember the fields; return whether they are.

    Args:
        context: the integration.
        generation: the generation of its courses.
        changes: all that has changed since another generation, if that is known.
        remembered: what to remember along with it.
    """
    context.reindex(generation, changes)
    return context.runs.claim_index(generation, index_form=FORM, **remembered)


def publish_latest(context: Context) -> None:
    """Publish an index of the latest generation; mark it as outdated if courses change during every try."""
    for _ in range(TRIES):
        if publish(context, context.runs.state()["generation"]):
            return
    context.runs.outdate_index()
