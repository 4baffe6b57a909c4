"""People in reports are matched by any identifier, never guessed, and added or listed as the settings say."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity_lab import COURSE, OTHER_COURSE, PSEUDONYM_KEY, upstream
from coursebridge.activity import linking, recording
from coursebridge.activity.mapper import Person
from coursebridge.activity.matching import Match, Someone, identifiers_of
from coursebridge.activity.roster import Roster
from coursebridge.activity.tasks import TASKS
from coursebridge.clock import rfc3339
from coursebridge.errors import Unavailable
from coursebridge.records.identifiers import Kind, digest, normalised
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import DatedIdentifier
from coursebridge.storage.table import TransactionRefused
from memory_table import MemoryTable
from state_machine import StateMachine

if TYPE_CHECKING:
    from activity_lab import Lab, MakeLab


@pytest.mark.parametrize(
    ("kind", "value"),
    [("email", "LEARNER1@example.com"), ("external_id", "E1"), ("profile_urn", upstream(1).profile_urn)],
)
def test_any_identifier_finds_the_learner(lab: Lab, kind: Kind, value: str) -> None:
    lab.learner(1, **{kind: value})
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.attempts("learner-1")[0].progress == 50
    assert run["people"]["known"] == 1
    assert "added" not in run["people"]


def test_the_id_given_to_linkedin_is_a_user_name_where_learners_have_one(lab: Lab) -> None:
    lab.changes(learner_identification="username", learner_matching="directory")
    lab.learner(1, username="E1")
    lab.did(1, (1, 50))

    lab.sync()

    assert lab.attempts("learner-1")[0].progress == 50


def test_linkedins_own_identifier_and_groups_are_remembered(lab: Lab) -> None:
    lab.learner(1)
    lab.did(1, (1, 50))

    first, second = lab.sync(), lab.sync()

    learner = lab.found("profile_urn", upstream(1).profile_urn)
    assert learner is not None
    assert (learner.id, learner.enterprise_groups, learner.unique_user_id) == ("learner-1", ("OFFICIAL",), "E1")
    assert (first["people"]["linked"], second["people"]["linked"]) == (1, 0)


@pytest.mark.parametrize(("name", "kept"), [(None, "Learner 1"), ("Ada", "Ada")])
def test_the_directory_is_right_about_names(lab: Lab, name: str | None, kept: str) -> None:
    lab.learner(1, name=name)
    lab.did(1, (1, 50))

    lab.sync()

    learner = lab.found("email", upstream(1).email)
    assert learner is not None
    assert learner.name == kept


def test_a_person_with_two_ids_has_none_of_them() -> None:
    ids = dict.fromkeys(normalised("external_id", value) for value in ("E1", "E2"))

    assert Someone(ids).unique_user_id is None


@pytest.mark.parametrize("real", [False, True])
def test_two_people_in_the_reports_can_lead_to_one_learner(make_lab: MakeLab, *, real: bool) -> None:
    lab = make_lab(real=real)
    lab.course()
    lab.learner(1, email=upstream(1).email, external_id="E2")
    lab.did(1, (2, 50))
    lab.did(2, (1, 80))

    first, second = lab.sync(), lab.sync()

    learner = lab.found("email", upstream(1).email)
    assert learner is not None
    held = {one.value for one in learner.identifiers if one.type == "profile_urn"}
    assert held == {upstream(1).profile_urn, upstream(2).profile_urn}
    given = {one.profile_urn: one.unique_user_id for one in (upstream(1), upstream(2))}
    assert learner.unique_user_id == given[learner.current("profile_urn") or ""]
    assert [attempt.progress for attempt in lab.attempts("learner-1")] == [80]
    assert (first["status"], first["people"]["linked"], second["people"]["linked"]) == ("succeeded", 2, 0)
    assert (second["status"], second["counts"]["unchanged"]) == ("succeeded", second["counts"]["read"])


def test_unknown_people_are_added_with_all_they_are_called(lab: Lab) -> None:
    lab.did(1, (1, 50))

    run = lab.sync()

    learner = lab.found("email", "learner1@example.com")
    assert learner is not None
    assert {one.type: one.value for one in learner.identifiers} == {
        "email": "learner1@example.com",
        "external_id": "E1",
        "profile_urn": upstream(1).profile_urn,
    }
    assert (learner.source, learner.name, learner.enterprise_groups) == ("report", "Learner 1", ("OFFICIAL",))
    assert learner.unique_user_id == "E1"
    assert run["people"]["added"] == 1
    assert lab.attempts(learner.id)[0].source == "report"


def test_unknown_people_are_listed_where_the_directory_rules(lab: Lab) -> None:
    lab.changes(learner_matching="directory")
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.found("email", "learner1@example.com") is None
    assert run["people"]["unknown"] == 1
    assert run["not_repaired"]["learner_unknown"] == run["counts"]["ignored"] == 1


def test_identifiers_that_lead_to_different_learners_are_not_guessed_at(lab: Lab) -> None:
    lab.learner(1, email="learner1@example.com")
    lab.learner(2, external_id="E1")
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.attempts("learner-1") == lab.attempts("learner-2") == ()
    assert run["not_repaired"]["learner_ambiguous"] == 1


def left(lab: Lab, number: int, *, replaced: bool = False, **present: str) -> None:
    """End a learner's hold on the email that LinkedIn knows, and give them the identifiers in ``present``."""
    learner = lab.learner(number)
    [mine] = learner.identifiers
    now = rfc3339(lab.clock())
    item = lab.table.get(keys.identity("acme", *mine.identifier))
    assert item
    lab.table.put(IdentityItem.from_item(item).left_by(learner.id, now, replaced=replaced).to_item())
    kinds: dict[Any, str] = dict(present)
    news = [DatedIdentifier(kind, value, now) for kind, value in kinds.items()]
    lab.table.put(replace(learner, identifiers=(replace(mine, until=now), *news)).to_item())
    for one in news:
        lab.holds(learner.id, one.type, one.value)


