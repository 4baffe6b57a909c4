"""Decides whether filters may select assets that other filters leave out. Pure.

Each setting decides by itself whether it lets an asset through. So new filters are wider exactly if one of their
settings lets through what the same setting of the old ones does not, or if they name a URN that the old ones do not:
that brings it even from beyond the licence. What LinkedIn alone knows (``licensed_only``, ``curated_videos_only``) is
not considered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeAlias

from coursebridge.catalog.filters import linkedin_locale

if TYPE_CHECKING:
    from coursebridge.integrations.models import Filters

Parents: TypeAlias = Callable[[Collection[str]], Mapping[str, Collection[str]]]
"""Returns the parents of those of these classifications that are known."""
MOST_LEVELS = 10
"""More than the graph of classifications has; it comes from LinkedIn, and could have a circle."""


def is_wider(before: Filters, after: Filters, parents: Parents) -> bool:
    """Whether there may be an asset that matches ``after`` but not ``before``."""
    return _names_more(before, after) or not _chooses_no_more(before, after, parents)


def _names_more(before: Filters, after: Filters) -> bool:
    included = set(after.include_urns) - set(after.exclude_urns) - set(before.include_urns)
    return bool(included or set(before.exclude_urns) - set(after.exclude_urns))


def _chooses_no_more(before: Filters, after: Filters, parents: Parents) -> bool:
    return (
        set(after.asset_types) <= set(before.asset_types)
        and _speaks_no_more(before.languages, after.languages)
        and _is_within(before.levels, after.levels)
        and _is_of_no_other_length(before, after)
        and _is_no_earlier(before, after)
        and _is_below(before.classifications, after.classifications, parents)
    )


def _is_within(before: Collection[str], after: Collection[str]) -> bool:
    """Whether a list lets no more through than another one; an empty list lets everything through."""
    return not before or (bool(after) and set(after) <= set(before))


def _speaks_no_more(before: Collection[str], after: Collection[str]) -> bool:
    known = {linkedin_locale(language) for language in before}
    asked = {linkedin_locale(language) for language in after}
    return _is_within(known, {code if (code := locale.partition("_")[0]) in known else locale for locale in asked})


def _is_of_no_other_length(before: Filters, after: Filters) -> bool:
    had, has = _bounds(before), _bounds(after)
    return had is None or (has is not None and had[0] <= has[0] and has[1] <= had[1])


def _bounds(filters: Filters) -> tuple[float, float] | None:
    low, high = filters.min_duration_seconds, filters.max_duration_seconds
    return None if low is None and high is None else (low or 0, math.inf if high is None else high)


def _is_no_earlier(before: Filters, after: Filters) -> bool:
    had, has = before.published_after, after.published_after
    return had is None or (has is not None and had <= has)


def _is_below(before: Collection[str], after: Collection[str], parents: Parents) -> bool:
    """Whether each classification is one of those before, or leads up to one of them by whatever path."""
    if not before or not after:
        return not before
    climbing = set(after) - set(before)
    for _ in range(MOST_LEVELS):
        above = parents(climbing) if climbing else {}
        if not all(above.get(urn) for urn in climbing):
            return False
        climbing = {parent for urn in climbing for parent in above[urn]} - set(before)
    return not climbing
