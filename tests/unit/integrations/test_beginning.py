"""A run and its lock are created together or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from catalog_lab import integration
from coursebridge.activity.tasks import activity_sync
from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.errors import Unavailable
from coursebridge.integrations.runs import RunControl
from coursebridge.storage.runs import RunStore

if TYPE_CHECKING:
    from coursebridge.integrations.models import Integration
    from coursebridge.storage.table import Table

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def runs(table: Table) -> RunStore:
    """The catalogue runs of an integration."""
    return RunStore(table, "acme", "catalog")


def control(runs: RunStore) -> RunControl:
    return RunControl(runs, now=lambda: NOW)


def test_who_comes_second_gets_the_run_of_who_came_first(runs: RunStore) -> None:
    first = control(runs).begin("full", "admin")
    second = control(runs).begin("full", "admin")

    assert (second.run["id"], second.is_new) == (first.run["id"], False)


def test_a_lock_taken_meanwhile_leaves_no_second_run(runs: RunStore) -> None:
    first = control(runs).begin("full", "admin").run

    assert not runs.begin({**first, "id": "later"}, NOW)
    assert [run["id"] for run in runs.list(10).items] == [first["id"]]


def test_whoever_dies_while_beginning_leaves_nothing_behind(runs: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(runs.table, "transact", dies)
        with pytest.raises(ConnectionError):
            control(runs).begin("full", "schedule")

    assert runs.lock() is None
    assert control(runs).begin("full", "schedule").is_new


class Context:
    """The parts of a task's context that closing a run takes."""

    def __init__(self, runs: RunStore) -> None:
        self.runs = runs

    def now(self) -> datetime:
        return NOW

    def integration(self) -> Integration:
        return integration()


@pytest.mark.parametrize("tasks", [catalog_sync, activity_sync])
def test_a_plan_that_dies_closes_the_run_it_began_and_no_other(runs: RunStore, tasks: Any) -> None:
    run = control(runs).begin("full", "schedule", "execution-1").run
    context: Any = Context(runs)

    tasks.failed(context, {"run_id": None, "execution": "execution-2", "error": "Unavailable"})
    assert runs.get(run["id"])["status"] == "running"

    tasks.failed(context, {"run_id": None, "execution": "execution-1", "error": "Unavailable"})
    assert runs.get(run["id"])["status"] == "failed"
    assert runs.lock() is None


@pytest.mark.parametrize("gone", [False, True])
def test_whoever_loses_the_race_for_the_lock_gets_the_winners_run_or_another_try(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    begin, winners = runs.begin, list[str]()

    def beaten(run: Any, *arguments: Any, **options: Any) -> bool:
        if not winners:
            winners.append("winner")
            assert begin(run | {"id": "winner"}, *arguments, **options)
            if gone:
                assert runs.close("winner", {}, status="succeeded")
                return False
        return begin(run, *arguments, **options)

    monkeypatch.setattr(runs, "begin", beaten)

    started = control(runs).begin("full", "admin")

    assert started.is_new is gone
    assert (started.run["id"] == "winner") is not gone


def test_a_table_that_refuses_for_another_reason_than_others_is_busy(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(runs.table, "transact", refused)

    with pytest.raises(Unavailable):
        control(runs).begin("full", "admin")