def test_an_address_that_the_learner_replaced_still_finds_them(lab: Lab) -> None:
    left(lab, 1, replaced=True, email="new@example.com")
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.attempts("learner-1")[0].progress == 50
    assert (run["people"]["known"], run["people"]["linked"]) == (1, 1)
    assert lab.sync()["people"]["linked"] == 0


def test_an_address_that_was_replaced_does_not_find_its_learner_for_another_person(lab: Lab) -> None:
    left(lab, 1, replaced=True, email="new@example.com", external_id="E7")
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.attempts("learner-1") == ()
    assert (run["people"]["unknown"], lab.found("external_id", "E1")) == (1, None)


def test_an_address_that_another_holds_counts_for_them_and_not_for_who_replaced_another(lab: Lab) -> None:
    left(lab, 1, replaced=True, email="new@example.com")
    lab.learner(2, external_id="E1")
    lab.did(1, (1, 50))

    lab.sync()

    assert (lab.attempts("learner-1"), lab.attempts("learner-2")[0].progress) == ((), 50)


def test_an_address_that_was_taken_away_makes_nobody_new_and_is_not_given_back(lab: Lab) -> None:
    left(lab, 1)
    lab.did(1, (1, 50))
    assert lab.sync()["people"]["unknown"] == 1

    lab.holds("learner-1", "profile_urn", upstream(1).profile_urn)
    item = lab.table.get(keys.learner("acme", "learner-1"))
    assert item
    lab.table.put({**item, "source": "report"})
    lab.sync()

    assert lab.attempts("learner-1")[0].progress == 50
    assert lab.found("email", upstream(1).email) is None


def test_an_identifier_two_learners_hold_is_not_guessed_at(lab: Lab) -> None:
    lab.learner(1)
    lab.learner(2)
    lab.holds("learner-2", "email", "learner1@example.com")
    lab.did(1, (1, 50))

    assert lab.sync()["people"]["ambiguous"] == 1


def test_inactive_learners_are_left_alone(lab: Lab) -> None:
    lab.learner(1, status="inactive")
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.attempts("learner-1") == ()
    assert run["not_repaired"]["learner_inactive"] == 1


def test_an_erased_person_does_not_come_back(lab: Lab) -> None:
    stone = digest(normalised("email", "learner1@example.com"), PSEUDONYM_KEY)
    lab.table.put(keys.tombstone("acme", stone).item())
    lab.did(1, (1, 50))

    run = lab.sync()

    assert lab.found("email", "learner1@example.com") is None
    assert lab.found("profile_urn", upstream(1).profile_urn) is None
    assert (run["people"]["erased"], run["not_repaired"]["learner_erased"]) == (1, 1)


def test_who_was_erased_and_is_entered_again_is_known_by_linkedins_own_identifier(lab: Lab) -> None:
    stone = digest(normalised("profile_urn", upstream(1).profile_urn), PSEUDONYM_KEY)
    lab.table.put(keys.tombstone("acme", stone).item())
    entered = lab.learner(1)
    lab.did(1, (1, 50))

    lab.sync()

    found = lab.found("profile_urn", upstream(1).profile_urn)
    assert found is not None
    assert found.id == entered.id


