"""What a run does with one asset, for every stored state and everything that can be read."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coursebridge.catalog.diff import Decision, Outcome, Read, StoredAsset, decide
from coursebridge.storage.courses import Labels

HASHES = st.sampled_from(["old", "new"])
LABELS = st.sampled_from([Labels(), Labels(tags_enabled=True)])
known_courses = st.builds(
    StoredAsset,
    status=st.just("active"),
    reason=st.none(),
    hash=HASHES,
    labels=LABELS,
    run_id=st.sampled_from(["before", "now"]),
    action=st.sampled_from(["created", "updated", "restored", "archived", "relabelled"]),
) | st.builds(
    StoredAsset,
    status=st.just("archived"),
    reason=st.sampled_from(["retired", "filtered", "missing", "deactivated"]),
    hash=HASHES,
    labels=LABELS,
    run_id=st.sampled_from(["before", "now"]),
    action=st.sampled_from(["created", "updated", "restored", "archived", "relabelled"]),
)
reads = st.builds(Read, retired=st.booleans(), matches=st.booleans(), hash=HASHES, labels=LABELS, run_id=st.just("now"))


def after(known: StoredAsset | None, read: Read, decision: Decision) -> StoredAsset | None:
    """Return what is stored once a decision was carried out, archiving included."""
    if decision.writes:
        known = StoredAsset(
            decision.status, decision.reason, read.hash, read.labels, read.run_id, decision.outcome.count
        )
    if decision.archive and known:
        return StoredAsset("archived", decision.archive, known.hash, known.labels, read.run_id, "archived")
    return known


@given(reads)
def test_what_was_never_here_is_created_or_ignored(read: Read) -> None:
    decision = decide(None, read)

    wanted = read.matches and not read.retired
    assert decision.outcome is (Outcome.CREATED if wanted else Outcome.IGNORED)
    assert decision.writes is wanted


@given(reads)
def test_what_is_needed_is_kept_even_if_it_is_not_wanted(read: Read) -> None:
    decision = decide(None, replace(read, needed=True))

    assert (decision.outcome, decision.writes, decision.reason) == (Outcome.CREATED, True, read.objection)
    assert decision.status == ("archived" if read.objection else "active")


@given(known_courses, reads)
def test_a_course_ends_active_exactly_if_it_is_wanted(known: StoredAsset, read: Read) -> None:
    end = after(known, read, decide(known, read))

    assert end is not None
    assert (end.status == "active") is (read.objection is None)
    assert end.reason == read.objection


@given(known_courses, reads)
def test_what_is_kept_is_what_was_read_last(known: StoredAsset, read: Read) -> None:
    end = after(known, read, decide(known, read))

    assert end is not None
    assert (end.hash, end.labels) == (read.hash, read.labels)


@given(known_courses, reads)
def test_unchanged_costs_no_write(known: StoredAsset, read: Read) -> None:
    decision = decide(known, read)

    if decision.outcome is Outcome.UNCHANGED:
        assert not decision.writes
        assert decision.archive is None


@given(known_courses, reads)
def test_a_write_is_made_only_where_something_changes(known: StoredAsset, read: Read) -> None:
    decision = decide(known, read)

    same = (known.hash, known.labels, known.status, known.reason) == (
        read.hash,
        read.labels,
        decision.status,
        decision.reason,
    )
    assert decision.writes is not same


@given(st.none() | known_courses, reads)
def test_reading_an_asset_again_in_the_same_run_comes_out_the_same_and_writes_nothing(
    known: StoredAsset | None, read: Read
) -> None:
    first = decide(known, read)
    again = decide(after(known, read, first), read)

    assert not again.writes
    assert again.outcome is first.outcome


@given(known_courses, reads)
def test_a_later_run_that_reads_the_same_finds_it_unchanged(known: StoredAsset, read: Read) -> None:
    end = after(known, read, decide(known, read))
    later = Read(read.retired, read.matches, read.hash, read.labels, "later")

    assert decide(end, later).outcome is Outcome.UNCHANGED


@given(known_courses, reads)
def test_an_active_course_is_archived_at_the_end_of_a_run_and_not_before(known: StoredAsset, read: Read) -> None:
    decision = decide(known, read)

    if known.status == "active":
        assert decision.status == "active"
        assert (decision.outcome is Outcome.ARCHIVED) is (decision.archive is not None) is (read.objection is not None)
