"""Explanations of why a record exists or not, and of what would help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from coursebridge.clock import rfc3339
from coursebridge.errors import InvalidRequest, NotFound
from coursebridge.people import explaining
from coursebridge.people.erasure import Erasure
from coursebridge.people.explaining import Explanation, explain
from coursebridge.people.merging import Merging
from coursebridge.records.evidence import Completion, Evidence, Report
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from people_lab import COURSE, DURATION, PSEUDONYM_KEY, Lab, account, completion, progress


def told(lab: Lab, who: str = "email:ada@example.com", urn: str = COURSE) -> Explanation:
    integration = lab.table.get(keys.integration(lab.id))
    assert integration
    return explain(lab.table, integration, who, urn, lambda: PSEUDONYM_KEY)


def steps(explanation: Explanation) -> dict[str, tuple[bool, str]]:
    return {step.step: (step.ok, step.detail) for step in explanation.steps}


def helps(explanation: Explanation) -> list[str]:
    return [step.help for step in explanation.steps if step.help]


def test_a_completed_record_is_explained_from_receipt_to_attempt(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.take(progress(1, 30), completion(5), completion(6))

    explanation = told(lab)

    assert [step.ok for step in explanation.steps] == [True] * len(explanation.steps)
    assert [one["outcome"] for one in explanation.statements] == ["applied", "applied", "ignored"]
    assert explanation.statements[2]["explanation"].startswith("the course was completed before")
    assert "by statement" in steps(explanation)["attempt"][1]
    assert explanation.evidence["completions"][0]["attempt_id"] == explanation.attempts[0].id
    assert explanation.evidence["activity"] == [{"at": lab.at(1), "progress": 30, "source": "xapi"}]
    assert explanation.learner is not None
    assert explanation.learner.id == "ada"


def test_a_learner_may_be_named_by_id(lab: Lab) -> None:
    lab.learner(email="ada@example.com", username="ada.l")
    lab.take(progress(1))

    assert told(lab, "ada").attempts == told(lab, "username:ada.l").attempts


def test_one_who_was_merged_is_explained_by_the_survivor(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.learner(email="old@example.com", id="old")
    lab.take(completion(5, "old@example.com"), progress(3, email="old@example.com"))
    Merging(lab.table, lab.id).merge("ada", "old")

    explanation = told(lab, "old")

    assert explanation.learner is not None
    assert explanation.learner.id == "ada"
    assert {one["attempt_id"] for one in explanation.statements} == {explanation.attempts[0].id}


def test_an_unknown_person_is_to_be_added(lab: Lab) -> None:
    lab.take(completion(5))

    explanation = told(lab)

    assert steps(explanation)["learner"] == (False, "nobody has this identifier")
    assert steps(explanation)["outcome"] == (False, "1 held: nobody in the directory has this identifier")
    assert any("identities" in help_ for help_ in helps(explanation))
    assert steps(explanation)["attempt"][0] is False


def test_in_open_matching_the_first_statement_adds_the_person(lab: Lab) -> None:
    lab.configure(learner_matching="open")

    assert "the first applied statement adds the learner" in helps(told(lab))


@pytest.mark.parametrize("matching", ["open", "directory"])
def test_an_identifier_of_an_erased_person_is_told_as_such(lab: Lab, matching: str) -> None:
    lab.configure(learner_matching=matching)
    lab.learner(email="ada@example.com")
    lab.take(completion(5))
    Erasure(lab.table, lab.id, lambda: PSEUDONYM_KEY).erase("ada")
    lab.take(completion(6))

    explanation = told(lab)

    assert "belonged to a person who was erased" in steps(explanation)["learner"][1]
    assert "emptied and ignored" in steps(explanation)["learner"][1]
    assert "no longer kept" in steps(explanation)["statements"][1]
    assert [help_ for help_ in helps(explanation) if "learner" in help_] == [explaining.AGAIN]


def test_an_erased_identifier_that_is_somebodys_again_is_theirs(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    Erasure(lab.table, lab.id, lambda: PSEUDONYM_KEY).erase("ada")
    lab.learner(email="ada@example.com", id="again")

    assert steps(told(lab))["learner"] == (True, "the learner is known and active")


def test_an_address_needs_no_prefix(lab: Lab) -> None:
    lab.learner(email="ada@example.com")

    assert told(lab, "ADA@example.com").learner == told(lab, "ada").learner


def test_an_identifier_that_was_taken_away_is_to_be_assigned(lab: Lab) -> None:
    lab.configure(learner_matching="open")
    ada = lab.learner(email="ada@example.com")
    lab.table.put(lab.identity("email", "ada@example.com").left_by(ada.id, lab.at(1)).to_item())

    assert steps(told(lab))["learner"] == (False, "nobody has this identifier any more")
    assert any("identities" in help_ for help_ in helps(told(lab)))


def test_a_former_identifier_leads_to_whoever_replaced_it(lab: Lab) -> None:
    ada = lab.learner(email="ada@example.com")
    lab.table.put(lab.identity("email", "ada@example.com").left_by(ada.id, lab.at(1), replaced=True).to_item())
    lab.take(progress(5))

    assert steps(told(lab))["learner"][0] is True
    assert "former identifier" in steps(told(lab))["learner"][1]
    assert told(lab).attempts


def test_several_holders_are_to_be_merged(lab: Lab) -> None:
    lab.learner(email="ada@example.com", id="one")
    lab.learner(email="ada@example.com", id="two")

    assert steps(told(lab))["learner"] == (False, "2 learners have this identifier")


def test_an_inactive_learner_is_to_be_set_active(lab: Lab) -> None:
    lab.learner(email="ada@example.com", status="inactive")

    assert "set the learner's status to active" in helps(told(lab))


def test_a_course_that_is_not_there_is_to_be_synced(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.take(completion(5, urn="urn:li:lyndaCourse:9"))

    explanation = told(lab, urn="urn:li:lyndaCourse:9")

    assert steps(explanation)["course"][0] is False
    assert explanation.course is None


def test_a_course_that_nothing_waits_for_is_not_said_to_be_requested(lab: Lab) -> None:
    asked = helps(told(lab, urn="lyndaCourse:1"))

    assert any(text.startswith("check the URN, such as urn:li:lyndaCourse:252") for text in asked)
    assert not any("requests the course" in text for text in asked)


def test_an_archived_course_still_counts(lab: Lab) -> None:
    item = lab.table.get(keys.course(lab.id, COURSE))
    assert item
    lab.table.put({**item, "status": "archived", "archived_reason": "retired"})

    assert steps(told(lab))["course"] == (True, "the course is archived (retired); statements still count")


def test_a_learner_without_the_identifier_people_are_matched_by_is_told_so(lab: Lab) -> None:
    lab.configure(learner_identification="username")
    lab.learner(email="ada@example.com")

    assert "the learner has none" in steps(told(lab, "ada"))["identifier"][1]
    assert "what was asked for has none" in steps(told(lab))["identifier"][1]


def test_an_actor_of_another_kind_says_which_setting(lab: Lab) -> None:
    lab.learner(email="ada@example.com", username="ada.l")
    lab.take(completion(5, actor=account("ada.l")))

    assert any("User Type" in help_ for help_ in helps(told(lab, "ada")))


def test_nothing_that_arrived_is_said(lab: Lab) -> None:
    lab.learner(email="ada@example.com")

    assert steps(told(lab))["statements"][0] is False
    assert steps(told(lab))["attempt"] == (False, "there is no attempt, because there is no evidence of any activity")


def test_the_latest_arrival_is_said_and_not_that_of_what_happened_last(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.take(progress(9, 90))
    lab.now += timedelta(hours=1)
    lab.take(progress(1, 10))

    assert steps(told(lab))["statements"][1] == f"2 statements arrived, the last at {rfc3339(lab.now)}"


def test_a_statement_that_is_not_looked_at_yet_says_so(lab: Lab) -> None:
    lab.learner(email="ada@example.com")
    lab.send(completion(5))

    [statement] = told(lab).statements

    assert statement["explanation"] == "it was received and is about to be processed"


STORIES: dict[str, tuple[Evidence, str]] = {
    "launch": (Evidence(launches=frozenset({"2026-03-01T00:01:00.000Z"})), "by a launch and stands at 1 %"),
    "aicc": (Evidence(completions={"s": Completion("2026-03-01T00:01:00.000Z", "aicc")}), "over AICC"),
    "report": (
        Evidence(report=Report(completed_at="2026-03-01T00:01:00.000Z", seconds={"w": 60})),
        "an activity report",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_an_attempt_tells_where_it_comes_from(lab: Lab, name: str) -> None:
    evidence, story = STORIES[name]
    lab.learner(email="ada@example.com")
    RecordStore(lab.table, lab.id).add("ada", COURSE, "ada", evidence, DURATION, lab.at(9))

    explanation = told(lab)

    assert story in steps(explanation)["attempt"][1]
    assert (explanation.evidence["report"] is not None) == (name == "report")


def test_when_there_is_too_much_only_the_latest_is_looked_at(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "PAGE", 2)
    monkeypatch.setattr(explaining, "MOST_EXAMINED", 4)
    lab.learner(email="ada@example.com")
    lab.take(*(progress(n, n) for n in range(9)))

    explanation = told(lab)

    assert len(explanation.statements) == 4
    assert "among the latest" in steps(explanation)["statements"][1]


def test_statements_of_another_with_the_same_letters_are_left_out(lab: Lab) -> None:
    lab.configure(learner_identification="username", learner_matching="open")
    lab.take(progress(1, actor=account("ada")), progress(2, actor=account("ADA")))

    assert len(told(lab, "username:ada").statements) == 1


@pytest.mark.parametrize("who", ["shoe:42", "email:", "email:" + "x" * 600])
def test_what_is_no_identifier_is_refused(lab: Lab, who: str) -> None:
    with pytest.raises(InvalidRequest):
        told(lab, who)


@pytest.mark.parametrize("who", ["nobody", ""])
def test_nobody_of_this_id_is_not_found_and_how_to_name_people_is_told(lab: Lab, who: str) -> None:
    with pytest.raises(NotFound, match=r"email:.*username:.*external_id:"):
        told(lab, who)


def test_one_who_is_being_erased_is_not_found(lab: Lab) -> None:
    ada: Any = lab.learner(email="ada@example.com")
    lab.table.put(replace(ada, erasing_at=lab.at(1)).to_item())

    with pytest.raises(NotFound):
        told(lab, "ada")
