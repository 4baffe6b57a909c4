"""Walking a listing: nothing is lost, whatever the pages look like and however the list moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.linkedin.errors import Unreachable, UnusableAnswer
from coursebridge.linkedin.pages import PAGE_SIZE, Page
from coursebridge.linkedin.walk import STEP, Walk


@dataclass
class Listing:
    """A listing of numbered assets that misbehaves on demand.

    Attributes:
        size: how many assets there are.
        holes: offsets that hold nothing.
        links: whether pages link to the next one.
        total: the total it states, if not the true one.
        unusable: offsets; a page that covers one of them fails.
        moves: by how many places the list moves to the left just before the n-th call (from 0), by n.
    """

    size: int
    holes: frozenset[int] = frozenset()
    links: bool = True
    total: int | None = None
    unusable: frozenset[int] = frozenset()
    moves: dict[int, int] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    moved: int = 0

    @property
    def length(self) -> int:
        return self.size + len(self.holes)

    def __call__(self, start: int) -> Page:
        self.moved += self.moves.get(len(self.calls), 0)
        self.calls.append(start)
        covered = range(start, start + PAGE_SIZE)
        if self.unusable.intersection(covered):
            raise UnusableAnswer("broken")
        places = [offset + self.moved for offset in covered if offset + self.moved < self.length]
        elements = [{"urn": f"urn:{place}", "type": "COURSE"} for place in places if place not in self.holes]
        total = self.length - self.moved if self.total is None else self.total
        return Page(start, elements, 0, total, self.links and start + PAGE_SIZE < self.length - self.moved)

    def everything(self) -> set[str]:
        return {f"urn:{place}" for place in range(self.length) if place not in self.holes}


def read(walk: Walk) -> set[str]:
    return {urn for page in walk for urn in page.urns}


@given(st.integers(0, 700), st.frozensets(st.integers(0, 800), max_size=120), st.booleans(), st.booleans())
def test_everything_is_read_with_or_without_links_and_holes(
    size: int, holes: frozenset[int], links: bool, knows_total: bool
) -> None:
    listing = Listing(size, holes=frozenset(hole for hole in holes if hole < size), links=links)
    if not knows_total and not links and not holes:
        listing.total = 0

    walk = Walk(listing, 0, 50)

    assert read(walk) == listing.everything()
    assert walk.ended
    assert not walk.shifted


@given(st.integers(150, 600), st.integers(1, 6), st.integers(1, 60))
def test_a_list_that_moves_while_it_is_read_loses_nothing_that_stays(size: int, call: int, by: int) -> None:
    listing = Listing(size, moves={call: by})

    walk = Walk(listing, 0, 50)
    found = read(walk)

    # What moved out at the front before it was read is gone from LinkedIn too; the rest must have been read.
    assert walk.ended
    assert walk.shifted or found >= {f"urn:{place}" for place in range(by, size)} or by > 48


def test_a_move_of_more_than_a_page_is_noticed() -> None:
    walk = Walk(Listing(900, moves={2: 300}), 0, 50)

    read(walk)

    assert walk.shifted


def test_the_end_takes_a_page_past_the_total_that_brings_nothing_new() -> None:
    listing = Listing(150, links=False)

    walk = Walk(listing, 0, 50)
    read(walk)

    assert listing.calls == [0, STEP, 2 * STEP]
    assert (walk.ended, walk.total) == (True, 150)


def test_a_total_that_is_too_low_is_not_believed() -> None:
    listing = Listing(450, links=False, total=100)

    assert read(Walk(listing, 0, 50)) == listing.everything()


def test_a_total_that_is_too_high_costs_pages_and_no_more() -> None:
    listing = Listing(50, links=False, total=400)

    walk = Walk(listing, 0, 50)

    assert read(walk) == listing.everything()
    assert walk.ended


def test_a_walk_stops_after_its_pages_and_says_where_to_go_on() -> None:
    listing = Listing(1000)

    walk = Walk(listing, 2 * STEP, 3)

    assert read(walk) == {f"urn:{place}" for place in range(2 * STEP, 4 * STEP + PAGE_SIZE)}
    assert not walk.ended
    assert walk.position == 5 * STEP
    assert sorted(listing.calls) == [2 * STEP, 3 * STEP, 4 * STEP]


def test_an_unusable_page_is_noted_and_the_others_are_read() -> None:
    listing = Listing(500, unusable=frozenset({150}))

    walk = Walk(listing, 0, 50)
    found = read(walk)

    assert [offset for offset, _ in walk.failures] == [STEP]
    assert listing.everything() - found == {f"urn:{place}" for place in range(PAGE_SIZE, 2 * STEP)}


def test_an_unusable_page_over_a_seam_is_noted_too() -> None:
    holes = frozenset({STEP, STEP + 1})
    listing = Listing(500, holes=holes)

    def fetch(start: int) -> Page:
        if start % STEP:
            raise UnusableAnswer("broken")
        return listing(start)

    walk = Walk(fetch, 0, 50)
    read(walk)

    assert [offset for offset, _ in walk.failures] == [STEP - PAGE_SIZE // 2]


def test_several_unusable_pages_in_a_row_end_the_walk() -> None:
    walk = Walk(Listing(1000, unusable=frozenset({150, 250, 350})), 0, 50)

    with pytest.raises(UnusableAnswer):
        read(walk)


def test_no_answer_at_all_ends_the_walk() -> None:
    def down(_start: int) -> Page:
        raise Unreachable("ConnectError")

    with pytest.raises(Unreachable):
        read(Walk(down, 0, 50))


def test_a_listing_that_pays_no_heed_to_the_offset_is_refused() -> None:
    listing = Listing(500)

    with pytest.raises(UnusableAnswer, match="offset 0 for offset"):
        read(Walk(lambda start: Page(start, listing(0).elements, 0, 500, True), 0, 50))


def test_a_walk_that_is_given_up_leaves_no_call_behind() -> None:
    walk = iter(Walk(Listing(1000), 0, 50))
    next(walk)

    walk.close()  # type: ignore[attr-defined]

    with pytest.raises(StopIteration):
        next(walk)


def test_an_empty_page_before_the_total_is_not_the_end() -> None:
    def fetch(start: int) -> Page:
        urns = [] if 90 <= start < 190 else [f"urn:{number}" for number in range(start, min(start + 100, 300))]
        return Page(start, [{"urn": urn, "type": "COURSE"} for urn in urns], 0, 300, False)

    walk = Walk(fetch, 0, 10)

    assert "urn:299" in {urn for page in walk for urn in page.urns}
    assert walk.ended


@pytest.mark.parametrize("total", [0, None])
@pytest.mark.parametrize("start", [0, STEP, 2 * STEP])
def test_a_page_that_is_empty_although_there_is_more_is_not_the_end(start: int, total: int | None) -> None:
    listing = Listing(450, links=False)
    empty = Page(start, [], 0, total, False)

    walk = Walk(lambda offset: empty if offset == start else listing(offset), start, 10, total=450)
    found = read(walk)

    assert walk.ended
    assert f"urn:{listing.size - 1}" in found


@pytest.mark.parametrize("start", [0, STEP])
@pytest.mark.parametrize("total", [0, None, 300])
def test_a_page_that_is_empty_where_others_show_that_it_should_not_be_is_noticed(start: int, total: int | None) -> None:
    listing = Listing(300, links=False)
    empty = Page(start, [], 0, total, False)

    walk = Walk(lambda offset: empty if offset == start else listing(offset), 0, 10, total=300)

    assert "urn:299" in read(walk)
    assert walk.shifted
