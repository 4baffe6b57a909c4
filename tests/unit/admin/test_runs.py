"""Runs over the API: started once, watched, redriven, confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

import run_records
from admin_runs import RunAnswer
from coursebridge import clients
from coursebridge.catalog.settings_change import UNFINISHED
from coursebridge.clock import rfc3339, utc_now
from coursebridge.integrations.runs import SHOWN
from coursebridge.storage.runs import RunStore
from unit.admin.conftest import GOOD_PAIR

if TYPE_CHECKING:
    from coursebridge.storage.run_shapes import RunStatus
    from unit.admin.conftest import Api


class StepFunctions:
    """A Step Functions client whose executions keep running until a test sets another status."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.status = "RUNNING"
        self.exceptions = self
        self.ExecutionDoesNotExist = LookupError

    def start_execution(self, **request: Any) -> dict[str, str]:
        self.started.append(request)
        return {"executionArn": f"{request['stateMachineArn']}:{request['name']}"}

    def describe_execution(self, **_request: Any) -> dict[str, str]:
        return {"status": self.status}


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    fake = StepFunctions()
    monkeypatch.setattr(clients, "stepfunctions", lambda: fake)
    return fake


@pytest.fixture
def path(api: Api) -> str:
    """The path of the runs of an integration that has a key pair."""
    integration_id = api.integration()["id"]
    api.ask("PUT", f"/admin/integrations/{integration_id}/credentials/content", GOOD_PAIR)
    return f"/admin/integrations/{integration_id}/runs"


def put_run(api: Api, path: str, status: RunStatus) -> None:
    """Put a run that has ended."""
    now = rfc3339(utc_now())
    run_records.put_run(
        RunStore(api.table, path.split("/")[3], "catalog"),
        {
            "id": "0000000000000000000001", "kind": "catalog", "mode": "full", "trigger": "schedule", "status": status,
            "started_at": now, "finished_at": now, "touched_at": now, "execution": "", "errors": [],
            "counts": dict.fromkeys(
                ("read", "created", "updated", "archived", "restored", "ignored", "unchanged", "failed"), 0
            ),
            "progress": {"done": 1, "total": 1}, "clean": True, "throttled": 0, "pending_archive": 7, "filters": "d",
        }
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["catalog", "activity"])
def test_a_run_is_started_once_and_a_second_request_gets_it(
    api: Api, path: str, executions: StepFunctions, kind: str
) -> None:
    first = api.ask("POST", path, {"kind": kind, "mode": "full"}, expect=202)
    second = api.ask("POST", path, {"kind": kind}, expect=202)

    assert (first["kind"], first["mode"], first["trigger"], first["status"]) == (kind, "full", "admin", "running")
    assert first["finished_at"] is None
    assert second["id"] == first["id"]
    assert [one["stateMachineArn"].rpartition(":")[2] for one in executions.started] == [kind]
    assert api.ask("GET", f"{path}/{first['id']}") == {**first, "unknown_learners": []}
    assert [run["id"] for run in api.ask("GET", path)["items"]] == [first["id"]]


@pytest.mark.parametrize(("kind", "remembered"), [("catalog", {**UNFINISHED, "generation": 1}), ("activity", {})])
def test_a_run_that_was_abandoned_leaves_the_index_to_the_next_run_of_the_catalogue_alone(
    api: Api, path: str, executions: StepFunctions, kind: Literal["catalog", "activity"], remembered: dict[str, Any]
) -> None:
    api.ask("POST", path, {"kind": kind}, expect=202)
    executions.status = "ABORTED"

    api.ask("POST", path, {"kind": kind}, expect=202)

    state = RunStore(api.table, path.split("/")[3], kind).state()
    assert state.get("last_status") == "failed"
    assert {name: value for name, value in state.items() if not name.startswith(("PK", "SK", "last_"))} == remembered


def test_a_run_shows_exactly_what_is_documented(api: Api, path: str) -> None:
    put_run(api, path, "needs_confirmation")

    [run] = api.ask("GET", path)["items"]

    assert set(run) == set(SHOWN) == set(RunAnswer.model_fields)
    assert (run["pending_archive"], run["clean"], run["windows"], run["repairs"]) == (7, True, None, None)


def test_both_kinds_run_beside_each_other_and_are_listed_newest_first(
    api: Api, path: str, executions: StepFunctions
) -> None:
    for kind in ("catalog", "activity"):
        api.ask("POST", path, {"kind": kind}, expect=202)

    page = api.ask("GET", path, query={"limit": "1"})
    rest = api.ask("GET", path, query={"limit": "1", "cursor": page["next"]})

    assert [run["kind"] for run in page["items"] + rest["items"]] == ["activity", "catalog"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"status": "inactive"}, "activate"),
        ({"activity": {"enabled": False}}, "activity.enabled"),
    ],
)
def test_a_run_the_settings_forbid_is_refused_with_what_to_do(
    api: Api, path: str, executions: StepFunctions, change: dict[str, Any], word: str
) -> None:
    api.ask("PATCH", path.removesuffix("/runs"), change)

    refused = api.send("POST", path, {"kind": "activity"})

    assert (refused.status, word in refused.json["detail"]) == (409, True)
    assert executions.started == []


@pytest.mark.parametrize("body", [{"kind": "people"}, {"mode": "quick"}, {"kind": "catalog", "pages": 3}])
def test_a_run_there_is_not_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    assert api.send("POST", path, body).status == 400


@pytest.mark.parametrize(("call", "status"), [("redrive", "failed"), ("confirm", "needs_confirmation")])
def test_a_run_goes_on_when_an_admin_says_so(
    api: Api, path: str, executions: StepFunctions, call: str, status: RunStatus
) -> None:
    put_run(api, path, status)

    resumed = api.ask("POST", f"{path}/0000000000000000000001/{call}", expect=202)

    assert resumed["status"] == "running"
    assert len(executions.started) == 1
    assert api.ask("GET", "/admin/audit")["items"][0]["action"] == f"run.{call}{'n' if call == 'redrive' else 'ed'}"


@pytest.mark.parametrize("call", ["redrive", "confirm"])
def test_a_run_with_nothing_left_to_do_stays(api: Api, path: str, executions: StepFunctions, call: str) -> None:
    put_run(api, path, "succeeded")

    assert api.send("POST", f"{path}/0000000000000000000001/{call}").status == 409
    assert api.send("POST", f"{path}/nowhere/{call}").status == 404


@pytest.mark.parametrize(("call", "status"), [("redrive", "failed"), ("confirm", "needs_confirmation")])
def test_no_run_of_an_integration_that_is_switched_off_goes_on(
    api: Api, path: str, executions: StepFunctions, call: str, status: RunStatus
) -> None:
    put_run(api, path, status)
    api.ask("PATCH", path.removesuffix("/runs"), {"status": "inactive"})

    refused = api.send("POST", f"{path}/0000000000000000000001/{call}")

    assert (refused.status, "activate" in refused.json["detail"]) == (409, True)
    assert (executions.started, api.ask("GET", path)["items"][0]["status"]) == ([], status)


def test_a_run_of_another_integration_is_not_found(api: Api, path: str) -> None:
    assert api.send("GET", f"{path}/nowhere").status == 404
    assert api.send("GET", "/admin/integrations/nowhere/runs").status == 404
