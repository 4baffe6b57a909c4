"""The statements that tell what learners do."""

import re
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.activity import ActivityBook
from sandbox.catalogue import layout
from sandbox.catalogue.layout import Kind
from sandbox.catalogue.store import Catalogue
from sandbox.settings import Settings
from sandbox.statements.plan import Plan, statements
from sandbox.statements.shape import PROGRESS_EXTENSION, duration
from sandbox.statements.variants import VARIANTS

Json = dict[str, Any]
UNTIL = 1_750_000_000_000
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
PROGRESSED = "http://adlnet.gov/expapi/verbs/progressed"
CATALOGUE = Catalogue(Settings(size=60, locales=("en_US", "de_DE")))


def plan(**changes: Any) -> Plan:
    return Plan(**({"until": UNTIL} | changes))


def told(**changes: Any) -> list[Json]:
    return statements(plan(**changes), CATALOGUE, ActivityBook())


def progress(statement: Json) -> Any:
    return statement["result"]["extensions"][PROGRESS_EXTENSION]


def test_progress_is_told_in_the_recorded_shape() -> None:
    statement = next(one for one in told() if one["verb"]["id"] == PROGRESSED)
    assert UUID(statement["id"]).version == 4
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", statement["timestamp"])
    assert re.fullmatch(r"\d{1,2}", progress(statement))
    assert statement == {
        "actor": {"mbox": statement["actor"]["mbox"], "objectType": "Agent"},
        "result": {"completion": False, "extensions": {PROGRESS_EXTENSION: progress(statement)}},
        "verb": {"display": {"en-US": "PROGRESSED"}, "id": PROGRESSED},
        "id": statement["id"],
        "object": {
            "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
            "id": statement["object"]["id"],
            "objectType": "Activity",
        },
        "timestamp": statement["timestamp"],
    }


def test_completion_is_told_in_the_recorded_shape() -> None:
    statement = next(one for one in told() if one["verb"]["id"] == COMPLETED)
    assert statement["verb"]["display"] == {"en-US": "COMPLETED"}
    assert statement["result"]["completion"] is True
    assert progress(statement) == "100"
    assert re.fullmatch(r"PT(\d+H)?(\d+M)?(\d+S)?", statement["result"]["duration"])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "PT0S"), (270, "PT4M30S"), (3600, "PT1H"), (18790, "PT5H13M10S"), (59, "PT59S")]
)
def test_lengths_are_written_in_iso_8601(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@settings(max_examples=30)
@given(
    learners=st.integers(0, 8),
    per_learner=st.integers(0, 4),
    completed=st.floats(0, 1),
    seed=st.integers(0, 99),
    days=st.floats(0, 30),
)
def test_statements_in_order_tell_the_truth(**plans: Any) -> None:
    book = ActivityBook()
    sent = statements(plan(**plans), CATALOGUE, book)
    assert [one["timestamp"] for one in sent] == sorted(one["timestamp"] for one in sent)
    assert len({one["id"] for one in sent}) == len(sent)
    for activity in book:
        mine = [one for one in sent if one["id"] in activity.pushed]
        percents = [int(progress(one)) for one in mine]
        assert percents == sorted(percents)
        assert max(percents) == activity.to_json()["progress"]
        finished = [one["verb"]["id"] == COMPLETED for one in mine]
        assert finished.count(True) == (activity.completed_at is not None)
        assert True not in finished[:-1]
        assert all(engagement.at <= UNTIL for engagement in activity.engagements)


def test_a_plan_with_its_end_given_is_repeatable() -> None:
    assert told(seed=5, variants=["unknown_verb"]) == told(seed=5, variants=["unknown_verb"])
    assert told(seed=5) != told(seed=6)
    assert {one["id"] for one in told()}.isdisjoint(one["id"] for one in told(until=UNTIL + 1))


def test_a_completion_is_told_once_ever() -> None:
    book = ActivityBook()
    whole = plan(completed=1.0)
    first = statements(whole, CATALOGUE, book)
    assert first
    assert statements(whole, CATALOGUE, book) == []


def test_a_learner_goes_on_where_they_stopped() -> None:
    book = ActivityBook()
    urn = layout.course_urn(0)
    statements(plan(learners=1, urns=[urn], completed=0.0), CATALOGUE, book)
    (activity,) = book
    stopped = activity.to_json()["progress"]
    later = statements(plan(learners=1, urns=[urn], completed=1.0, until=UNTIL * 2), CATALOGUE, book)
    assert stopped < 100
    assert all(int(progress(one)) > stopped for one in later)
    assert activity.completed_at is not None


@pytest.mark.parametrize(("withheld", "verb"), [("withhold_completed", COMPLETED), ("withhold_progress", PROGRESSED)])
def test_what_is_withheld_is_not_sent_but_true(withheld: str, verb: str) -> None:
    book = ActivityBook()
    sent = statements(plan(completed=1.0, **{withheld: 1.0}), CATALOGUE, book)
    assert sent
    assert verb not in {one["verb"]["id"] for one in sent}
    assert all(activity.completed_at and activity.withheld for activity in book)


def test_repeats_are_word_for_word() -> None:
    sent = told(repeats=1.0)
    assert sent[::2] == sent[1::2]
    assert sent[::2] == told()


def test_disorder_loses_nothing() -> None:
    ordered, mixed = told(learners=20), told(learners=20, disorder=0.5)
    assert mixed != ordered
    assert sorted(one["id"] for one in mixed) == sorted(one["id"] for one in ordered)


def test_accounts_name_the_unique_user_id() -> None:
    for statement in told(actor="account"):
        assert statement["actor"].keys() == {"objectType", "account"}
        assert re.fullmatch(r"E1\d{5}", statement["actor"]["account"]["name"])


def test_paths_and_videos_are_told_too() -> None:
    sent = told(learners=20, courses=0, paths=2, videos=2, completed=1.0)
    assert {one["object"]["id"].split(":")[2] for one in sent} == {"lyndaLearningPath", "lyndaVideo"}
    assert {one["object"]["id"] for one in sent if one["verb"]["id"] == COMPLETED} == {
        one["object"]["id"] for one in sent
    }


def test_elements_put_in_by_hand_can_be_learnt() -> None:
    store = Catalogue(Settings(size=2))
    video = {"asset": {"urn": "urn:v", "type": "VIDEO", "contents": []}}
    details = {"timeToComplete": {"duration": 600, "unit": "SECOND"}}
    store.put({"urn": "urn:mine", "type": "COURSE", "details": details, "contents": [video] * 3})
    store.put({"urn": "urn:bare", "type": "COURSE"})
    book = ActivityBook()
    statements(plan(learners=1, urns=["urn:mine", "urn:bare"], completed=1.0), store, book)
    assert {one.content.urn: [stretch.seconds for stretch in one.engagements] for one in book} == {
        "urn:mine": [200, 200, 200],
        "urn:bare": [600],
    }


@pytest.mark.parametrize("changes", [{"urns": ["urn:li:lyndaCourse:1"]}, {"variants": ["nonsense"]}])
def test_a_plan_for_what_is_not_there_is_refused(changes: Json) -> None:
    with pytest.raises(ValueError, match=r"There (is|are) no"):
        told(**changes)


def test_learners_take_up_only_what_is_available() -> None:
    store = Catalogue(Settings(size=3))
    for slot in (0, 1):
        store.retire(layout.handle(Kind.COURSE, slot), UNTIL)
    sent = statements(plan(courses=99), store, ActivityBook())
    assert {one["object"]["id"] for one in sent} == {layout.course_urn(2)}


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if not variant.extra])
def test_a_variant_says_the_same_in_another_way(name: str) -> None:
    plain, varied = told(), told(variants=[name])
    assert varied != plain
    assert len(varied) == len(plain)
    assert [one["timestamp"] for one in varied] == [one["timestamp"] for one in plain]


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.extra])
def test_an_extra_variant_comes_beside_the_plain_statement(name: str) -> None:
    plain, varied = told(), told(variants={name: 0.5})
    assert [one for one in varied if one in plain] == plain
    extra = [one for one in varied if one not in plain]
    assert len(plain) * 0.3 < len(extra) < len(plain) * 0.7
    assert {one["id"] for one in extra}.isdisjoint(one["id"] for one in plain)


