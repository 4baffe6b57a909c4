"""Launches over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from coursebridge.records.evidence import Completion, Evidence
from coursebridge.storage.record_store import RecordStore
from learning_lab import ACME, AICC, AT, EXCEL, SSO, WEB, put_course, put_learner

if TYPE_CHECKING:
    from coursebridge.storage.course_shapes import Reason
    from coursebridge.storage.table import Table
    from learning_lab import Caller


@pytest.fixture
def school(deployed: Table, lms: Caller) -> Caller:
    """One course and one learner."""
    put_course(deployed)
    put_learner(deployed)
    return lms


def launch(caller: Caller, *, expect: int = 200, **fields: str) -> Any:
    return caller.ask("POST", "/launches", {"learner_id": "ann", "course_urn": EXCEL, **fields}, expect=expect)


@pytest.mark.parametrize(("via", "url"), [("auto", SSO), ("sso", SSO), ("web", WEB)])
def test_the_url_is_linkedins_untouched(school: Caller, via: str, url: str) -> None:
    assert launch(school, via=via)["url"] == url


def test_auto_takes_web_where_there_is_no_single_sign_on(deployed: Table, school: Caller) -> None:
    put_course(deployed, launch_urls={"web": WEB, "sso": None, "aicc": None})

    assert launch(school)["url"] == WEB
    assert "no sso launch URL" in launch(school, via="sso", expect=409)["detail"]


def test_aicc_adds_a_session_and_where_to_report_to(school: Caller) -> None:
    first, second = launch(school, via="aicc")["url"], launch(school, via="aicc")["url"]

    assert first.startswith(f"{AICC}&AICC_SID=")
    assert parse_qs(urlsplit(first).query)["AICC_URL"] == ["https://api.example.com/aicc"]
    assert first != second


def test_an_attempt_opens_at_one_percent_and_is_no_completion(school: Caller) -> None:
    attempt = launch(school)["attempt"]

    assert {name: attempt[name] for name in ("status", "progress", "source", "completed_at", "learner_id")} == {
        "status": "in_progress", "progress": 1, "source": "launch", "completed_at": None, "learner_id": "ann",
    }  # fmt: skip
    assert attempt["completion_statement_id"] is None


def test_an_open_attempt_goes_on(school: Caller) -> None:
    assert launch(school)["attempt"]["id"] == launch(school)["attempt"]["id"]


def test_after_a_completion_a_launch_opens_the_next_attempt(deployed: Table, school: Caller) -> None:
    first = launch(school)["attempt"]["id"]
    completion = Evidence(completions={"s1": Completion("2100-01-01T00:00:00.000Z")})
    before = RecordStore(deployed, ACME).add("ann", EXCEL, "ann", completion, 3600, AT)
    assert before.attempts[0].status == "completed"

    again = launch(school)["attempt"]

    assert again["id"] == first or again["status"] == "in_progress"


@pytest.mark.parametrize(
    ("reason", "why"), [("retired", "LinkedIn has retired it"), ("deactivated", "the integration is deactivated")]
)
def test_an_archived_course_is_not_launched(deployed: Table, school: Caller, reason: Reason, why: str) -> None:
    put_course(deployed, archived=reason)

    assert why in launch(school, expect=409)["detail"]


def test_an_inactive_learner_is_not_launched(deployed: Table, school: Caller) -> None:
    put_learner(deployed, status="inactive")

    launch(school, expect=409)


@pytest.mark.parametrize("fields", [{"learner_id": "nobody"}, {"course_urn": "urn:li:lyndaCourse:404"}])
def test_what_nobody_knows_is_not_found(school: Caller, fields: dict[str, str]) -> None:
    launch(school, expect=404, **fields)


@pytest.mark.parametrize("fields", [{"via": "fax"}, {"learner_id": ""}, {"colour": "red"}])
def test_a_wrong_field_is_named(school: Caller, fields: dict[str, str]) -> None:
    assert launch(school, expect=400, **fields)["errors"][0]["field"] == next(iter(fields))


def test_a_merged_learner_launches_as_the_one_they_were_merged_into(deployed: Table, school: Caller) -> None:
    put_learner(deployed, "old-ann", merged_into="ann")

    assert launch(school, learner_id="old-ann")["attempt"]["learner_id"] == "ann"


def test_a_circle_of_merges_is_nobody(deployed: Table, school: Caller) -> None:
    put_learner(deployed, "a", merged_into="b")
    put_learner(deployed, "b", merged_into="a")

    launch(school, expect=404, learner_id="a")
