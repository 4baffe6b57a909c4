"""How a run is cut into ranges: pure, but for the totals it is told.

A range is a dictionary of the table (``storage.run_shapes``). The last range
of a listing may read further than LinkedIn's total says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Unpack

from coursebridge.catalog.filters import linkedin_locale
from coursebridge.linkedin.assets import COUNTRY_OF, Listing
from coursebridge.linkedin.walk import STEP
from coursebridge.storage.table import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coursebridge.integrations.models import Filters
    from coursebridge.storage.run_shapes import Range

PAGES = 10
PAGES_BEYOND = 40
PAGES_OF_A_TOPIC = 100
SPAN = PAGES * STEP
SUSPECT_TOTALS = frozenset({500, 1000})
URNS_IN_A_RANGE = 50
TOPICS_IN_A_RANGE = 20
"""Of the thousand or so topics; a state machine's history has room for 25,000 events."""


@dataclass(frozen=True)
class Partition:
    """The assets of one type in one locale: what LinkedIn is asked for in one listing."""

    listing: Listing
    total: int
    is_empty: bool = False


def partition_name(listing: Listing) -> str:
    """Return the name of the partition a listing reads, as an admin sees it: ``COURSE en``."""
    return f"{listing.asset_type} {listing.locale or 'any'}"


def locales(filters: Filters) -> list[str]:
    """Return the locales to ask for: those of the filters, or every language LinkedIn has."""
    if not filters.languages:
        return list(COUNTRY_OF)
    wanted = dict.fromkeys(linkedin_locale(language) for language in filters.languages)
    return [locale for locale in wanted if "_" not in locale or locale.partition("_")[0] not in wanted]


def listings(filters: Filters, modified_after: int | None) -> list[Listing]:
    """Return one listing for each asset type and locale."""
    return [
        Listing(
            asset_type=asset_type,
            locale=locale,
            licensed_only=filters.licensed_only,
            modified_after=modified_after,
            curated=filters.curated_videos_only and asset_type == "VIDEO",
        )
        for asset_type in dict.fromkeys(filters.asset_types)
        for locale in locales(filters)
    ]


def ranges_of(partition: Partition) -> Iterator[Range]:
    """Yield the ranges of a partition, each about a thousand assets; for an empty one, one that is settled already."""
    if partition.is_empty:
        yield listing_range(partition.listing, 0, 0, settled=True, status="done", ended=True)
        return
    starts = range(0, max(partition.total, 1), SPAN)
    for start in starts:
        is_last = start == starts[-1]
        yield listing_range(partition.listing, start, PAGES + (PAGES_BEYOND if is_last else 0))


def listing_range(listing: Listing, start: int, pages: int, /, **more: Unpack[Range]) -> Range:
    """Return a range of a listing's pages."""
    return {
        "kind": "listing",
        "partition": partition_name(listing),
        "listing": asdict(listing),
        "start": start,
        "pages": pages,
        "ended": False,
        **more,
    }


def listing_in(one: Range) -> Listing:
    """Return the listing of a range."""
    return Listing(**one["listing"])


def urn_ranges(urns: Iterable[str]) -> Iterator[Range]:
    """Yield ranges that ask for assets one by one, whatever the filters say."""
    wanted = list(urns)
    for at in range(0, len(wanted), URNS_IN_A_RANGE):
        yield {"kind": "urns", "partition": "include_urns", "urns": wanted[at : at + URNS_IN_A_RANGE]}


def classification_range(wanted: Iterable[str]) -> Range:
    """Return the range that reads the classification graph in these locales."""
    return {"kind": "classifications", "partition": "classifications", "locales": list(wanted)}


def second_opinion(listing: Listing, total: int, topics: Iterable[str]) -> Iterator[Range]:
    """Yield the ranges that read a listing which LinkedIn may have cut short, in another way.

    The finder ``localeAndType`` is never cut, but knows nothing of licences. So where only licensed assets are wanted
    the listing is read topic by topic, each far below the cap, and the other finder adds what has no topic.

    Args:
        listing: the listing that was cut.
        total: how many assets ``localeAndType`` has.
        topics: URNs of every topic known.
    """
    whole = replace(listing, finder="localeAndType", modified_after=None)
    by_topic = listing.licensed_only or listing.curated
    if by_topic:
        for urns in chunks(topics, TOPICS_IN_A_RANGE):
            yield {
                "kind": "topics",
                "partition": partition_name(listing),
                "listing": asdict(listing),
                "topics": urns,
            }
    if not listing.curated:
        for start in range(0, max(total, 1), SPAN):
            beyond = PAGES_BEYOND if start + SPAN >= total else 0
            yield listing_range(whole, start, PAGES + beyond, opinion="second", topicless_only=by_topic)
