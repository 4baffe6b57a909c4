"""Catalogue syncs over HTTP: modes, filters, the brake, tags and schedules, compared with the sandbox's truth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from connector import Caller, Connection, eventually
from coursebridge.storage import keys
from shelf import Shelf
from syncing import active, changed_counts, connected, items, run_of, state, watermark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_stack import RunningStack

FRENCH = "fr_FR"
"""A language of the generated catalogue; the other languages here hold only assets that the tests create."""


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module", autouse=True)
def scheduled(stack: RunningStack, admin: Caller) -> Iterator[Connection]:
    """An integration that syncs every minute by schedule; the other tests fill the time until it does."""
    shelf = Shelf(stack.sandbox, "pl_PL")
    shelf.put(1, 2)
    schedule = {"expression": "rate(1 minute)", "timezone": "UTC", "enabled": True}
    connection = connected(admin, shelf, catalog_schedule=schedule)
    yield connection
    admin.ask("DELETE", f"/admin/integrations/{connection.id}", 204, params={"force": "true"})


@pytest.fixture(scope="module")
def french(stack: RunningStack, admin: Caller) -> Connection:
    """An integration synced with a part of the generated catalogue that takes several pages."""
    connection = connected(admin, Shelf(stack.sandbox, FRENCH))
    run = connection.sync()
    assert (run["status"], run["errors"]) == ("succeeded", [])
    return connection


@pytest.fixture
def shelf(stack: RunningStack, request: pytest.FixtureRequest) -> Shelf:
    """A shelf of eight courses in the test's own language."""
    shelf = Shelf(stack.sandbox, request.param)
    shelf.clear()
    shelf.put(*range(8))
    return shelf


def in_language(locale: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shelf", [locale], indirect=True)


@in_language("sv_SE")
def test_what_changes_at_linkedin_changes_here(admin: Caller, shelf: Shelf) -> None:
    connection = connected(admin, shelf)
    assert connection.sync("incremental")["mode"] == "full", "there is nothing to start from yet"
    changed, retired, removed, *_ = sorted(shelf.truth())
    shelf.change(changed, level="ADVANCED")
    shelf.retire(retired)
    shelf.remove(removed)
    [new] = shelf.put(100)
    shelf.change(new, level="INTERMEDIATE")

    incremental = connection.sync("incremental")

    assert (incremental["mode"], changed_counts(incremental)) == (
        "incremental",
        {"created": 1, "updated": 1, "archived": 1},
    )
    assert active(connection) == shelf.truth() | {removed}
    assert changed_counts(connection.sync("full")) == {"archived": 1}
    assert active(connection) == shelf.truth()
    archived = {one["urn"]: one["archived_reason"] for one in connection.courses(status="archived")}
    assert archived == {retired: "retired", removed: "missing"}

    shelf.restore(retired)
    shelf.restore(removed)

    assert changed_counts(connection.sync("incremental")) == {"restored": 2}
    assert active(connection) == shelf.truth()


def test_a_step_of_the_whole_catalogue_arrives_with_the_next_incremental_run(
    stack: RunningStack, french: Connection
) -> None:
    shelf = Shelf(stack.sandbox, FRENCH)
    before = shelf.truth()
    step = {"seed": 11, "create": 20, "update": 40, "retire": 10}
    touched = stack.sandbox.post("/_sandbox/step", json=step).json()

    run = french.sync("incremental")

    assert run["mode"] == "incremental"
    assert active(french) == shelf.truth()
    told = {
        "created": len(shelf.truth() - before),
        "updated": len(before.intersection(touched["updated"])),
        "archived": len(before.intersection(touched["retired"])),
    }
    assert changed_counts(run) == {name: number for name, number in told.items() if number}


def test_a_second_sync_writes_no_course(stack: RunningStack, french: Connection) -> None:
    french.sync()
    courses = [*keys.course_partitions(french.id), *keys.course_detail_partitions(french.id)]
    graph = [keys.classification(french.id, "").pk]
    before = items(stack, courses), items(stack, graph)
    assert all(before)
    run = french.sync()

    assert changed_counts(run) == {}
    assert run["counts"]["unchanged"] >= len(active(french)) > 100
    assert (items(stack, courses), items(stack, graph)) == before


@in_language("da_DK")
def test_only_the_asset_types_asked_for_become_courses(admin: Caller, shelf: Shelf) -> None:
    paths, videos = shelf.put(1, 2, kind="LEARNING_PATH"), shelf.put(1, kind="VIDEO")
    connection = connected(admin, shelf, asset_types=["LEARNING_PATH", "VIDEO"])
    connection.sync()

    assert {one["urn"]: one["type"] for one in connection.courses()} == {
        **dict.fromkeys(paths, "LEARNING_PATH"),
        **dict.fromkeys(videos, "VIDEO"),
    }

    filters = {"languages": [shelf.locale], "asset_types": ["COURSE", "VIDEO"]}
    saved = admin.ask("PUT", f"/admin/integrations/{connection.id}/filters", json=filters)
    assert (saved["applied"]["archived"], active(connection)) == (2, set(videos))
    connection.sync("incremental")
    assert active(connection) == shelf.truth() | shelf.truth("VIDEO"), "wider filters ask for all there is"


@in_language("fi_FI")
def test_filters_say_beforehand_what_they_do_and_do_it_at_once(admin: Caller, shelf: Shelf) -> None:
    advanced = sorted(shelf.truth())[:3]
    for urn in advanced:
        shelf.change(urn, level="ADVANCED")
    connection = connected(admin, shelf)
    connection.sync()
    home = f"/admin/integrations/{connection.id}/filters"
    narrow = {"languages": [shelf.locale], "levels": ["BEGINNER"], "include_urns": advanced[:1]}

    preview = admin.ask("POST", f"{home}/preview", json=narrow)
    assert (preview["archived"], preview["restored"], preview["kept"]) == (2, 0, 6)
    assert {one["urn"] for one in preview["samples"]["archived"]} == set(advanced[1:])
    assert active(connection) == shelf.truth(), "a preview changes nothing"

    assert admin.ask("PUT", home, json=narrow)["applied"]["archived"] == 2
    assert active(connection) == shelf.truth() - set(advanced[1:])
    assert changed_counts(connection.sync()) == {}
    assert {one["archived_reason"] for one in connection.courses(status="archived")} == {"filtered"}

    assert admin.ask("PUT", home, json={"languages": [shelf.locale]})["applied"]["restored"] == 2
    assert active(connection) == shelf.truth()


@in_language("cs_CZ")
def test_deactivating_archives_every_course_and_activating_brings_them_back(admin: Caller, shelf: Shelf) -> None:
    connection = connected(admin, shelf)
    connection.sync()
    home = f"/admin/integrations/{connection.id}"

    assert admin.ask("POST", f"{home}/deactivate")["applied"]["archived"] == 8
    assert {one["archived_reason"] for one in connection.courses()} == {"deactivated"}
    assert admin.send("POST", f"{home}/runs", json={"kind": "catalog"}).status_code == 409

    assert admin.ask("POST", f"{home}/activate")["applied"]["restored"] == 8
    assert active(connection) == shelf.truth()
    assert changed_counts(connection.sync()) == {}


@in_language("nb_NO")
def test_a_run_that_would_archive_too_much_asks_first(stack: RunningStack, admin: Caller, shelf: Shelf) -> None:
    connection = connected(admin, shelf)
    connection.sync()
    everything = shelf.truth()
    before = watermark(stack, connection)
    for urn in sorted(everything)[:3]:
        shelf.remove(urn)
    [new] = shelf.put(100)

    run = connection.sync()

    assert (run["status"], run["pending_archive"]) == ("needs_confirmation", 3)
    assert active(connection) == everything | {new}
    assert watermark(stack, connection) == before

    path = f"/admin/integrations/{connection.id}/runs/{run['id']}/confirm"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.send("POST", path).status_code, range(4)))
    assert sorted(answers) == [202, 409, 409, 409]
    confirmed = run_of(connection, run["id"])
    assert (confirmed["status"], confirmed["counts"]["archived"]) == ("succeeded", 3)
    assert active(connection) == shelf.truth()
    assert admin.send("POST", path).status_code == 409


