"""Selects the assets of a page, with all quirks of paging applied."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sandbox.catalogue.criteria import Criteria
from sandbox.catalogue.layout import Kind
from sandbox.catalogue.store import Catalogue
from sandbox.errors import ApiError
from sandbox.quirks import Quirks
from sandbox.rest.paging import Window


@dataclass(frozen=True)
class Selection:
    """The assets of one page, the total to report, and the links that the page may have."""

    assets: list[int]
    total: int
    links: tuple[str, ...]


def select(catalogue: Catalogue, quirks: Quirks, criteria: Criteria, finder: str, window: Window) -> Selection:
    """Return a page of the assets that meet the criteria.

    Raises:
        ApiError: 500, the quirk `unusable_page` breaks this page.
    """
    _refuse_unusable(quirks, window)
    found = catalogue.search(criteria)
    found = found[: _limit(quirks, criteria, finder, len(found))]
    offsets = Offsets(quirks, len(found))
    assets = [found[place] for place in offsets.places(_shifted(quirks, window)) if place < len(found)]
    strangers = _strangers(catalogue, quirks, criteria, window, offsets.total)
    return Selection(assets + strangers, offsets.total, _links(quirks, window))


class Offsets:
    """The mapping from offsets to places in the list when some offsets are holes.

    This is how a list looks to clients if it is filtered after it was cut into pages: pages in the middle are short or
    empty, and the total includes the holes, but a client that reads on misses nothing.
    """

    def __init__(self, quirks: Quirks, size: int) -> None:
        self._short = quirks.get("short_pages")
        self._empty = quirks.get("empty_page_in_middle")
        self.total = self._stretched(size)

    def _stretched(self, size: int) -> int:
        if self._short and size:
            size += (size - 1) // (self._short["every"] - 1)
        if self._empty and size > self._empty["start"]:
            size += self._empty["length"]
        return size

    def places(self, window: Window) -> Iterator[int]:
        """Yield the places in the list for the offsets of a page, skipping holes."""
        for offset in range(window.start, min(window.start + window.count, self.total)):
            place = self._past_short(self._past_empty(offset))
            if place is not None:
                yield place

    def _past_empty(self, offset: int) -> int | None:
        if not self._empty or offset < self._empty["start"]:
            return offset
        place: int = offset - self._empty["length"]
        return place if place >= self._empty["start"] else None

    def _past_short(self, offset: int | None) -> int | None:
        if offset is None or not self._short:
            return offset
        turns, rest = divmod(offset, self._short["every"])
        return offset - turns if rest < self._short["every"] - 1 else None


def _refuse_unusable(quirks: Quirks, window: Window) -> None:
    parameters = quirks.get("unusable_page")
    if parameters and window.start <= parameters["start"] < window.start + window.count:
        raise ApiError(500, "Internal Server Error")


def _limit(quirks: Quirks, criteria: Criteria, finder: str, size: int) -> int:
    limits = [size]
    for cap in (500, 1000):
        parameters = quirks.get(f"total_capped_{cap}")
        if parameters and finder == parameters["finder"]:
            limits.append(cap)
    truncated = quirks.get("multi_type_truncated")
    if truncated and len(criteria.types) > 1:
        limits.append(truncated["limit"])
    return min(limits)


def _shifted(quirks: Quirks, window: Window) -> Window:
    parameters = quirks.get("shifting_pages")
    if not parameters or not window.count:
        return window
    by = {1: -parameters["by"], 3: parameters["by"]}.get(window.start // window.count % 4, 0)
    return Window(max(window.start + by, 0), window.count)


def _strangers(catalogue: Catalogue, quirks: Quirks, criteria: Criteria, window: Window, total: int) -> list[int]:
    """Return assets of types that were not asked for, to put on a page past the end or on top of a normal page."""
    overrun = quirks.get("other_types_on_overrun")
    wrong = quirks.get("wrong_type_elements") is not None
    wanted = 0
    if overrun and window.start >= total:
        wanted = min(overrun["count"], window.count)
    elif wrong and window.count and window.start < total:
        wanted = 1
    kinds = [kind for kind in (Kind.LEARNING_PATH, Kind.VIDEO, Kind.COURSE) if kind.name not in criteria.types]
    # If the call asks for no type or for all types, there are no assets of other types.
    if not criteria.types or not kinds:
        return []
    return list(islice(catalogue.handles(*kinds), wanted))


def _links(quirks: Quirks, window: Window) -> tuple[str, ...]:
    missing = quirks.get("missing_next")
    page = window.start // max(window.count, 1)
    if quirks.get("prev_only_links") is not None or (missing and page % missing["every"] == missing["every"] - 1):
        return ("prev",)
    return ("prev", "next")
