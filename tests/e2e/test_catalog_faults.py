"""LinkedIn at its worst: despite all faults, the courses end up right, and nothing is archived in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector import Caller, Connection
from shelf import Shelf
from syncing import active, changed_counts, connected, redriven, watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running_stack import RunningStack

    Quirks = Callable[..., None]

GERMAN, JAPANESE, CHINESE = "de_DE", "ja_JP", "zh_CN"
"""Languages of the generated catalogue, each with several pages of assets."""
Parameters = dict[str, float]
ODD_PAGES: dict[str, Parameters] = {
    "missing_next": {},
    "prev_only_links": {},
    "short_pages": {"every": 7},
    "empty_page_in_middle": {"start": 60, "length": 100},
    "other_types_on_overrun": {},
    "wrong_type_elements": {},
    "shifting_pages": {},
}
ODD_COURSES: dict[str, Parameters] = {
    "absent_details": {"share": 0.5},
    "country_absent": {"share": 0.5},
    "indonesian_in": {},
    "unknown_enum_values": {},
    "duplicate_classifications": {},
    "unknown_classification": {},
    "changed_owner_urn": {"share": 0.5},
    "html_descriptions": {},
}
ERRORS: dict[str, Parameters] = {
    "throttle_short": {"times": 3},
    "error_in_200": {"share": 0.05},
    "not_json_200": {"share": 0.05},
    "html_error_body": {"share": 0.05},
    "plain_error_body": {"share": 0.05},
    "server_errors": {"share": 0.05},
    "early_revocation": {"calls": 10},
    "down": {"times": 2},
}


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture
def quirks(stack: RunningStack) -> Iterator[Quirks]:
    """A function that switches on exactly the given quirks; all are off after the test."""

    def switch_on(**wanted: Parameters) -> None:
        stack.sandbox.put("/_sandbox/quirks", json=wanted).raise_for_status()

    yield switch_on
    switch_on()


def truth(stack: RunningStack, locale: str) -> set[str]:
    return Shelf(stack.sandbox, locale).truth()


def codes(run: dict[str, Any]) -> set[str]:
    return {problem["code"] for problem in run["errors"]}


def calls(stack: RunningStack) -> int:
    counts = stack.sandbox.get("/_sandbox/requests").json()["counts"]
    return sum(number for path, number in counts.items() if "/v2/" in path)


def test_everything_linkedin_does_at_once_changes_nothing_about_the_courses(
    stack: RunningStack, admin: Caller, quirks: Quirks
) -> None:
    connection = connected(admin, Shelf(stack.sandbox, JAPANESE))
    quirks(**ODD_PAGES, **ODD_COURSES, **ERRORS)
    run = connection.sync()

    assert run["status"] == "succeeded", run["errors"]
    assert active(connection) == truth(stack, JAPANESE)

    quirks(**ODD_PAGES)
    again = connection.sync()

    assert again["counts"]["archived"] == 0
    assert active(connection) == truth(stack, JAPANESE)


MISFORTUNES: dict[str, dict[str, Parameters]] = {
    "down for a while": {"down": {"times": 8, "after": 3}},
    "tokens revoked early": {"early_revocation": {"calls": 10}},
    "tokens of seconds": {"short_expiry": {"seconds": 1}},
    "errors in a 200": {"error_in_200": {"share": 0.3}},
    "throttled for a moment": {"throttle_short": {"times": 3}},
}


@pytest.fixture(scope="module")
def chinese(stack: RunningStack, admin: Caller) -> Connection:
    connection = connected(admin, Shelf(stack.sandbox, CHINESE))
    assert connection.sync()["clean"]
    return connection


@pytest.mark.parametrize("name", MISFORTUNES)
def test_a_passing_misfortune_leaves_no_trace(
    stack: RunningStack, chinese: Connection, quirks: Quirks, name: str
) -> None:
    before = watermark(stack, chinese)
    quirks(**MISFORTUNES[name])

    run = chinese.sync()

    assert (run["status"], run["errors"], changed_counts(run)) == ("succeeded", [], {})
    assert active(chinese) == truth(stack, CHINESE)
    assert str(watermark(stack, chinese)) > str(before)


def test_a_page_that_fails_is_read_again_without_the_others(stack: RunningStack, admin: Caller, quirks: Quirks) -> None:
    connection = connected(admin, Shelf(stack.sandbox, GERMAN))
    quirks(unusable_page={"start": 100})
    run = connection.sync()

    assert codes(run) == {"linkedin_unusable_answer"}
    assert active(connection) < truth(stack, GERMAN)
    assert watermark(stack, connection) is None, "it stays where it was after a run that was not clean"

    quirks()
    stack.sandbox.delete("/_sandbox/requests").raise_for_status()
    again = redriven(connection, run)

    assert (again["status"], again["errors"], again["clean"]) == ("succeeded", [], True)
    assert active(connection) == truth(stack, GERMAN)
    assert watermark(stack, connection) == run["started_at"]
    read_again = calls(stack)
    stack.sandbox.delete("/_sandbox/requests").raise_for_status()
    connection.sync()
    assert read_again < calls(stack), "only what had failed was read again"


def test_the_limit_of_the_day_stops_a_run_which_says_so_and_archives_nothing(
    stack: RunningStack, chinese: Connection, quirks: Quirks
) -> None:
    before, kept = watermark(stack, chinese), active(chinese)
    quirks(throttle_day={"after": 4})
    stack.sandbox.delete("/_sandbox/requests").raise_for_status()
    run = chinese.sync()

    assert (run["status"], codes(run)) == ("failed", {"linkedin_day_limit"})
    assert all(problem["cause"] and problem["remedy"] for problem in run["errors"])
    assert (active(chinese), watermark(stack, chinese)) == (kept, before)
    assert calls(stack) < 15, "it does not go on asking"
    throttling = chinese.admin.ask("GET", f"/admin/integrations/{chinese.id}/status")["throttling"]
    assert (throttling["in_force"], throttling["kinds"]) == (True, ["catalog"])

    quirks()

    assert redriven(chinese, run)["clean"]
    assert chinese.admin.ask("GET", f"/admin/integrations/{chinese.id}/status")["throttling"]["in_force"] is False


def test_a_key_pair_that_may_not_read_the_catalogue_is_told_what_it_lacks(stack: RunningStack, admin: Caller) -> None:
    connection = connected(admin, Shelf(stack.sandbox, CHINESE))
    connection.connect({"client_id": "sandbox-report", "client_secret": "WPL_AP1.report/cXV4+YmF6=="})

    run = connection.sync()

    assert (run["status"], codes(run)) == ("failed", {"linkedin_content_key_missing"})
    assert "Content key" in run["errors"][0]["remedy"]


def test_a_key_pair_that_linkedin_refuses_is_not_kept(stack: RunningStack, admin: Caller) -> None:
    connection = Connection(admin)
    path = f"/admin/integrations/{connection.id}/credentials/content"

    for pair, code in (
        ({"client_id": "nobody", "client_secret": "x"}, "linkedin_invalid_client"),
        ({"client_id": "sandbox-denied", "client_secret": "WPL_AP1.denied/bm8+cGU=="}, "linkedin_access_denied"),
    ):
        refused = admin.ask("PUT", path, 400, json=pair)
        assert refused["code"] == code, refused
        assert refused["cause"], refused
        assert refused["remedy"], refused
    assert admin.ask("GET", f"/admin/integrations/{connection.id}")["credentials"]["content"] is None