@pytest.mark.parametrize(
    ("name", "kind"), [("progress_integer", int), ("progress_float", float), ("progress_decimal_text", str)]
)
def test_progress_comes_in_every_type(name: str, kind: type) -> None:
    values = [progress(one) for one in told(variants=[name])]
    assert {type(value) for value in values} == {kind}
    assert all(float(value) <= 100 for value in values)


@pytest.mark.parametrize("order", list(permutations(["progress_integer", "progress_float", "progress_decimal_text"])))
def test_progress_in_several_forms_is_still_the_same_number(order: tuple[str, ...]) -> None:
    plain, varied = told(), told(variants=list(order))
    assert [float(progress(one)) for one in varied] == [float(progress(one)) for one in plain]


def test_parts_of_the_result_can_be_absent() -> None:
    assert all("extensions" not in one["result"] for one in told(variants=["progress_absent"]))
    assert all("completion" not in one["result"] for one in told(variants=["completion_absent"]))


def test_completion_and_verb_can_disagree() -> None:
    told_as_progress = told(variants=["progressed_with_100"], completed=1.0)
    assert {one["verb"]["id"] for one in told_as_progress} == {PROGRESSED}
    assert any(one["result"]["completion"] for one in told_as_progress)
    below = [one for one in told(variants=["completed_below_100"]) if one["verb"]["id"] == COMPLETED]
    assert {progress(one) for one in below} == {"87"}


def extra(name: str) -> list[Json]:
    plain = [one["id"] for one in told()]
    return [one for one in told(variants=[name]) if one["id"] not in plain]


def test_actors_come_in_every_kind() -> None:
    assert all(one["actor"]["mbox"] == one["actor"]["mbox"].lower() for one in told())
    assert all("@EXAMPLE.COM" in one["actor"]["mbox"] for one in told(variants=["mail_upper_case"]))
    assert all("+learning@" in one["actor"]["mbox"] for one in extra("mail_plus"))
    assert all({"mbox", "account"} <= one["actor"].keys() for one in extra("actor_both"))
    assert all(one["actor"] == {"objectType": "Agent"} for one in extra("actor_neither"))
    by_account = told(variants=["actor_both", "mail_plus"], actor="account")
    assert any({"mbox", "account"} <= one["actor"].keys() for one in by_account)


def test_the_unknown_is_told_of() -> None:
    assert {one["verb"]["display"]["en-US"] for one in extra("unknown_verb")} == {"BOOKMARKED"}
    assert all("learningCustomContent" in one["object"]["id"] for one in extra("unknown_object"))
    assert {CATALOGUE.find(one["object"]["id"]) for one in extra("unknown_course")} == {None}
    assert {one["actor"]["mbox"] for one in extra("unknown_learner")} == {"mailto:nobody.knows@example.com"}


def test_ids_and_times_can_be_odd() -> None:
    assert all(one["id"].startswith("linkedin-") for one in told(variants=["id_not_uuid"]))
    assert min(one["timestamp"] for one in extra("future_dated")) > max(one["timestamp"] for one in told())
