"""Two learners whom reports and statements name differently are joined once they are certainly one person."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity_lab import OTHER_COURSE, PSEUDONYM_KEY, upstream
from coursebridge.activity.matching import Someone, one_person
from coursebridge.people import merging
from coursebridge.people.merging import Merging
from coursebridge.records.identifiers import Identifier, digest, normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier, Learner
from policies import refused, watched

if TYPE_CHECKING:
    from activity_lab import Lab
    from coursebridge.activity.mapper import Person

URN, EMAIL, ID = upstream(1).profile_urn, upstream(1).email, upstream(1).unique_user_id
SINCE = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def lab(real_lab: Lab) -> Lab:
    """A lab in which one person is two learners: by email in statements, by LinkedIn's own identifier in reports."""
    real_lab.course(OTHER_COURSE)
    by_email = real_lab.learner(1)
    real_lab.table.put(replace(by_email, source="open").to_item())
    by_report = Learner("acme", "from-report", SINCE, identifiers=_dated(profile_urn=URN), source="report")
    real_lab.table.put(by_report.to_item())
    real_lab.holds("from-report", "profile_urn", URN)
    real_lab.knows("from-report", (real_lab.ago(40), 30))
    real_lab.knows("from-report", (real_lab.ago(40), 100), urn=OTHER_COURSE)
    return real_lab


def test_two_learners_whom_a_report_names_as_one_person_become_one(lab: Lab) -> None:
    lab.did(1, (1, 50))

    with watched(lab.table) as calls:
        run = lab.sync()

    assert any(action == "DeleteItem" for action, _, _ in calls)
    assert refused("ActivitySyncFunction", calls) == []
    both = [lab.found("email", EMAIL), lab.found("profile_urn", URN)]
    assert both[0] == both[1]
    assert run["people"] == {"known": 1, "linked": 1, "joined": 1}
    survivor = both[0]
    assert survivor is not None
    assert [one.progress for one in lab.attempts(survivor.id)] == [50]
    assert lab.attempts(survivor.id, OTHER_COURSE)[0].status == "completed"
    assert lab.sync()["people"] == {"known": 1, "linked": 0}


def test_what_was_joined_by_itself_is_in_the_audit_and_can_be_taken_back_for_good(lab: Lab) -> None:
    lab.did(1, (1, 50))
    lab.sync()
    (entry,) = lab.table.query_all("AUDIT#acme", index=keys.GSI1)
    (other,) = (change["to"] for change in entry["changes"] if change["field"] == "merged")

    Merging(lab.table, "acme", lab.clock).part(other)
    run = lab.sync()

    assert (entry["actor"], entry["action"]) == ("system", "learner.merged")
    assert run["people"]["ambiguous"] == 1
    assert "joined" not in run["people"]


@pytest.mark.parametrize("step", ["_move_identities", "_move_records", "_joined"])
def test_a_task_that_dies_while_joining_goes_on_with_it_when_it_is_repeated(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lab.did(1, (1, 50))

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merging.Merging, step, dies)
        with pytest.raises(KeyboardInterrupt):
            lab.sync()
    run_id = lab.context.runs.latest()
    assert run_id is not None
    lab.sync(run_id=run_id["id"])

    survivor = lab.found("profile_urn", URN)
    assert survivor == lab.found("email", EMAIL)
    assert survivor is not None
    assert (survivor.joining, len(survivor.merged)) == ((), 1)
    assert lab.attempts(survivor.id, OTHER_COURSE)[0].status == "completed"
    assert lab.attempts(survivor.merged[0]) == lab.attempts(survivor.merged[0], OTHER_COURSE) == ()


def test_two_learners_others_are_busy_with_are_left_to_the_next_run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def erased_meanwhile(self: Merging, survivor_id: str, other_id: str) -> Learner:
        for one in (survivor_id, other_id):
            learner = Learner.from_item(lab.table.get(keys.learner("acme", one)) or {})
            lab.table.put(replace(learner, erasing_at=SINCE, version=learner.version + 1).to_item())
        return original(self, survivor_id, other_id)

    original = Merging.merge
    monkeypatch.setattr(Merging, "merge", erased_meanwhile)
    lab.did(1, (1, 50))

    assert lab.sync()["people"]["ambiguous"] == 1


