"""The outcomes of a run in nine bytes an asset."""

from hypothesis import given
from hypothesis import strategies as st

from coursebridge.catalog.diff import Outcome
from coursebridge.catalog.sync.outcomes import Tally, digests, packed

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
