"""Divides a run into ranges, from the totals it is given; nothing here calls LinkedIn or the table.

A range is a dictionary as stored in the table (``storage.run_shapes``). The last range of a listing may read beyond
LinkedIn's total.
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
URNS_IN_A_RANGE = 50
TOPICS_IN_A_RANGE = 20
"""There are about a thousand topics, and the history of an execution has room for 25,000 events."""


@dataclass(frozen=True)
class Partition:
    """The assets of one type in one locale, which one listing reads."""

    listing: Listing
    total: int
    is_empty: bool = False


def partition_name(listing: Listing) -> str:
    """Return the name of a listing's partition as an admin sees it, such as ``COURSE en``."""
    return f"{listing.asset_type} {listing.locale or 'any'}"


def locales(filters: Filters) -> list[str]:
    """Return the locales to query: those of the filters, or every language LinkedIn has."""
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
    """Yield the ranges of a partition, about a thousand assets each; an empty partition has one, already settled."""
    if partition.is_empty:
        yield listing_range(partition.listing, 0, 0, settled=True, status="done", ended=True)
        return
    starts = range(0, max(partition.total, 1), SPAN)
    for start in starts:
        is_last = start == starts[-1]
        yield listing_range(partition.listing, start, PAGES + (PAGES_BEYOND if is_last else 0), total=partition.total)


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


def listing_in(range_: Range) -> Listing:
    """Return the listing of a range."""
    return Listing(**range_["listing"])


def urn_ranges(urns: Iterable[str]) -> Iterator[Range]:
    """Yield ranges that request assets one by one, regardless of the filters."""
    wanted = list(urns)
    for at in range(0, len(wanted), URNS_IN_A_RANGE):
        yield {"kind": "urns", "partition": "include_urns", "urns": wanted[at : at + URNS_IN_A_RANGE]}


def awaited_ranges(urns: Iterable[str]) -> Iterator[Range]:
    """Yield ranges that request assets one by one because learning waits for them."""
    for some in chunks(urns, URNS_IN_A_RANGE):
        yield {"kind": "awaited", "partition": "awaited", "urns": some}


def classification_range(wanted: Iterable[str]) -> Range:
    """Return the range that reads the classification graph in these locales."""
    return {"kind": "classifications", "partition": "classifications", "locales": list(wanted)}


def second_opinion(listing: Listing, total: int, topics: Iterable[str]) -> Iterator[Range]:
    """Yield ranges that read, in another way, a listing that LinkedIn may have cut short.

    The finder ``localeAndType`` is never cut short, but cannot filter by licence or curation. So a listing with such a
    filter is read topic by topic, each far below the cap. Unless it is of curated videos, the other finder adds the
    assets without a topic.

    Args:
        listing: the listing that may have been cut short.
        total: how many assets ``localeAndType`` has.
        topics: the URNs of all known topics.
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
            yield listing_range(whole, start, PAGES + beyond, total=total, opinion="second", topicless_only=by_topic)