@in_language("tr_TR")
def test_synced_tags_go_when_switched_off_and_manual_ones_stay(admin: Caller, shelf: Shelf) -> None:
    connection = connected(admin, shelf, tags_enabled=True)
    connection.sync()
    [urn, *_] = sorted(shelf.truth())
    path = f"/learning/{connection.id}/courses/{quote(urn, safe='')}"
    connection.lms.ask("PUT", f"{path}/tags", json={"tags": ["onboarding"]})
    assert connection.lms.ask("GET", path)["tags"] == {"synced": ["Microsoft Excel"], "manual": ["onboarding"]}

    admin.ask("PATCH", f"/admin/integrations/{connection.id}", json={"tags_enabled": False})
    connection.sync()

    assert {tuple(one["tags"]["synced"]) for one in connection.courses()} == {()}
    assert connection.lms.ask("GET", path)["tags"] == {"synced": [], "manual": ["onboarding"]}


@in_language("hu_HU")
def test_one_run_goes_at_a_time(stack: RunningStack, admin: Caller, shelf: Shelf) -> None:
    connection = connected(admin, shelf)
    stack.sandbox.put("/_sandbox/quirks", json={"slow": {"seconds": 0.5}}).raise_for_status()
    try:
        path = f"/admin/integrations/{connection.id}/runs"
        asked = [
            admin.ask("POST", path, 202, json={"kind": "catalog", "mode": mode}) for mode in ("full", "incremental")
        ]
    finally:
        stack.sandbox.delete("/_sandbox/quirks").raise_for_status()
    [first, second] = asked

    assert first["id"] == second["id"]
    assert run_of(connection, first["id"])["status"] == "succeeded"
    assert len(admin.every(path)) == 1


def test_a_schedule_starts_runs_by_itself(stack: RunningStack, scheduled: Connection) -> None:
    path = f"/admin/integrations/{scheduled.id}/runs"
    runs: list[dict[str, Any]] = eventually(
        lambda: scheduled.admin.every(path), lambda found: found and found[-1]["status"] != "running"
    )

    assert {(run["kind"], run["trigger"], run["status"]) for run in runs} == {("catalog", "schedule", "succeeded")}
    assert active(scheduled) == Shelf(stack.sandbox, "pl_PL").truth()
    assert state(stack, scheduled)["last_status"] == "succeeded"
