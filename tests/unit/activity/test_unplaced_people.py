"""People who are no learners are kept in one place, for admins, for runs to read again, and for erasure."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity_lab import BUCKET, PSEUDONYM_KEY, upstream
from coursebridge.activity import finishing, planning
from coursebridge.admin.runs import Runs
from coursebridge.errors import Unavailable
from coursebridge.people.erasure import Erasure
from coursebridge.records.identifiers import Identifier, normalised
from coursebridge.storage import keys
from coursebridge.storage import unplaced_people as storing
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import Learner
from coursebridge.storage.unplaced_people import UnplacedPeople, UnplacedPeopleStore, UnplacedPerson, joined
from policies import refused, watched

if TYPE_CHECKING:
    from activity_lab import Lab

SINCE = "2026-01-01T08:00:00.000Z"
MARKS = (upstream(1).email, upstream(1).profile_urn, '"E1"', ":E1")


@pytest.fixture
def lab(real_lab: Lab) -> Lab:
    """A lab in ``directory`` matching, with two people in the reports who are no learners."""
    real_lab.changes(learner_matching="directory")
    real_lab.did(1, (1, 50))
    real_lab.did(2, (1, 50))
    return real_lab


def store(lab: Lab) -> UnplacedPeopleStore:
    return UnplacedPeopleStore(lab.table, "acme")


def erase(lab: Lab, learner_id: str) -> None:
    assert Erasure(lab.table, "acme", lambda: PSEUDONYM_KEY, lab.clock).erase(learner_id)


def shown(lab: Lab, run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Runs(lab.table, {}, "admin").get("acme", run_id)["unknown_learners"]
    return found


def traces(lab: Lab) -> list[str]:
    """Return the items and objects that still mention the first person."""
    pages = lab.table.client.get_paginator("scan").paginate(TableName=lab.table.name)
    texts = [json.dumps(_readable(item)) for page in pages for item in page["Items"]]
    for name in lab.objects():
        body = lab.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        texts.append(f"{name}: {_inflated(body)}")
    return [text for text in texts if any(mark in text for mark in MARKS)]


def _readable(item: dict[str, Any]) -> dict[str, str]:
    return {name: _inflated(value["B"]) if "B" in value else str(value) for name, value in item.items()}


def _inflated(body: bytes) -> str:
    try:
        return zlib.decompress(body).decode()
    except zlib.error:
        return body.decode(errors="replace")


def test_an_admin_sees_who_is_unknown_at_the_latest_run_with_all_they_are_called(lab: Lab) -> None:
    first = lab.sync()
    second = lab.sync()

    assert shown(lab, first["id"]) == []
    one, _two = shown(lab, second["id"])
    assert one["reason"] == "learner_unknown"
    assert one["identifiers"] == [
        {"type": "email", "value": upstream(1).email},
        {"type": "external_id", "value": "E1"},
        {"type": "profile_urn", "value": upstream(1).profile_urn},
    ]


def test_an_admin_sees_who_is_ambiguous_or_inactive_and_why(lab: Lab) -> None:
    lab.learner(1)
    lab.learner(3, email=upstream(1).email)
    lab.learner(2, status="inactive")

    told = shown(lab, lab.sync()["id"])

    assert [(one["identifiers"][0]["value"], one["reason"]) for one in told] == [
        (upstream(1).email, "learner_ambiguous"),
        (upstream(2).email, "learner_inactive"),
    ]


def test_a_reason_is_that_of_the_last_run_and_inactive_learners_come_last(lab: Lab) -> None:
    learner = lab.learner(1, status="inactive")
    first = [one["reason"] for one in shown(lab, lab.sync()["id"])]
    lab.holds("learner-2", "email", upstream(1).email)
    lab.table.put(replace(learner, status="active", version=2).to_item())

    second = [one["reason"] for one in shown(lab, lab.sync()["id"])]

    assert first == ["learner_unknown", "learner_inactive"]
    assert sorted(second) == ["learner_ambiguous", "learner_unknown"]


def test_nobody_is_kept_with_an_identifier_of_somebody_who_was_erased(lab: Lab) -> None:
    lab.learner(1)
    erase(lab, "learner-1")
    lab.clock.goes_on(days=1)
    lab.learner(3, status="inactive", profile_urn=upstream(1).profile_urn)

    lab.sync()

    assert [one for each in store(lab).get().people for one in each.identifiers if one.value == upstream(1).email] == []


def test_of_several_reasons_the_one_told_last_counts_and_inactive_learners_come_last() -> None:
    before = UnplacedPerson(frozenset({_urn(1)}), SINCE, "learner_ambiguous")
    after = UnplacedPerson(frozenset({_urn(1)}), "2026-02-01T08:00:00.000Z", "learner_inactive")
    later = UnplacedPerson(frozenset({_urn(2)}), "2026-03-01T08:00:00.000Z")

    assert joined([before, after, later]) == [later, replace(before, reason="learner_inactive")]


def test_people_an_earlier_version_kept_are_read(lab: Lab) -> None:
    told = [[SINCE, "email:a@example.com", "external_id:E1"]]
    item = {"run_id": "r", "forgotten_at": "", "version": 1, "people": zlib.compress(json.dumps(told).encode())}
    lab.table.put({**keys.unplaced_people("acme").item(), **item})

    identifiers = frozenset({normalised("email", "a@example.com"), normalised("external_id", "E1")})
    assert store(lab).get().people == (UnplacedPerson(identifiers, SINCE, "learner_unknown"),)


def test_whoever_is_erased_is_a_stranger_no_more(lab: Lab) -> None:
    run = lab.sync()
    lab.learner(1)
    assert traces(lab)

    erase(lab, "learner-1")

    assert traces(lab) == []
    assert [one["identifiers"][0]["value"] for one in shown(lab, run["id"])] == [upstream(2).email]


def test_whoever_is_erased_while_a_run_tells_of_them_does_not_come_back_with_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = finishing._waiting

    def erased_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(finishing, "_waiting", original)
        lab.learner(1)
        erase(lab, "learner-1")
        yield from original(*arguments)

    monkeypatch.setattr(finishing, "_waiting", erased_meanwhile)

    lab.sync()

    assert traces(lab) == []
    assert len(store(lab).get().people) == 1


def test_whoever_is_erased_just_when_a_run_writes_who_is_unknown_is_forgotten(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = UnplacedPeopleStore.get
    raced: list[int] = []

    def get(self: UnplacedPeopleStore) -> UnplacedPeople:
        before = original(self)
        if not raced:
            raced.append(1)
            lab.learner(1)
            erase(lab, "learner-1")
        return before

    monkeypatch.setattr(UnplacedPeopleStore, "get", get)

    run_id = lab.sync()["id"]

    assert raced
    assert traces(lab) == []
    assert len(shown(lab, run_id)) == 1


def test_what_a_failed_run_kept_for_its_redrive_goes_when_there_is_a_later_run(lab: Lab) -> None:
    failed = lab.sync()
    lab.context.runs.remember(last_status="failed")
    lab.context.staging(failed["id"]).put_json("people/000009", {"told": upstream(1).email})

    lab.sync()

    assert [name for name in lab.objects() if failed["id"] in name] == []


def test_whoever_reads_again_in_vain_is_kept_and_a_failed_run_drops_nobody(lab: Lab) -> None:
    lab.sync()
    before = store(lab).get().people
    store(lab).change(lambda now: replace(now, people=(*now.people, UnplacedPerson(frozenset({_urn(9)}), SINCE))))

    lab.sync()
    kept = {one for each in store(lab).get().people for one in each.identifiers}

    assert {one for each in before for one in each.identifiers} < kept
    assert _urn(9) in kept


def test_learning_may_forget_and_admin_may_see_them(lab: Lab) -> None:
    run = lab.sync()
    lab.learner(1)

    with watched(lab.table) as erasing:
        erase(lab, "learner-1")
    with watched(lab.table) as seeing:
        shown(lab, run["id"])

    assert ("PutItem", "", "STRANGERS#acme") in erasing
    assert refused("LearningFunction", erasing) == refused("AdminFunction", seeing) == []


def test_where_there_are_too_many_the_longest_known_are_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "MOST_BYTES", 2000)
    people = tuple(UnplacedPerson(frozenset({_urn(number)}), SINCE) for number in range(1000))

    store(lab).change(lambda before: replace(before, people=people))

    kept = store(lab).get().people
    assert 10 < len(kept) < 1000
    assert kept == people[: len(kept)]


def test_others_who_keep_writing_leave_the_call_to_be_repeated(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "tries", lambda: iter((None, None)))
    stranger = UnplacedPerson(frozenset({_urn(1)}), SINCE)

    def think(before: UnplacedPeople) -> UnplacedPeople:
        other = UnplacedPeopleStore(lab.table, "acme")
        monkeypatch.setattr(storing, "tries", lambda: iter((None,)))
        other.forget([_urn(2)], datetime.now(UTC).isoformat())
        return replace(before, people=(stranger,))

    with pytest.raises(Unavailable):
        store(lab).change(think)

    assert store(lab).get().people == ()


def _urn(number: int) -> Identifier:
    return normalised("profile_urn", f"u{number}")


strangers = st.builds(
    UnplacedPerson,
    st.frozensets(st.integers(1, 6).map(_urn), min_size=1, max_size=3),
    st.sampled_from([SINCE, "2026-02-01T08:00:00.000Z"]),
)


@given(st.lists(strangers, max_size=8), st.randoms(use_true_random=False))
def test_strangers_who_share_an_identifier_are_one_since_the_first_word_of_them(
    told: list[UnplacedPerson], shuffler: Any
) -> None:
    found = joined(told)
    shuffled = list(told)
    shuffler.shuffle(shuffled)

    assert joined(shuffled) == found == joined([*found, *told])
    everybody = [one for each in found for one in each.identifiers]
    assert len(everybody) == len(set(everybody))
    for one in told:
        (whole,) = (each for each in found if one.identifiers <= each.identifiers)
        assert whole.since <= one.since


def test_people_a_range_tells_of_again_and_again_stand_there_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coursebridge.activity.staging.MOST_SEEN", 1)
    for course in (2, 3):
        lab.did(1, (course, 30))
        lab.did(2, (course, 30))

    assert len(shown(lab, lab.sync()["id"])) == 2


def test_an_identifier_that_nobody_holds_any_more_makes_no_stranger_known(lab: Lab) -> None:
    lab.sync()
    email = normalised("email", upstream(1).email)
    held = IdentityItem("acme", email).held_by("former", SINCE)
    lab.table.put(Learner("acme", "former", SINCE).to_item())

    lab.table.put(held.left_by("former", SINCE).to_item())
    assert list(planning._known_since(lab.context)) == []

    lab.table.put(held.to_item())
    assert len(list(planning._known_since(lab.context))) == 1