def test_whoever_reports_added_learns_their_address_from_a_later_report(lab: Lab) -> None:
    stranger = Learner("acme", "seven", SINCE, identifiers=_dated(profile_urn=upstream(7).profile_urn), source="report")
    lab.table.put(stranger.to_item())
    lab.holds("seven", "profile_urn", upstream(7).profile_urn)
    lab.did(7, (1, 50))

    lab.sync()

    for kind, value in (("email", upstream(7).email), ("external_id", upstream(7).unique_user_id)):
        found = lab.found(kind, value)  # type: ignore[arg-type]
        assert found is not None
        assert found.id == "seven"


def test_an_address_that_was_an_erased_persons_is_given_to_nobody(lab: Lab) -> None:
    stone = digest(normalised("email", upstream(7).email), PSEUDONYM_KEY)
    lab.table.put(keys.tombstone("acme", stone).item())
    stranger = Learner("acme", "seven", SINCE, identifiers=_dated(profile_urn=upstream(7).profile_urn), source="report")
    lab.table.put(stranger.to_item())
    lab.holds("seven", "profile_urn", upstream(7).profile_urn)
    lab.did(7, (1, 50))

    lab.sync()

    assert lab.found("email", upstream(7).email) is None


def test_what_linkedin_calls_somebody_the_directory_names_is_not_added_to_the_directory(lab: Lab) -> None:
    lab.learner(8)
    lab.did(8, (1, 50))

    lab.sync()

    assert lab.found("profile_urn", upstream(8).profile_urn) is not None
    assert lab.found("external_id", upstream(8).unique_user_id) is None


def test_an_admin_sees_how_many_are_known_by_linkedins_own_identifier_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(person: Person, _identification: str) -> list[Identifier]:
        return [normalised("profile_urn", person.profile_urn or "")]

    monkeypatch.setattr("coursebridge.activity.roster.identifiers_of", nameless)
    monkeypatch.setattr("coursebridge.activity.recording.identifiers_of", nameless)
    once = lab.learner(4, profile_urn=upstream(4).profile_urn)
    address = DatedIdentifier("email", upstream(4).email, SINCE, until=SINCE)
    lab.table.put(replace(once, identifiers=(*once.identifiers, address)).to_item())
    for number in (1, 2, 3, 4):
        lab.did(number, (1, 50))

    first = lab.sync()
    lab.clock.goes_on(hours=1)
    second = lab.sync()

    assert first["people"] == {"known": 2, "added": 2, "linked": 0, "profile_only": 4}
    assert second["people"] == {"known": 4, "linked": 0, "profile_only": 4}


def _dated(**identifiers: str) -> tuple[DatedIdentifier, ...]:
    return tuple(DatedIdentifier(kind, value, SINCE) for kind, value in identifiers.items())  # type: ignore[arg-type]


def _someone(**identifiers: str) -> Someone:
    return Someone({normalised(kind, value): None for kind, value in identifiers.items()})  # type: ignore[arg-type]


def _learner(name: str, source: str, **identifiers: str) -> Learner:
    return Learner("acme", name, SINCE, identifiers=_dated(**identifiers), source=source)


def _known(*learners: Learner) -> tuple[dict[Identifier, IdentityItem], dict[str, Learner]]:
    identities: dict[Identifier, IdentityItem] = {}
    for learner in learners:
        for dated in learner.identifiers:
            before = identities.get(dated.identifier) or IdentityItem("acme", dated.identifier)
            identities[dated.identifier] = before.held_by(learner.id, SINCE)
    return identities, {learner.id: learner for learner in learners}


def _joined(someone: Someone, *learners: Learner) -> tuple[str, str] | None:
    pair = one_person(someone, *_known(*learners))
    return (pair[0].id, pair[1].id) if pair else None