def test_somebody_whose_rows_name_them_differently_is_one_learner(make_lab: MakeLab) -> None:
    lab = make_lab(quirks={"report_missing_email": {"share": 0.5}})
    for urn in (COURSE, OTHER_COURSE):
        lab.course(urn)
    for number in range(12):
        lab.learner(number)
        lab.did(number, (20, 30), (1, 50))
        lab.did(number, (1, 100), urn=OTHER_COURSE)

    lab.sync()

    # Only people without an email in any row are new.
    everybody = list(lab.table.query_all("LEARNERS#acme", index=keys.GSI1))
    added = [one for one in everybody if one["source"] == "report"]
    assert all("email" not in {each["type"] for each in one["identifiers"]} for one in added)
    assert len(added) < 6


def test_hundreds_of_people_are_added_in_one_go(lab: Lab) -> None:
    for number in range(130):
        lab.did(number, (1, 50))

    run = lab.sync()

    assert run["people"]["added"] == run["counts"]["created"] == 130
    lab.clock.goes_on(hours=1)
    assert lab.sync()["people"] == {"known": 130, "linked": 0}


@pytest.mark.parametrize("linked", [1, 0])
def test_somebody_others_add_at_the_same_time_is_added_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, linked: int
) -> None:
    original = MemoryTable.transact
    raced: list[int] = []

    def race(self: MemoryTable, actions: Any) -> None:
        if not raced and "source" in str(actions):
            raced.append(1)
            learner = lab.learner(1)
            if not linked:
                lab.holds("learner-1", "profile_urn", upstream(1).profile_urn)
                lab.table.put(replace(learner, enterprise_groups=("OFFICIAL",)).to_item())
        original(self, actions)

    monkeypatch.setattr(MemoryTable, "transact", race)
    lab.did(1, (1, 50))

    run = lab.sync()

    assert raced
    assert run["people"] == {"known": 1, "linked": linked}
    assert lab.attempts("learner-1")[0].progress == 50


@pytest.mark.parametrize("entity", ["learner", "record"])
def test_a_busy_table_has_the_task_repeated(lab: Lab, monkeypatch: pytest.MonkeyPatch, entity: str) -> None:
    original, refusals = MemoryTable.transact, list[str]()
    lab.did(1, (1, 50))

    def busy(self: MemoryTable, actions: Any) -> None:
        if not refusals and any(action.item.get("entity") == entity for action in actions):
            refusals.append("busy")
            raise Unavailable("busy")
        original(self, actions)

    monkeypatch.setattr(MemoryTable, "transact", busy)

    run = lab.sync()

    assert refusals
    assert (run["status"], run["people"]["added"], run["counts"]["created"]) == ("succeeded", 1, 1)


@pytest.mark.parametrize("entity", ["learner", "record"])
@pytest.mark.parametrize("reason", ["TransactionConflict", "busy"])
def test_a_table_that_stays_busy_fails_the_run_which_can_be_redriven(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, entity: str, reason: str
) -> None:
    """The first refusal is a conflict, after which each learner or record is written alone and meets ``reason``."""
    original = MemoryTable.transact
    lab.did(1, (1, 50))
    refusals: list[str] = []

    def busy(self: MemoryTable, actions: Any) -> None:
        if any(action.item.get("entity") == entity for action in actions):
            refusals.append(reason if refusals else "TransactionConflict")
            raise Unavailable("busy") if refusals[-1] == "busy" else TransactionRefused([refusals[-1]], [{}])
        original(self, actions)

    with monkeypatch.context() as patch:
        patch.setattr(MemoryTable, "transact", busy)
        for module in (linking, recording):
            patch.setattr(module, "pauses", lambda: iter((0.0, 0.0)))
        failed = lab.sync()

    assert failed["status"] == "failed"
    # Each of five attempts waits for other writers as long as there are pauses, but never for a throttled table.
    assert len(refusals) == {"TransactionConflict": 5 * 3, "busy": 1 + 5}[reason]

    run = lab.sync(run_id=lab.control.redrive(failed["id"])["id"])

    assert (run["status"], run["people"]["added"], run["counts"]["created"]) == ("succeeded", 1, 1)


@pytest.mark.parametrize("entity", ["learner", "record"])
def test_other_writers_who_come_to_an_end_are_waited_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    original = MemoryTable.transact
    lab.did(1, (1, 50))
    refusals: list[str] = []

    def busy(self: MemoryTable, actions: Any) -> None:
        if len(refusals) < 3 and any(action.item.get("entity") == entity for action in actions):
            refusals.append("TransactionConflict")
            raise TransactionRefused([refusals[-1]], [{}])
        original(self, actions)

    monkeypatch.setattr(MemoryTable, "transact", busy)
    for module in (linking, recording):
        monkeypatch.setattr(module, "pauses", lambda: iter((0.0,) * 5))

    run = lab.sync()

    assert len(refusals) == 3
    assert run["people"]["added"] == run["counts"]["created"] == 1


