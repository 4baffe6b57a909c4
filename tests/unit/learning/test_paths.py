"""Libraries and paths over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.errors import Unavailable
from coursebridge.paths import service, store
from coursebridge.paths.service import Paths
from coursebridge.paths.store import PathStore
from coursebridge.records.evidence import Completion, Evidence
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from coursebridge.storage.table import Table, TransactionRefused
from learning_lab import ACME, AT, EXCEL, POWERPOINT, WORD, put_course, put_learner

if TYPE_CHECKING:
    from collections.abc import Callable

    from learning_lab import Caller

LATER = "2026-03-02T10:00:00.000Z"


@pytest.fixture
def school(deployed: Table, lms: Caller) -> Caller:
    """Three courses, all in the library of the group ``sales``, and a learner in that group."""
    for urn in (EXCEL, WORD, POWERPOINT):
        put_course(deployed, urn)
        lms.ask("PUT", f"/groups/sales/library/{urn}")
    put_learner(deployed, groups=("sales",))
    return lms


def make_path(caller: Caller, *, expect: int = 201, **fields: Any) -> Any:
    draft = {"name": "New in sales", "group": "sales", "linear": True, "steps": [EXCEL, WORD], **fields}
    return caller.ask("POST", "/paths", draft, expect=expect)


def complete(table: Table, urn: str, at: str = AT) -> None:
    RecordStore(table, ACME).add("ann", urn, "ann", Evidence(completions={f"s-{urn}": Completion(at)}), 60, at)


def launch(table: Table, urn: str) -> None:
    RecordStore(table, ACME).add("ann", urn, "ann", Evidence(launches=frozenset({AT})), 60, AT)


def way(caller: Caller, path: Any) -> Any:
    return caller.get(f"/learners/ann/paths/{path['id']}")


def audited(table: Table) -> list[tuple[str, str, dict[str, tuple[Any, Any]]]]:
    """Return the action, the subject and the changes of every audit entry."""
    return [
        (entry["action"], entry["subject"], {one["field"]: (one["from"], one["to"]) for one in entry["changes"]})
        for entry in table.query(f"AUDIT#{ACME}", index="GSI1").items
    ]


def states(caller: Caller, path: Any) -> list[str]:
    return [step["state"] for step in way(caller, path)["steps"]]


def test_a_library_lists_what_a_group_has_taken(school: Caller) -> None:
    school.ask("PUT", f"/groups/sales & more/library/{EXCEL}")

    first = school.get("/groups/sales/library", limit="2")
    second = school.get("/groups/sales/library", limit="2", cursor=first["next"])

    assert [entry["course_urn"] for entry in first["items"] + second["items"]] == [EXCEL, WORD, POWERPOINT]
    assert [entry["group"] for entry in school.get("/groups/sales & more/library")["items"]] == ["sales & more"]
    assert first["items"][0]["added_by"] == "first"


def test_taking_a_course_twice_changes_nothing(school: Caller) -> None:
    before = school.get(f"/groups/sales/library/{EXCEL}")

    assert school.ask("PUT", f"/groups/sales/library/{EXCEL}") == before


def test_an_archived_course_goes_into_no_library_and_stays_where_it_was(deployed: Table, school: Caller) -> None:
    put_course(deployed, EXCEL, archived="retired")

    school.ask("PUT", f"/groups/support/library/{EXCEL}", expect=409)
    assert school.get(f"/groups/sales/library/{EXCEL}")["archived_reason"] == "retired"


def test_a_library_gives_a_course_back_unless_a_path_leads_through_it(school: Caller) -> None:
    path = make_path(school)

    problem = school.ask("DELETE", f"/groups/sales/library/{EXCEL}", expect=409)
    school.ask("DELETE", f"/groups/sales/library/{POWERPOINT}", expect=204)

    assert path["id"] in problem["detail"]
    school.refused(f"/groups/sales/library/{POWERPOINT}", 404)
    school.ask("DELETE", f"/groups/sales/library/{POWERPOINT}", expect=404)


def test_a_group_may_have_a_slash_in_its_name(deployed: Table, school: Caller) -> None:
    put_learner(deployed, groups=("R/D",))
    school.ask("PUT", f"/groups/R%2FD/library/{EXCEL}")

    assert [one["course_urn"] for one in school.get("/groups/R%2FD/library")["items"]] == [EXCEL]
    path = make_path(school, group="R/D", steps=[EXCEL])
    assert states(school, path) == ["available"]

    school.ask("DELETE", f"/paths/{path['id']}", expect=204)
    school.ask("DELETE", f"/groups/R%2FD/library/{EXCEL}", expect=204)
    assert school.get("/groups/R%2FD/library")["items"] == []


def test_what_goes_into_a_library_and_out_of_it_is_audited(deployed: Table, lms: Caller) -> None:
    put_course(deployed, EXCEL)
    for _ in range(2):
        lms.ask("PUT", f"/groups/sales/library/{EXCEL}")
    lms.ask("DELETE", f"/groups/sales/library/{EXCEL}", expect=204)

    assert audited(deployed) == [
        ("library.course_added", f"sales {EXCEL}", {"group": (None, "sales"), "course_urn": (None, EXCEL)}),
        ("library.course_removed", f"sales {EXCEL}", {"group": ("sales", None), "course_urn": (EXCEL, None)}),
    ]


def test_writers_of_one_override_without_end_are_told_to_come_again(
    deployed: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise TransactionRefused(["ConditionalCheckFailed", None], [])

    monkeypatch.setattr(Table, "transact", refused)

    with pytest.raises(Unavailable):
        PathStore(deployed, ACME).override("ann", "p1", EXCEL, None)


@pytest.mark.parametrize("group", [" ", "g" * 201])
def test_a_group_has_a_name_of_bearable_length(school: Caller, group: str) -> None:
    school.ask("PUT", f"/groups/{group}/library/{EXCEL}", expect=400)


def test_a_course_nobody_knows_goes_into_no_library(lms: Caller) -> None:
    lms.ask("PUT", f"/groups/sales/library/{EXCEL}", expect=404)


def test_a_path_is_made_listed_changed_and_deleted(school: Caller) -> None:
    path = make_path(school)
    other = make_path(school, name="Second")
    path = school.ask(
        "PUT", f"/paths/{path['id']}", {"name": "Third", "group": "sales", "linear": False, "steps": [WORD]}
    )

    assert (path["name"], path["linear"], path["steps"]) == ("Third", False, [WORD])
    assert [one["id"] for one in school.get("/paths")["items"]] == [path["id"], other["id"]]
    assert school.get("/paths", group="support")["items"] == []
    assert len(school.get("/paths", group="sales", limit="1")["items"]) == 1
    school.ask("DELETE", f"/paths/{path['id']}", expect=204)
    school.refused(f"/paths/{path['id']}", 404)
    school.ask("DELETE", f"/paths/{path['id']}", expect=404)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"steps": [EXCEL, EXCEL]}, "steps"),
        ({"steps": [EXCEL, "urn:li:lyndaCourse:9"]}, "steps[1]"),
        ({"group": "support"}, "steps[0]"),
        ({"steps": []}, "steps"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_no_path_is_refused_by_field(school: Caller, fields: dict[str, Any], field: str) -> None:
    assert make_path(school, expect=400, **fields)["errors"][0]["field"] == field


def test_an_archived_course_goes_into_no_path_and_stays_in_those_it_is_in(deployed: Table, school: Caller) -> None:
    path = make_path(school)
    put_course(deployed, WORD, archived="retired")

    assert make_path(school, expect=409)["errors"][0]["field"] == "steps[1]"
    kept = school.ask("PUT", f"/paths/{path['id']}", {"name": "Kept", "group": "sales", "steps": [EXCEL, WORD]})
    assert [(one["course_urn"], one["archived_reason"]) for one in kept["courses"]] == [
        (EXCEL, None),
        (WORD, "retired"),
    ]


def test_a_linear_path_unlocks_step_by_step(deployed: Table, school: Caller) -> None:
    path = make_path(school, steps=[EXCEL, WORD, POWERPOINT])
    seen = [states(school, path)]
    for urn in (EXCEL, WORD, POWERPOINT):
        launch(deployed, urn)
        seen.append(states(school, path))
        complete(deployed, urn, LATER)
    seen.append(states(school, path))

    assert seen == [
        ["available", "locked", "locked"],
        ["in_progress", "locked", "locked"],
        ["completed", "in_progress", "locked"],
        ["completed", "completed", "in_progress"],
        ["completed", "completed", "completed"],
    ]


def test_a_free_path_locks_nothing(deployed: Table, school: Caller) -> None:
    path = make_path(school, linear=False)
    complete(deployed, WORD)

    assert states(school, path) == ["available", "completed"]


def test_a_locked_step_stays_locked_though_the_course_was_begun_elsewhere(deployed: Table, school: Caller) -> None:
    path = make_path(school)
    launch(deployed, WORD)

    assert states(school, path) == ["available", "locked"]


def test_a_completed_step_shows_its_evidence(deployed: Table, school: Caller) -> None:
    path = make_path(school, linear=False)
    complete(deployed, EXCEL)

    walked = way(school, path)

    assert walked["steps"][0]["evidence"] == {"statement_id": f"s-{EXCEL}", "time": AT, "source": "xapi"}
    assert (walked["status"], walked["completed_at"]) == ("in_progress", None)


def test_a_step_stays_completed_though_its_course_is_launched_again(deployed: Table, school: Caller) -> None:
    path = make_path(school)
    complete(deployed, EXCEL)
    complete(deployed, WORD)
    before = way(school, path)
    RecordStore(deployed, ACME).add("ann", EXCEL, "ann", Evidence(launches=frozenset({LATER})), 60, LATER)

    after = way(school, path)

    assert [one["status"] for one in school.get("/learners/ann/attempts")["items"]].count("in_progress") == 1
    assert before["status"] == "completed"
    assert after == before


def test_the_last_step_completes_the_path(deployed: Table, school: Caller) -> None:
    path = make_path(school)
    complete(deployed, EXCEL, LATER)
    complete(deployed, WORD, AT)

    assert {name: way(school, path)[name] for name in ("status", "completed_at")} == {
        "status": "completed", "completed_at": LATER,
    }  # fmt: skip


def test_all_paths_of_a_learner_are_those_of_their_groups(deployed: Table, school: Caller) -> None:
    make_path(school)
    school.ask("PUT", f"/groups/support/library/{EXCEL}")
    make_path(school, group="support", steps=[EXCEL])

    items = school.get("/learners/ann/paths")["items"]

    assert [(item["group"], item["status"]) for item in items] == [("sales", "not_started")]


def pages(caller: Caller, limit: int) -> list[list[str]]:
    found: list[list[str]] = []
    query = {"limit": str(limit)}
    while True:
        answer = caller.get("/learners/bob/paths", **query)
        found.append([f"{item['group']} {item['name']}" for item in answer["items"]])
        if answer["next"] is None:
            return found
        query["cursor"] = answer["next"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_a_learners_paths_come_in_pages_by_group_each_of_them_once(deployed: Table, school: Caller, limit: int) -> None:
    put_learner(deployed, "bob", groups=("support", "sales", "nothing here", "sales"))
    school.ask("PUT", f"/groups/support/library/{EXCEL}")
    expected = [f"sales {number}" for number in range(4)] + [f"support {number}" for number in range(3)]
    for group in ("support", "sales"):
        for number in range(4 if group == "sales" else 3):
            make_path(school, group=group, name=str(number), steps=[EXCEL])

    found = pages(school, limit)

    assert [one for page in found for one in page] == expected
    assert all(len(page) == limit for page in found[:-1])


def test_a_page_asks_for_few_groups_and_reads_few_steps(
    deployed: Table, school: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_learner(deployed, "bob", groups=(*(f"group {number:02}" for number in range(45)), "sales", "support"))
    school.ask("PUT", f"/groups/support/library/{EXCEL}")
    for number in range(3):
        make_path(school, name=str(number))
    make_path(school, group="support", steps=[EXCEL])
    monkeypatch.setattr(service, "MOST_STEPS_IN_A_PAGE", 3)

    found = pages(school, 50)

    assert [len(page) for page in found] == [0, 0, 3, 1]


def test_a_cursor_of_a_learners_paths_is_good_for_that_learner_alone(deployed: Table, school: Caller) -> None:
    put_learner(deployed, "bob", groups=("sales",))
    for name in ("one", "two"):
        make_path(school, name=name)
    cursor = school.get("/learners/bob/paths", limit="1")["next"]

    school.refused("/learners/ann/paths", 400, cursor=cursor)


def test_what_becomes_of_a_path_is_audited(deployed: Table, school: Caller) -> None:
    path = make_path(school)
    school.ask("PUT", f"/paths/{path['id']}", {"name": "Third", "group": "sales", "linear": True, "steps": [WORD]})
    school.ask("DELETE", f"/paths/{path['id']}", expect=204)

    made, changed, deleted = audited(deployed)[-3:]
    assert (made[:2], deleted[:2]) == (("path.created", path["id"]), ("path.deleted", path["id"]))
    assert changed[2] == {"name": ("New in sales", "Third"), "steps": ([EXCEL, WORD], [WORD])}
    assert made[2]["steps"] == (None, [EXCEL, WORD])
    assert deleted[2]["name"] == ("Third", None)


def test_a_retired_course_strands_nobody(deployed: Table, school: Caller, admin: Caller) -> None:
    path = make_path(school)
    put_course(deployed, EXCEL, archived="retired")
    step = f"/learners/ann/paths/{path['id']}/overrides/{EXCEL}"

    skipped = admin.ask("PUT", step, {"reason": "LinkedIn has retired it"})

    assert [one["state"] for one in skipped["steps"]] == ["completed", "available"]
    assert skipped["steps"][0]["evidence"]["source"] == "override"
    assert skipped["steps"][0]["override"]["by"] == "first"
    assert skipped["steps"][0]["course_status"] == "archived"
    assert audited(deployed)[-1][:2] == ("path_step.skipped", f"{path['id']} ann {EXCEL}")
    assert [one["state"] for one in admin.ask("DELETE", step)["steps"]] == ["available", "locked"]


def test_a_step_that_was_skipped_stays_so_through_merging_and_parting(
    deployed: Table, school: Caller, admin: Caller
) -> None:
    put_learner(deployed, "old-ann", identifiers=())
    path = make_path(school)
    step = f"/paths/{path['id']}/overrides/{EXCEL}"
    first = admin.ask("PUT", f"/learners/old-ann{step}", {"reason": "she knows it"})["steps"][0]["override"]

    admin.ask("POST", "/learners/ann/merge", {"learner_id": "old-ann"})
    assert states(school, path) == ["completed", "available"]
    assert way(school, path)["steps"][0]["override"] == first
    again = admin.ask("PUT", f"/learners/ann{step}", {"reason": "she still does"})
    assert again["steps"][0]["override"]["reason"] == "she still does"

    admin.ask("POST", "/learners/old-ann/unmerge")
    for learner in ("ann", "old-ann"):
        kept = school.get(f"/learners/{learner}/paths/{path['id']}")
        assert [one["state"] for one in kept["steps"]] == ["completed", "available"]


def test_who_may_skip_no_longer_may_not_by_one_who_was_merged_either(
    deployed: Table, school: Caller, admin: Caller
) -> None:
    put_learner(deployed, "old-ann", identifiers=())
    path = make_path(school)
    step = f"/paths/{path['id']}/overrides/{EXCEL}"
    admin.ask("PUT", f"/learners/old-ann{step}", {"reason": "she knows it"})
    admin.ask("POST", "/learners/ann/merge", {"learner_id": "old-ann"})

    admin.ask("DELETE", f"/learners/ann{step}")

    assert states(school, path) == ["available", "locked"]


def test_an_lms_may_skip_nothing(school: Caller) -> None:
    path = make_path(school)

    school.ask("PUT", f"/learners/ann/paths/{path['id']}/overrides/{EXCEL}", {"reason": "no"}, expect=403)


def test_a_step_the_path_lacks_cannot_be_skipped(school: Caller, admin: Caller) -> None:
    path = make_path(school)

    admin.ask("PUT", f"/learners/ann/paths/{path['id']}/overrides/{POWERPOINT}", {"reason": "no"}, expect=404)


def test_what_nobody_knows_has_no_way(school: Caller, connect: Callable[..., Caller]) -> None:
    path = make_path(school)

    school.refused(f"/learners/nobody/paths/{path['id']}", 404)
    school.refused("/learners/ann/paths/nowhere", 404)
    connect("learning:write").refused("/learners/ann/paths", 403)


def test_of_two_who_change_a_path_at_once_one_is_told(
    school: Caller, deployed: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_path(school)
    draft = {"name": "Mine", "group": "sales", "steps": [EXCEL]}
    real = Paths.get

    def overtaken(self: Paths, path_id: str) -> Any:
        found = real(self, path_id)
        PathStore(deployed, ACME).write(replace(found, name="Theirs", version=found.version + 1), found.version)
        return found

    monkeypatch.setattr(Paths, "get", overtaken)

    school.ask("PUT", f"/paths/{path['id']}", draft, expect=409)


def test_two_overrides_at_once_are_both_kept(deployed: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    put_learner(deployed)
    store, real, entry = PathStore(deployed, ACME), deployed.get, {"at": AT, "by": "a", "reason": "r"}

    def overtaken(key: Any, **options: Any) -> Any:
        found = real(key, **options)
        monkeypatch.setattr(deployed, "get", real)
        store.override("ann", "p", WORD, entry)
        return found

    monkeypatch.setattr(deployed, "get", overtaken)
    store.override("ann", "p", EXCEL, entry)

    kept = real(keys.path_override(ACME, "ann", "p"))
    assert set((kept or {})["steps"]) == {EXCEL, WORD}


@pytest.mark.parametrize("query", [{}, {"group": "sales"}])
def test_a_page_of_paths_holds_no_more_steps_than_can_be_looked_up(
    school: Caller, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    made = [make_path(school, name=name)["id"] for name in ("one", "two", "three")]
    monkeypatch.setattr(store, "MOST_STEPS_IN_A_PAGE", 4)

    first = school.get("/paths", limit="10", **query)
    second = school.get("/paths", limit="10", cursor=first["next"], **query)

    assert [[path["id"] for path in page["items"]] for page in (first, second)] == [made[:2], made[2:]]
    assert second["next"] is None