BOTH = {"profile_urn": "u1", "email": "a@example.com"}


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        ("open", "report", "a"),
        ("report", "open", "a"),
        ("directory", "report", "a"),
        ("report", "directory", "b"),
        ("open", "directory", "b"),
        ("api", "open", "a"),
    ],
)
def test_who_stays_is_whom_somebody_entered_or_else_the_older_one(first: str, second: str, stays: str) -> None:
    one = _learner("a", first, email="a@example.com")
    two = replace(_learner("b", second, profile_urn="u1"), created_at="2026-01-02T00:00:00.000Z")

    for order in permutations((one, two)):
        assert _joined(_someone(**BOTH), *order) == (stays, "b" if stays == "a" else "a")


A, B = _learner("a", "open", email="a@example.com"), _learner("b", "report", profile_urn="u1")


@pytest.mark.parametrize(
    ("told", "learners"),
    [
        pytest.param(BOTH, (replace(A, source="directory"), replace(B, source="directory")), id="both were entered"),
        pytest.param(BOTH, (replace(A, kept_apart=("b",)), B), id="somebody parted them"),
        pytest.param(BOTH, (A, replace(B, kept_apart=("a",))), id="somebody parted them, told by the other"),
        pytest.param(BOTH, (replace(A, status="inactive"), B), id="one is inactive"),
        pytest.param(BOTH, (replace(A, erasing_at=SINCE), B), id="one is being erased"),
        pytest.param(BOTH, (A, replace(B, merged_into="c")), id="one is a third's"),
        pytest.param(BOTH, (A, replace(B, parting_from="c")), id="one is being parted"),
        pytest.param(BOTH, (_learner("a", "open", email="a@example.com", profile_urn="u0"), B), id="two accounts"),
        pytest.param(BOTH, (A, _learner("b", "report", profile_urn="u1", email="b@example.com")), id="two addresses"),
        pytest.param(
            {**BOTH, "external_id": "E2"},
            (_learner("a", "open", email="a@example.com", external_id="E1"), B),
            id="the address went to another id",
        ),
        pytest.param(BOTH, (A, replace(A, id="c"), B), id="an address of two"),
        pytest.param(
            {**BOTH, "external_id": "E1"}, (A, B, _learner("c", "open", external_id="E1")), id="three learners"
        ),
        pytest.param(BOTH, (A,), id="one learner"),
        pytest.param(BOTH, (), id="nobody"),
    ],
)
def test_two_learners_are_left_alone_whenever_it_is_not_certain(
    told: dict[str, str], learners: tuple[Learner, ...]
) -> None:
    assert _joined(_someone(**told), *learners) is None


def test_a_row_of_two_accounts_joins_nobody() -> None:
    someone = Someone({**_someone(**BOTH).identifiers, normalised("profile_urn", "u2"): None})

    assert _joined(someone, A, B) is None


def test_a_merge_that_was_broken_off_is_gone_on_with() -> None:
    assert _joined(_someone(**BOTH), replace(A, source="directory"), replace(B, merged_into="a")) == ("a", "b")


named = st.fixed_dictionaries(
    {},
    optional={
        "profile_urn": st.sampled_from(["u1", "u2"]),
        "email": st.sampled_from(["a@example.com", "b@example.com"]),
        "external_id": st.sampled_from(["E1", "E2"]),
    },
).filter(bool)


@given(named, named, named, st.sampled_from(["open", "report", "directory"]))
def test_whoever_is_joined_shares_an_identifier_each_and_contradicts_in_none(
    told: dict[str, str], first: dict[str, str], second: dict[str, str], source: str
) -> None:
    one, two = _learner("a", source, **first), _learner("b", "report", **second)

    if _joined(_someone(**told), one, two):
        for kind in {*told, *first, *second}:
            values = {each[kind] for each in (told, first, second) if kind in each}
            assert len(values) == 1
        assert told.items() & first.items()
        assert told.items() & second.items()