people = st.builds(
    Person,
    st.sampled_from([None, "u1", "u2", "u3"]),
    st.sampled_from([None, "a@example.com", "A@Example.com", "b@example.com", "c@example.com"]),
    st.sampled_from([None, "E1", "E2", "E3"]),
).filter(lambda person: person.is_identified)


@given(st.lists(people, max_size=8), st.randoms())
def test_who_shares_an_identifier_is_one_whatever_the_order(told: list[Person], shuffler: st.Random) -> None:  # type: ignore[name-defined]
    def identities(order: list[Person]) -> set[frozenset[object]]:
        with Roster.opened() as roster:
            for person in order:
                roster.tell(person, "email")
            return {frozenset(one.identifiers) for one in roster.people()}

    shuffled = list(told)
    shuffler.shuffle(shuffled)
    found = identities(told)

    assert found == identities(shuffled)
    assert sum(map(len, found)) == len({one for person in told for one in identifiers_of(person, "email")})
    for person in told:
        mine = set(identifiers_of(person, "email"))
        assert any(mine <= one for one in found)


def test_a_roster_tells_the_first_name_and_all_groups_and_finds_everybody_again_when_it_was_saved() -> None:
    told = [
        Person("u1", None, None, None, ("B",)),
        Person(None, "a@example.com", None, "Ada", ("A", "B")),
        Person("u1", "a@example.com", "E1", "Somebody else", ()),
        Person("u2", None, None, "Bob"),
    ]
    with Roster.opened() as roster:
        for person in told:
            roster.tell(person, "email")
        ada, bob = list(roster.people())
        roster.found(ada.number, Match("learner", "l1", "o1"))
        roster.found(bob.number, Match("unknown"))
        with roster.saved() as file:
            saved = [file.read()]

    assert (ada.name, ada.groups, bob.name) == ("Ada", ("A", "B"), "Bob")
    with Roster.opened(saved) as again:
        for one in ada.identifiers:
            assert again.who(one) == (ada.number, Match("learner", "l1", "o1"))
        assert again.who(normalised("profile_urn", "u2")) == (bob.number, Match("unknown"))


def test_finding_people_takes_no_more_memory_for_more_of_them() -> None:
    def peak(number: int) -> int:
        rules = linking.Rules("directory", "2026-01-01T00:00:00.000Z")
        table: Any = MemoryTable()
        linker = linking.Linker(table, "acme", rules, lambda: PSEUDONYM_KEY, datetime(2026, 1, 1, tzinfo=UTC))
        tracemalloc.start()
        try:
            with Roster.opened() as roster:
                for one in range(number):
                    roster.tell(Person(f"u{one}", f"{one}@example.com", f"E{one}", f"Learner {one}"), "email")
                assert linker.find(roster)["unknown"] == number
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(500)

    assert peak(4000) < 1.3 * peak(500)


class CountingMachine(StateMachine):
    """A state machine that counts the AWS calls of each task, and how often the task reads the settings."""

    def __init__(self, lab: Lab) -> None:
        self.asked: Counter[str] = Counter()
        super().__init__(TASKS, replace(lab.context, integration=self._settings(lab)))
        for client in (lab.table.client, lab.s3):
            client.meta.events.register_first("before-call.*", self._note)

    def _note(self, model: Any, **_: Any) -> None:
        self.asked[model.name] += 1

    def _settings(self, lab: Lab) -> Any:
        def read() -> Any:
            self.asked["settings"] += 1
            return lab.settings

        return read

    def task(self, name: str, arguments: dict[str, Any]) -> Any:
        self.asked.clear()
        result = super().task(name, arguments)
        if name == "range":
            self.last = +self.asked  # the last range task of a run is the one that records
        return result


@pytest.mark.parametrize("lookback_days", [14, 365])
def test_who_records_reads_no_settings_and_asks_as_often_however_many_windows_there_are(
    real_lab: Lab, lookback_days: int
) -> None:
    real_lab.changes(activity={"lookback_days": lookback_days}, learner_matching="directory")
    real_lab.learner(1)
    real_lab.did(1, (1, 50))
    real_lab.did(2, (1, 50))
    machine = CountingMachine(real_lab)

    machine.run({"integration_id": "acme", "mode": "full", "trigger": "test"})
    assert machine.last == {
        "GetItem": 1,  # the range
        "Query": 1,  # the other ranges
        "GetObject": 2,  # the roster of people, the rows
        "BatchGetItem": 2,  # the courses, the records and learners
        "TransactWriteItems": 1,
        "PutObject": 1,  # the people who are no learners
        "PutItem": 2,  # the lock, the range
        "UpdateItem": 1,  # the run's counters
    }
