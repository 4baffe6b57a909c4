"""The first task of a run: what is to be read, cut into ranges."""

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
"""How far an incremental run looks back behind the watermark: LinkedIn's index is late and its filter inexact."""


def filters_digest(filters: Filters) -> str:
    """Return what tells one set of filters from another."""
    text = json.dumps(filters.model_dump(mode="json"), sort_keys=True)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def mode_for(asked: Mode, state: Remembered, filters: Filters) -> Mode:
    """Return the mode a run really takes.

    Without a watermark there is nothing to start from; and wider filters ask for assets that have not changed lately.
    """
    reaches = state.get("watermark") and state.get("filters") == filters_digest(filters)
    return "incremental" if asked == "incremental" and reaches else "full"


def serves(context: Context, asked: Mode, run: Run) -> bool:
    """Whether a run that was stopped does, once it is finished, what a new one would.

    It was planned by the filters of now, and is full, which leaves nothing for an incremental one to do but what has
    changed since it started: the next one looks back behind that start.
    """
    filters = context.integration().filters
    same = run.get("filters") == filters_digest(filters)
    return same and (run["mode"] == "full" or mode_for(asked, context.runs.state(), filters) == "incremental")


def modified_after(mode: Mode, state: Remembered) -> int | None:
    """Return LinkedIn's ``lastModifiedAfter`` for a run, ``None`` for all."""
    return to_millis(parse_rfc3339(state["watermark"]) - OVERLAP) if mode == "incremental" else None


def lay_out(context: Context, run: Run, now: datetime) -> list[int]:
    """Ask LinkedIn for totals, write the ranges of a run, and return the numbers of those to work off.

    One call for each asset type and locale, and one for each type.

    Raises:
        LinkedInError: LinkedIn does not say.
    """
    filters = context.integration().filters
    state = context.runs.state()
    mode = mode_for(run["mode"], state, filters)
    planned = list(_ranges(context.linkedin(), filters, mode, modified_after(mode, state)))
    numbered: list[Range] = [{**one, "number": number} for number, one in enumerate(planned)]
    context.runs.add_ranges(run["id"], numbered, now)
    context.runs.drop_ranges(run["id"], len(numbered))
    open_numbers = [one["number"] for one in numbered if not one.get("settled")]
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
    """Yield every partition; one more for a type that has assets in no locale we know of."""
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
