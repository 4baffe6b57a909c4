"""The first task of a run: decides what to read and divides it into ranges."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from coursebridge.catalog.sync import ranges
from coursebridge.catalog.sync.ranges import Partition
from coursebridge.clock import parse_rfc3339, to_millis
from coursebridge.linkedin import assets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from coursebridge.catalog.sync.context import Context
    from coursebridge.integrations.models import Filters
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.storage.run_shapes import Mode, Range, Remembered, Run

OVERLAP = timedelta(hours=24)
"""How far before the watermark an incremental run starts: LinkedIn's index lags and its filter is inexact."""


def filters_digest(filters: Filters) -> str:
    """Return a digest that identifies a set of filters."""
    text = json.dumps(filters.model_dump(mode="json"), sort_keys=True)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def mode_for(asked: Mode, state: Remembered, filters: Filters) -> Mode:
    """Return the mode in which a run is carried out.

    It is full without a watermark to start from, and after the filters have changed: wider ones select assets that
    have not changed lately.
    """
    reaches = state.get("watermark") and state.get("filters") == filters_digest(filters)
    return "incremental" if asked == "incremental" and reaches else "full"


def serves(context: Context, asked: Mode, run: Run) -> bool:
    """Whether finishing a stopped run achieves what a new one would.

    It must have been planned with the current filters. A full run serves either mode, because the next incremental one
    looks back beyond its start. An incremental run serves only where a new one would be incremental, too.
    """
    filters = context.integration().filters
    same = run.get("filters") == filters_digest(filters)
    return same and (run["mode"] == "full" or mode_for(asked, context.runs.state(), filters) == "incremental")


def modified_after(mode: Mode, state: Remembered) -> int | None:
    """Return LinkedIn's ``lastModifiedAfter`` for a run; ``None`` for a full one."""
    return to_millis(parse_rfc3339(state["watermark"]) - OVERLAP) if mode == "incremental" else None


def lay_out(context: Context, run: Run, now: datetime) -> list[int]:
    """Ask LinkedIn for totals, write the ranges of a run, and return the numbers of those to process.

    It makes one call for each asset type and locale and, if the filters name no languages, one more for each type.

    Raises:
        LinkedInError: a call failed.
    """
    filters = context.integration().filters
    state = context.runs.state()
    mode = mode_for(run["mode"], state, filters)
    planned = list(_ranges(context.linkedin(), filters, mode, modified_after(mode, state)))
    numbered: list[Range] = [{**range_, "number": number} for number, range_ in enumerate(planned)]
    context.runs.add_ranges(run["id"], numbered, now)
    context.runs.drop_ranges(run["id"], len(numbered))
    open_numbers = [range_["number"] for range_ in numbered if not range_.get("settled")]
    fields: Run = {
        "mode": mode,
        "planned": True,
        "ranges": len(numbered),
        "filters": filters_digest(filters),
        "settings_version": context.integration().version,
        "was_empty": context.courses.is_empty(),
        "progress": {"done": 0, "total": len(open_numbers)},
    }
    context.runs.change(run["id"], **fields)
    return open_numbers


def _ranges(client: LinkedInClient, filters: Filters, mode: str, after: int | None) -> Iterator[Range]:
    partitions = list(_partitions(client, filters, after))
    for partition in partitions:
        yield from ranges.ranges_of(partition)
    yield from ranges.urn_ranges(filters.include_urns)
    spoken = dict.fromkeys(partition.listing.locale for partition in partitions if not partition.is_empty)
    spoken.pop("", None)
    if mode == "full" and spoken:
        yield ranges.classification_range(spoken)


def _partitions(client: LinkedInClient, filters: Filters, after: int | None) -> Iterator[Partition]:
    """Yield every partition; without a language filter, also one for each type with assets in unknown locales."""
    known: dict[str, int] = {}
    for listing in ranges.listings(filters, after):
        partition = _measured(client, listing)
        known[listing.asset_type] = known.get(listing.asset_type, 0) + partition.total
        yield partition
    if not filters.languages:
        for asset_type, total in known.items():
            of_type = next(listing for listing in ranges.listings(filters, after) if listing.asset_type == asset_type)
            rest = _measured(client, replace(of_type, locale=""))
            if rest.total > total:
                yield rest


def _measured(client: LinkedInClient, listing: assets.Listing) -> Partition:
    page = assets.page(client, listing, 0, count=1)
    total = page.total or 0
    return Partition(listing, total, is_empty=not page.elements and not total and not page.more)
