"""The courses that learning waits for and that no listing of a run brings: requested from LinkedIn one by one.

They are in a language or of an asset type that the filters leave out, or beyond the licence. Learning can be recorded
only for courses that are in the table, so they are stored as archived. LinkedIn is asked for a bounded number of them
per run. Those it does not give are remembered (``storage.unknown_courses``) and asked for again ever more rarely.
"""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING

from coursebridge.catalog.sync import ranges
from coursebridge.storage.table import BATCH_READ, chunks
from coursebridge.storage.unknown_courses import Asked, UnknownCourseStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.run_shapes import Range, Run

MOST_ASKED = 300
_ASSET = re.compile(r"urn:li:lynda(?:Course|LearningPath|Video):[A-Za-z0-9:,()]{1,100}")


def is_asset(urn: str) -> bool:
    """Whether this can be the URN of a course, learning path or video; LinkedIn is never asked for others."""
    return _ASSET.fullmatch(urn) is not None


def ranges_for_awaited(context: Context, known: Iterable[Range]) -> Iterator[Range]:
    """Yield ranges that request the awaited courses which are not in the table after all others are read.

    Courses that LinkedIn was never asked for come first, and among them those that have waited the longest. Nothing is
    requested twice in a run, nor if a range has failed: it may hold what is awaited.
    """
    if not any(range_["kind"] == "awaited" or range_["status"] == "failed" for range_ in known):
        yield from ranges.awaited_ranges(islice(_absent(context, _wanted(context)), MOST_ASKED))


def _wanted(context: Context) -> Iterator[str]:
    awaited = [urn for urn in context.awaited() if is_asset(urn)]
    if not awaited:
        return
    asked = UnknownCourseStore(context.courses.table, context.integration_id).get()
    now = context.now()
    again = (urn for urn in awaited if urn in asked and asked[urn].is_due(now))
    yield from chain((urn for urn in awaited if urn not in asked), again)


def _absent(context: Context, urns: Iterable[str]) -> Iterator[str]:
    for chunk in chunks(urns, BATCH_READ):
        present = context.courses.get_many(chunk)
        yield from (urn for urn in chunk if urn not in present)


def remember(context: Context, run: Run, known: Iterable[Range]) -> None:
    """Remember what LinkedIn did not give in this run, and forget what nothing waits for any more; safe to repeat."""
    in_vain = [urn for range_ in known for urn in range_.get("in_vain", [])]
    if not in_vain:
        return
    store = UnknownCourseStore(context.courses.table, context.integration_id)
    before, at = store.get(), run["started_at"]
    awaited = context.awaited()
    kept = {urn: asked for urn, asked in before.items() if urn in awaited}
    store.put(kept | {urn: before.get(urn, Asked(at, at)).again(at) for urn in in_vain}, context.now())
