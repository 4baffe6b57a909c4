"""The outcomes of a run, in nine bytes per asset."""

import random

from hypothesis import given
from hypothesis import strategies as st

from coursebridge.catalog.diff import Outcome
from coursebridge.catalog.sync.outcomes import Tally, digests, packed, packed_reasons, reasons_in
from coursebridge.catalog.sync.ranges import PAGES, PAGES_BEYOND
from coursebridge.linkedin.pages import PAGE_SIZE
from coursebridge.storage.course_shapes import Reason
from coursebridge.storage.courses import LARGEST_ITEM_BYTES

urns = st.sampled_from([f"urn:li:lyndaCourse:{number}" for number in range(12)])
ranges = st.lists(st.dictionaries(urns, st.sampled_from(Outcome)), max_size=5)


@given(ranges)
def test_each_asset_counts_once_with_its_weightiest_outcome(read: list[dict[str, Outcome]]) -> None:
    weightiest: dict[str, Outcome] = {}
    for one in read:
        for urn, outcome in one.items():
            weightiest[urn] = max(outcome, weightiest.get(urn, outcome))

    counts = Tally(packed(one) for one in read).counts()

    assert counts["read"] == len(weightiest)
    for outcome in Outcome:
        assert counts[outcome.count] == sum(one is outcome for one in weightiest.values())


@given(ranges)
def test_a_tally_knows_exactly_what_was_read(read: list[dict[str, Outcome]]) -> None:
    tally = Tally(packed(one) for one in read)

    assert all(urn in tally for one in read for urn in one)
    assert "urn:li:lyndaCourse:999" not in tally


def test_the_order_of_the_ranges_does_not_matter() -> None:
    blobs = [packed({"a": Outcome.UNCHANGED, "b": Outcome.CREATED}), packed({"a": Outcome.UPDATED})]

    assert Tally(blobs).counts() == Tally(reversed(blobs)).counts()


def test_digests_are_those_of_the_urns_whatever_the_outcome() -> None:
    assert digests(packed({"a": Outcome.CREATED})) == digests(packed({"a": Outcome.FAILED}))
    assert digests(b"") == set()


@given(st.dictionaries(urns, st.sampled_from(["retired", "filtered", "missing"])))
def test_reasons_come_back_as_they_were(reasons: dict[str, Reason]) -> None:
    assert reasons_in(packed_reasons(reasons)) == reasons


def test_the_reasons_of_the_largest_range_fit_into_its_item() -> None:
    elements = (PAGES + PAGES_BEYOND) * PAGE_SIZE
    urns = [f"urn:li:lyndaCourse:{random.Random(number).randrange(10**12)}" for number in range(elements)]

    assert len(packed_reasons(dict.fromkeys(urns, "filtered"))) < LARGEST_ITEM_BYTES / 4
