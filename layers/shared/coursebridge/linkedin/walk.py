"""Reads a listing page by page without losing elements that move while it is read.

The pages overlap by :data:`OVERLAP` offsets. If a page shares no element with the one before, the list has moved in
between (or has holes, as LinkedIn's lists do), and a page that overlaps both is read as well. A missing link, a short
page or the total alone does not prove the end: that takes a page past the total with nothing new and no next link.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coursebridge.linkedin.errors import UnusableAnswer
from coursebridge.linkedin.pages import PAGE_SIZE, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OVERLAP = 2
STEP = PAGE_SIZE - OVERLAP
FAILURES_IN_A_ROW = 3


@dataclass
class Walk:
    """A walk over some pages of a listing; iterate over it once, then read its attributes.

    Attributes:
        fetch: returns the page at an offset.
        start: the offset to start from.
        pages: how many pages to read; fewer are read if the listing ends before.
        failures: offsets of unusable pages, each with its error.
        shifted: whether the list moved so far, or left a page empty, that elements may have been missed.
        ended: whether the end of the listing was reached.
        position: the offset to continue from.
        total: the number of elements that LinkedIn stated last, other than none; at first what it stated beforehand.
    """

    fetch: Callable[[int], Page]
    start: int
    pages: int
    failures: list[tuple[int, UnusableAnswer]] = field(default_factory=list)
    shifted: bool = False
    ended: bool = False
    position: int = 0
    total: int = 0

    def __iter__(self) -> Iterator[Page]:
        """Yield the pages; an element can be on several.

        Raises:
            LinkedInError: a call failed, or :data:`FAILURES_IN_A_ROW` pages in a row were unusable.
        """
        seen: set[str] = set()
        previous: Page | None = None
        with _Lookahead(self.fetch) as ahead:
            for page in self._read(ahead):
                urns = set(page.urns)
                self.ended = self._is_end(page, bool(urns - seen))
                if previous is not None and _is_torn(previous, page):
                    yield from self._bridge(previous, page)
                yield page
                if self.ended:
                    return
                seen |= urns
                previous = page

    def _read(self, ahead: _Lookahead) -> Iterator[Page]:
        """Yield the usable pages in order and note the failures."""
        in_a_row = 0
        last: Page | None = None
        for number in range(self.pages):
            offset = self.start + number * STEP
            self.position = offset + STEP
            try:
                page = ahead.page(offset, self.position if number + 1 < self.pages else None)
                _refuse_repetition(last, page)
            except UnusableAnswer as error:
                self.failures.append((offset, error))
                in_a_row += 1
                if in_a_row == FAILURES_IN_A_ROW:
                    raise
                continue
            in_a_row = 0
            last = page
            self.total = page.total or self.total
            yield page

    def _is_end(self, page: Page, news: bool) -> bool:
        return not news and not page.more and page.start + OVERLAP >= self.total

    def _bridge(self, before: Page, after: Page) -> Iterator[Page]:
        """Yield the page that overlaps half of each of two pages that share nothing.

        If it shares elements with both, nothing is missing. Otherwise the list has holes there if pages are short, and
        has moved by more than a page if they are full. If one of the two is empty, the bridge holds nothing new either.
        """
        offset = after.start - PAGE_SIZE // 2
        try:
            between = self.fetch(offset)
        except UnusableAnswer as error:
            self.failures.append((offset, error))
            return
        yield between
        for one, other in ((before, between), (between, after)):
            self.shifted |= _unlinked(one, other) and _is_full(one) and _is_full(other)
        one_is_empty = not (before.elements and after.elements)
        self.shifted |= one_is_empty and not set(between.urns) <= {*before.urns, *after.urns}


class _Lookahead:
    """Fetches the next page while the current one is processed."""

    def __init__(self, fetch: Callable[[int], Page]) -> None:
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="page")
        self._next: tuple[int, Future[Page]] | None = None

    def page(self, offset: int, following: int | None) -> Page:
        """Return the page at an offset, and start to fetch the following one if there may be one."""
        page = self._next[1].result() if self._next and self._next[0] == offset else self._fetch(offset)
        self._next = None
        if following is not None and (page.more or following < (page.total or 0)):
            self._next = (following, self._pool.submit(self._fetch, following))
        return page

    def __enter__(self) -> _Lookahead:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def _refuse_repetition(last: Page | None, page: Page) -> None:
    """Refuse a repetition of the previous page, which shows that LinkedIn ignores ``start``.

    Raises:
        UnusableAnswer: both pages hold the same elements.
    """
    if last is not None and len(page.elements) > OVERLAP and page.urns == last.urns:
        raise UnusableAnswer(f"LinkedIn gives the page of offset {last.start} for offset {page.start} too")


def _is_torn(before: Page, after: Page) -> bool:
    """Whether elements may be missing between two pages: they share none, or one of them is unexpectedly empty."""
    promised = before.start + PAGE_SIZE < (before.total or 0)
    stopped_short = promised and bool(before.elements) and not after.elements
    started_late = not before.elements and bool(after.elements)
    return before.start + STEP == after.start and (_unlinked(before, after) or stopped_short or started_late)


def _unlinked(one: Page, other: Page) -> bool:
    """Whether both pages have elements but share none."""
    return bool(one.elements and other.elements) and set(one.urns).isdisjoint(other.urns)


def _is_full(page: Page) -> bool:
    return len(page.elements) + page.broken >= PAGE_SIZE
