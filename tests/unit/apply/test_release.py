"""Held statements go round again once what they waited for exists, and the sweep finds what the stream lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.admin.statements import Statements
from coursebridge.apply import release as releasing
from coursebridge.apply import sweep as sweeping
from coursebridge.apply.release import (
    FEW,
    held,
    release,
    release_for_courses,
    release_for_identities,
    release_for_settings,
)
from coursebridge.apply.sweep import Sweep, Swept, integrations
from coursebridge.clock import rfc3339
from coursebridge.people import aliases
from coursebridge.records.identifiers import normalised
from coursebridge.storage import keys, statement_outcomes
from people_lab import PSEUDONYM_KEY, Lab, account, completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coursebridge.storage.table import Table

ADA = normalised("email", "ada@example.com")
LATE = "urn:li:lyndaCourse:9"
LONG = f"urn:li:lyndaCourse:{'9' * 500}"
LOST_AFTER = timedelta(minutes=15)
NOTHING = timedelta()


def swept(lab: Lab, later: timedelta = NOTHING, time_is_up: Callable[[], bool] = lambda: False) -> Swept:
    return Sweep(lab.table, lab.item(), lab.now + later, LOST_AFTER, time_is_up).run()


@pytest.fixture
def directory(lab: Lab) -> Lab:
    """The lab in `directory` matching."""
    lab.configure(learner_matching="directory")
    return lab


def test_a_learner_who_comes_releases_what_was_held(directory: Lab) -> None:
    [statement_id] = directory.send(completion(1))
    assert directory.apply() == {"held:learner_unknown": 1}

    directory.learner(email="ada@example.com")

    assert directory.released(ADA) == {"applied": 1}
    assert directory.outcome(statement_id) == ("applied", None)
    assert not directory.is_pending(statement_id)


def test_others_stay_held(directory: Lab) -> None:
    directory.take(completion(1), completion(1, "bob@example.com"))
    directory.learner(email="ada@example.com")

    assert directory.released(ADA) == {"applied": 1}


@pytest.mark.parametrize("others", [0, FEW + 1])
def test_many_identities_at_once_are_asked_for_together(directory: Lab, others: int) -> None:
    directory.take(completion(1), completion(1, "bob@example.com"))
    directory.learner(email="ada@example.com")
    strangers = [normalised("email", f"stranger{n}@example.com") for n in range(others)]
    calls = directory.calls()

    awaited = {one.awaited for one in (ADA, *strangers)}
    assert release_for_identities(calls.table, directory.id, awaited, directory.now) == 1
    assert calls.made.count("query") == 3


def test_an_identifier_that_is_the_beginning_of_another_releases_only_its_own(directory: Lab) -> None:
    directory.configure(learner_identification="username")
    directory.take(completion(1, actor=account("ada")), completion(2, actor=account("ada#x")))

    [found] = held(directory.table, directory.id, "learner_unknown", normalised("username", "ada").awaited)

    assert found["awaited"] == "username:ada"


def test_a_course_that_comes_releases_what_was_held(lab: Lab) -> None:
    [statement_id] = lab.send(completion(1, urn=LATE), completion(2, urn="urn:li:lyndaCourse:10"))[:1]
    lab.apply()
    lab.course(LATE)

    assert release_for_courses(lab.table, lab.id, {LATE}, lab.now) == 1
    assert lab.apply() == {"applied": 1}
    assert lab.outcome(statement_id) == ("applied", None)


def test_a_course_of_the_longest_name_releases_what_was_held(lab: Lab) -> None:
    lab.take(completion(1, urn=LONG))
    lab.course(LONG)

    assert swept(lab) == Swept(waited_for_course=1)
    lab.apply()
    assert release_for_courses(lab.table, lab.id, {LONG}, lab.now) == 0


@pytest.mark.parametrize("others", [0, FEW])
def test_courses_are_asked_for_one_by_one_or_in_one_bounded_look(
    lab: Lab, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "MOST_LOOKED_AT", 1)
    lab.take(completion(1, urn="urn:li:lyndaCourse:10"), completion(2, urn=LATE))
    urns = {LATE, *(f"urn:li:lyndaCourse:{number}" for number in range(20, 20 + others))}

    # For many courses, only the first statement is looked at, which waits for another one: the sweep finds the second.
    assert release_for_courses(lab.table, lab.id, urns, lab.now) == (0 if others else 1)


def test_one_change_releases_a_share_and_the_sweep_the_rest(directory: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releasing, "MOST_RELEASED", 2)
    directory.take(*(completion(number) for number in range(5)))
    directory.learner(email="ada@example.com")

    assert release_for_identities(directory.table, directory.id, {ADA.awaited}, directory.now) == 2
    assert swept(directory) == Swept(waited_for_learner=3)


def test_settings_that_match_people_otherwise_release_whoever_was_held_for_the_actor(directory: Lab) -> None:
    directory.take(completion(1), completion(2, actor=account("ada")), completion(3, urn=LATE, email="eve@example.com"))
    directory.configure(learner_matching="open")

    assert release_for_settings(directory.table, directory.id, directory.now) == 3
    assert directory.apply() == {"applied": 1, "held:actor_mismatch": 1, "held:course_unknown": 1}


def test_a_statement_sent_round_twice_goes_once(directory: Lab) -> None:
    [statement_id] = directory.send(completion(1))
    directory.apply()

    assert release(directory.table, directory.id, [statement_id], directory.now) == 1
    assert release(directory.table, directory.id, [statement_id], directory.now) == 0


def test_a_statement_that_does_not_exist_is_not_released(lab: Lab) -> None:
    assert release(lab.table, lab.id, ["nothing"], lab.now) == 0
    assert lab.table.get(keys.statement(lab.id, "nothing")) is None


@pytest.mark.parametrize("again", [True, False])
def test_a_statement_that_was_emptied_with_its_person_stays_so(lab: Lab, again: bool) -> None:
    [statement_id] = lab.send(completion(1))
    item = lab.statement(statement_id)
    lab.table.transact([statement_outcomes.empty(lab.table, item, lab.at(1))])

    assert release(lab.table, lab.id, [statement_id], lab.now, again=again) == 0
    assert lab.outcome(statement_id) == ("ignored", "erased")


def test_the_sweep_finds_every_integration(lab: Lab) -> None:
    Lab(lab.table, id="other")

    assert sorted(item["id"] for item in integrations(lab.table)) == ["acme", "other"]


def test_a_day_the_stream_lost_is_swept_up(lab: Lab) -> None:
    [statement_id] = lab.send(completion(1))

    assert swept(lab) == Swept()
    lab.now += timedelta(days=1)
    assert swept(lab) == Swept(unjudged=1)
    assert lab.apply() == {"applied": 1}
    assert lab.outcome(statement_id) == ("applied", None)


def test_a_statement_sent_round_waits_its_time_before_the_sweep_takes_it_again(lab: Lab) -> None:
    lab.send(completion(1))
    lab.now += timedelta(days=1)
    swept(lab)

    assert swept(lab, LOST_AFTER / 2) == Swept()
    assert swept(lab, LOST_AFTER * 2) == Swept(unjudged=1)


def test_a_course_whose_coming_was_missed_is_swept_up(lab: Lab) -> None:
    lab.take(completion(1, urn=LATE), completion(2, urn="urn:li:lyndaCourse:10"))
    lab.course(LATE)

    assert swept(lab) == Swept(waited_for_course=1)


def test_a_learner_whose_coming_was_missed_is_swept_up(directory: Lab) -> None:
    directory.take(completion(1), completion(1, "bob@example.com"))
    directory.learner(email="ada@example.com")

    assert swept(directory) == Swept(waited_for_learner=1)


def test_unknown_people_are_swept_up_once_matching_is_open(directory: Lab) -> None:
    directory.take(completion(1))
    directory.configure(learner_matching="open")

    assert swept(directory) == Swept(waited_for_learner=1)


def test_who_was_held_for_an_identifier_that_was_taken_away_waits_for_somebody_to_have_it(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    lab.table.put(lab.identity(*ADA).left_by(ada.id, lab.at(0)).to_item())
    assert lab.take(completion(1)) == {"held:learner_unknown": 1}
    assert swept(lab) == Swept()

    lab.table.put(lab.identity(*ADA).held_by(ada.id, lab.at(2)).to_item())

    assert swept(lab) == Swept(waited_for_learner=1)


def test_an_inactive_learner_is_waited_for_by_the_former_identifier_too(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com", status="inactive")
    lab.table.put(lab.identity(*ADA).left_by(ada.id, lab.at(0), replaced=True).to_item())
    assert lab.take(completion(1)) == {"held:learner_inactive": 1}

    assert swept(lab) == Swept()


def test_an_ambiguity_that_was_resolved_is_swept_up(lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="one")
    lab.learner(email="ada@example.com", id="two")
    lab.take(completion(1))
    assert swept(lab) == Swept()

    lab.table.put(lab.identity(*ADA).left_by("two", lab.at(2)).to_item())

    assert swept(lab) == Swept(waited_for_learner=1)


def test_an_activation_that_was_missed_is_swept_up(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com", status="inactive")
    lab.take(completion(1))
    assert swept(lab) == Swept()

    lab.table.put(replace(ada, status="active").to_item())

    assert swept(lab) == Swept(waited_for_learner=1)


def test_what_happened_in_an_inactive_learners_time_waits_for_them_though_another_has_the_address_now(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com", id="ada", status="inactive")
    lab.learner(id="bob", username="bob")
    passed_on = lab.identity(*ADA).left_by("ada", lab.at(2)).held_by("bob", lab.at(2))
    lab.table.put(passed_on.to_item())
    assert lab.take(completion(1)) == {"held:learner_inactive": 1}

    assert swept(lab) == Swept()

    lab.table.put(replace(ada, status="active").to_item())
    assert swept(lab) == Swept(waited_for_learner=1)
    assert lab.apply() == {"applied": 1}


def test_what_happened_while_an_address_was_two_peoples_stays_held(lab: Lab) -> None:
    for one in ("one", "two"):
        lab.learner(email="ada@example.com", id=one)
    lab.learner(id="bob", username="bob")
    identity = lab.identity(*ADA)
    for one in ("one", "two"):
        identity = identity.left_by(one, lab.at(2))
    lab.table.put(identity.held_by("bob", lab.at(2)).to_item())
    assert lab.take(completion(1)) == {"held:learner_ambiguous": 1}

    assert swept(lab) == Swept()


def test_actors_that_are_known_by_new_rules_are_swept_up(lab: Lab) -> None:
    lab.take(completion(1, actor=account("ada")), completion(2, actor={"openid": "https://ada.example.com"}))
    lab.configure(learner_identification="username", updated_at=rfc3339(lab.now))

    assert swept(lab) == Swept(waited_for_rules=1)
    assert lab.apply() == {"applied": 1}


def test_rules_that_changed_long_ago_are_not_asked_again(lab: Lab) -> None:
    lab.take(completion(1, actor=account("ada")))
    lab.configure(learner_identification="username")

    assert swept(lab) == Swept()


def test_a_sweep_without_time_leaves_the_rest_to_the_next(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releasing, "SHARE", 2)
    lab.take(completion(9, urn=LATE))
    lab.course(LATE)
    lab.send(*(completion(number) for number in range(5)))
    lab.now += timedelta(days=1)

    assert swept(lab, time_is_up=lambda: True) == Swept(unjudged=2)
    assert swept(lab) == Swept(unjudged=3, waited_for_course=1)


def test_what_is_held_for_somebody_goes_round_in_the_order_it_happened(directory: Lab) -> None:
    late, early = completion(9), completion(1)
    directory.take(late)
    directory.now += timedelta(minutes=1)
    directory.take(early)

    found = held(directory.table, directory.id, "learner_unknown", ADA.awaited)

    assert [one["statement_id"] for one in found] == [early["id"], late["id"]]


class TestWhatIsInARecord:
    """A statement in a learner's record is never released: by now, its identifier may mean somebody else."""

    @pytest.fixture
    def two(self, directory: Lab) -> tuple[str, str]:
        """The ids of the learner to whom an address was given by mistake, and of the one whose it is."""
        return directory.learner(email="wrong@example.com").id, directory.learner(email="right@example.com").id

    def give(self, lab: Lab, learner_id: str) -> None:
        at = lab.now + timedelta(minutes=5)
        aliases.assign(lab.table, lab.id, "email", ADA.value, learner_id, at, PSEUDONYM_KEY)

    def holders(self, lab: Lab, two: tuple[str, str], statement_id: str) -> list[str]:
        return [
            learner_id
            for learner_id in two
            for attempt in lab.record(learner_id).attempts
            if attempt.completion_statement_id == statement_id
        ]

    def test_replaying_it_after_its_address_was_reassigned_counts_it_for_nobody_else(
        self, directory: Lab, two: tuple[str, str]
    ) -> None:
        wrong, right = two
        self.give(directory, wrong)
        [statement_id] = directory.send(completion(1))
        directory.apply()
        self.give(directory, right)

        Statements(directory.table, "admin", lambda: PSEUDONYM_KEY).replay(directory.id, statement_id)
        directory.apply()

        assert self.holders(directory, two, statement_id) == [wrong]
        assert directory.outcome(statement_id) == ("applied", None)

    def test_a_sweep_that_read_it_while_it_was_held_leaves_it_alone(
        self, directory: Lab, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong, right = two
        [statement_id] = directory.send(completion(1))
        directory.apply()
        self.give(directory, wrong)

        def overtaken(table: Table, integration_id: str, found: Iterable[str], *rest: Any, **options: Any) -> int:
            listed = list(found)
            if statement_id in listed and not directory.record(wrong).attempts:
                assert directory.released(ADA) == {"applied": 1}
                self.give(directory, right)
            return release(table, integration_id, listed, *rest, **options)

        monkeypatch.setattr(sweeping, "release", overtaken)
        swept(directory, timedelta(minutes=6))
        directory.apply()

        assert self.holders(directory, two, statement_id) == [wrong]
