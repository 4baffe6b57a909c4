"""Decides, after the ranges, what else has to be read before a run is complete.

- A listing continues beyond its last range: read on.
- Two neighbouring ranges share no asset although their pages overlap: the list moved in between; read over the seam.
- A total is exactly 500 or 1000: LinkedIn may have cut the list short; get a second opinion.
- Then learning still waits for courses that none of this has brought: request them one by one.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from coursebridge.catalog.sync import awaiting, ranges
from coursebridge.catalog.sync.outcomes import digests
from coursebridge.linkedin import assets, pages
from coursebridge.linkedin.assets import Listing
from coursebridge.linkedin.walk import STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coursebridge.catalog.sync.context import Context
    from coursebridge.storage.run_shapes import Progress, Range, Run

MOST_ROUNDS = 4
"""How many rounds of reading on there may be for a listing that yields nothing new."""
MOST_ROUNDS_WITH_NEWS = 100
"""The same for any listing: half a million assets, and half the events that an execution's history has room for."""


def settle(context: Context, run_id: str) -> list[int]:
    """Write the further ranges a run needs and return their numbers, none if it is complete or was stopped.

    If ranges are still open, as when this task is repeated, their numbers are returned and none are written.
    """
    run = context.runs.get(run_id)
    rounds = run.get("rounds", 0)
    if run.get("stopped"):
        return []
    known = list(context.runs.ranges(run_id))
    still_open = [range_["number"] for range_ in known if not range_["settled"]]
    if still_open:
        _count(context, run, len(known))
        return still_open
    checked = set(run.get("checked", []))
    further = [*_seams(known), *_continuations(known, rounds), *_second_opinions(context, known, checked)]
    further = further or list(awaiting.ranges_for_awaited(context, known))
    numbered: list[Range] = [{**range_, "number": len(known) + place} for place, range_ in enumerate(further)]
    if numbered:
        context.runs.add_ranges(run_id, numbered, context.now())
        _count(context, run, len(known) + len(numbered))
    if checked:
        context.runs.change(run_id, checked=sorted(checked))
    return [range_["number"] for range_ in numbered]


def _count(context: Context, run: Run, number: int) -> None:
    """Note how many ranges a run has, unless that was noted before."""
    more = number - run.get("ranges", 0)
    if more:
        progress: Progress = run["progress"] | {"total": run["progress"]["total"] + more}
        context.runs.change(run["id"], rounds=run.get("rounds", 0) + 1, progress=progress, ranges=number)


def listing_groups(known: Iterable[Range]) -> Iterator[list[Range]]:
    """Yield the ranges of each listing, sorted by offset."""
    groups: dict[Listing, list[Range]] = defaultdict(list)
    for range_ in known:
        if range_["kind"] == "listing":
            groups[ranges.listing_in(range_)].append(range_)
    for group in groups.values():
        yield sorted(group, key=lambda range_: (range_["start"], range_["number"]))


def is_suspect(group: Iterable[Range]) -> bool:
    """Whether a listing's total is one at which LinkedIn cuts lists short."""
    return max((range_.get("total", 0) for range_ in group), default=0) in pages.SUSPECT_TOTALS


def is_unfinished(group: list[Range]) -> bool:
    """Whether a listing goes on after its last range, although that was read as far as planned."""
    last = group[-1]
    return bool(last["status"] == "done" and not last["ended"])


def _continuations(known: list[Range], rounds: int) -> Iterator[Range]:
    for group in listing_groups(known):
        last = group[-1]
        if is_unfinished(group) and rounds < (MOST_ROUNDS_WITH_NEWS if _brings_news(group) else MOST_ROUNDS):
            more: Range = {}
            if "opinion" in last:
                more = {"opinion": last["opinion"], "topicless_only": last["topicless_only"]}
            yield ranges.listing_range(
                ranges.listing_in(last), last["position"], ranges.PAGES + ranges.PAGES_BEYOND, **more
            )


def _brings_news(group: list[Range]) -> bool:
    """Whether the last range of a listing held assets that the earlier ones did not."""
    *before, last = (digests(range_.get("outcomes", b"")) for range_ in group)
    return not last.issubset(set().union(*before))


def _seams(known: list[Range]) -> Iterator[Range]:
    for group in listing_groups(known):
        for before, after in tears(group):
            if not before.get("seam") and not after.get("seam"):
                yield ranges.listing_range(ranges.listing_in(after), max(after["start"] - STEP, 0), 2, seam=True)


def tears(group: list[Range]) -> Iterator[tuple[Range, Range]]:
    """Yield the pairs of neighbouring ranges of a listing between which assets may be missing."""
    # These ranges of a second opinion keep only assets without a topic, so they need not overlap.
    if not group[0].get("topicless_only"):
        yield from (pair for pair in pairwise(group) if is_torn(*pair))


def is_torn(before: Range, after: Range) -> bool:
    """Whether two neighbouring ranges share no asset, or the list has become too short for the second one."""
    seen_before, seen_after = digests(before.get("outcomes", b"")), digests(after.get("outcomes", b""))
    if seen_before and not seen_after:
        shrank: bool = after.get("total", 0) <= after["start"] < before.get("total", 0)
        return shrank and after["status"] == "done"
    return bool(seen_before) and seen_before.isdisjoint(seen_after)


def _second_opinions(context: Context, known: list[Range], checked: set[str]) -> Iterator[Range]:
    """Yield the ranges of second opinions, and add their partitions to ``checked``."""
    for group in listing_groups(known):
        listing, partition = ranges.listing_in(group[0]), group[0]["partition"]
        has_other_way = listing.finder == "criteria" and listing.locale
        if is_suspect(group) and has_other_way and partition not in checked:
            checked.add(partition)
            yield from _second_opinion(context, listing, group)


def _second_opinion(context: Context, listing: Listing, group: list[Range]) -> Iterator[Range]:
    """Yield the ranges of a second opinion, none if the other finder's total is not higher."""
    whole = Listing(listing.asset_type, listing.locale, finder="localeAndType")
    other = assets.page(context.linkedin(), whole, 0, count=1).total or 0
    if other > max(range_.get("total", 0) for range_ in group):
        topics = [item["urn"] for item in context.classifications.all() if item["type"] == "TOPIC"]
        yield from ranges.second_opinion(listing, other, topics)
