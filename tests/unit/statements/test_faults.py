"""DynamoDB fails at each call in turn: acknowledged statements are stored, and the others can be sent again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from coursebridge import clients
from coursebridge.clock import parse_rfc3339
from coursebridge.errors import Conflict, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.statement_intake import TRIES, NewStatement, StatementIntake
from coursebridge.storage.statements import Outcome, StatementStore
from coursebridge.xapi.comparison import says_the_same
from xapi_builders import statement, voiding

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.table import Table
    from unit.statements.conftest import Api

NOW = parse_rfc3339("2026-01-01T00:00:00Z")
WRITES = ("put_item", "transact_write_items")


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "")


def cancelled(*codes: str) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(response, "TransactWriteItems")


FAILURES = {
    "throttled": refusal("ThrottlingException"),
    "conflicting": refusal("TransactionConflictException"),
    "internal": refusal("InternalServerError"),
    "cut off": EndpointConnectionError(endpoint_url="http://dynamodb"),
    "timed out": ReadTimeoutError(endpoint_url="http://dynamodb"),
}


class Faults:
    """Counts the calls to DynamoDB, and lets planned writes fail before or after they take effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.plan: dict[int, tuple[str, Exception]] = {}
        client = clients.dynamodb()
        for name in (*WRITES, "get_item", "batch_get_item", "query"):
            monkeypatch.setattr(client, name, self._wrapped(name, getattr(client, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append(name)
            writes = sum(call in WRITES for call in self.calls)
            when, error = self.plan.pop(writes, ("", None)) if name in WRITES else ("", None)
            if when == "before" and error:
                raise error
            answer = real(**request)
            if error:
                raise error
            return answer

        return call


@pytest.fixture
def faults(api: Api, monkeypatch: pytest.MonkeyPatch) -> Faults:
    api.get()  # caches the caller, as in a warm process
    return Faults(monkeypatch)


def new(id_: str, **members: Any) -> NewStatement:
    values = {"raw": "{}", "digest": "d", "timestamp": None, "verb": "v:1", "object_id": "a:1", "actor": None}
    return NewStatement(statement_id=id_, **{**values, "actor_digest": None, **members})


def test_one_statement_costs_one_call(api: Api, faults: Faults) -> None:
    api.post(statement())

    assert faults.calls == ["put_item"]


def test_a_batch_costs_one_call(api: Api, faults: Faults) -> None:
    api.post([statement() for _ in range(20)])

    assert faults.calls == ["transact_write_items"]


def test_a_repeat_costs_one_call_and_a_partial_repeat_two(api: Api, faults: Faults) -> None:
    batch = [statement() for _ in range(3)]
    for body in (batch[:2], batch[:2], batch):
        api.post(body)

    assert faults.calls == ["transact_write_items"] * 3 + ["put_item"]


@pytest.mark.parametrize("failure", list(FAILURES))
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("known", [0, 2])
@pytest.mark.parametrize("size", [1, 5])
def test_a_failed_call_leaves_all_or_nothing_and_sending_again_ends_the_same(
    api: Api, faults: Faults, size: int, known: int, call: int, when: str, failure: str
) -> None:
    batch = [statement(id=f"s{number}") for number in range(size)]
    batch[-1] = voiding("s0", id=f"s{size - 1}")
    if known:
        api.post(batch[:known])
    ids = [f"s{number}" for number in range(size)]
    before = [id_ for id_ in ids if api.stored(id_)]
    faults.calls.clear()
    faults.plan = {call: (when, FAILURES[failure])}

    first = api.post(batch)
    between = [id_ for id_ in ids if api.stored(id_)]
    faults.plan.clear()

    assert first.status in {200, 500, 503}
    assert between in ([ids] if first.status == 200 else [before, ids])
    assert api.post(batch).json == ids
    assert api.count() == size
    assert api.table.get(keys.voiding("acme", "s0")) is not None


@pytest.mark.parametrize("failure", ["throttled", "conflicting", "internal"])
def test_a_busy_table_is_503(api: Api, faults: Faults, failure: str) -> None:
    faults.plan = {1: ("before", FAILURES[failure])}

    answer = api.post(statement())

    assert (answer.status, answer.json["code"], api.count()) == (503, "unavailable", 0)


def test_a_batch_that_another_writer_is_in_the_way_of_is_tried_again(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(monkeypatch)
    faults.plan = {
        1: ("before", cancelled("TransactionConflict", "None")),
        2: ("before", cancelled("None", "TransactionConflict")),
    }
    pauses: list[float] = []
    intake = StatementIntake(table, "acme", says_the_same, pauses.append)

    added = intake.add([new("s1"), new("s2")], stored_at=NOW, client_id="c")

    assert (added.stored, added.repeated, len(faults.calls), len(pauses)) == (2, 0, 3, 2)


def test_a_batch_that_never_gets_through_is_503(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Faults(monkeypatch)
    faults.plan = {n: ("before", cancelled("TransactionConflict", "None")) for n in range(1, TRIES + 1)}
    intake = StatementIntake(table, "acme", says_the_same, lambda _: None)

    with pytest.raises(Unavailable):
        intake.add([new("s1"), new("s2")], stored_at=NOW, client_id="c")

    assert len(faults.calls) == TRIES


def test_a_throttled_batch_is_503(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    Faults(monkeypatch).plan = {1: ("before", cancelled("ThrottlingError", "None"))}

    with pytest.raises(Unavailable):
        StatementIntake(table, "acme", says_the_same).add([new("s1"), new("s2")], stored_at=NOW, client_id="c")


def test_of_two_bodies_racing_for_one_id_the_first_wins(table: Table) -> None:
    intake = StatementIntake(table, "acme", says_the_same)
    intake.add([new("s1", digest="first")], stored_at=NOW, client_id="c")

    with pytest.raises(Conflict):
        intake.add([new("s1", digest="second")], stored_at=NOW, client_id="c")

    assert (StatementStore(table, "acme").get("s1") or {})["digest"] == "first"


def test_pending_statements_are_listed_by_outcome_and_reason(table: Table) -> None:
    StatementIntake(table, "acme", says_the_same).add([new(f"s{n}") for n in range(3)], stored_at=NOW, client_id="c")
    for id_, reason in (("s0", "course_unknown"), ("s1", "learner_unknown")):
        pending = keys.pending("acme", "held", reason, "awaited", "2026", id_).item(keys.GSI3)
        table.update(
            keys.statement("acme", id_),
            "SET outcome = :held, reason = :reason, GSI3SK = :sk",
            {":held": "held", ":reason": reason, ":sk": pending["GSI3SK"]},
        )
    store = StatementStore(table, "acme")

    def listed(outcome: Outcome, reason: str = "") -> list[str]:
        return [item["statement_id"] for item in store.list_pending(outcome, reason).items]

    assert listed("received") == ["s2"]
    assert listed("held") == ["s0", "s1"]
    assert listed("held", "learner_unknown") == ["s1"]
    assert listed("held", "learner") == []
    assert [
        item["statement_id"]
        for item in store.list_stored(condition={"outcome": "held", "reason": "course_unknown"}).items
    ] == ["s0"]


def test_pages_of_pending_statements_go_on(table: Table) -> None:
    StatementIntake(table, "acme", says_the_same).add([new(f"s{n}") for n in range(3)], stored_at=NOW, client_id="c")
    store = StatementStore(table, "acme")
    first = store.list_pending("received", limit=2)
    second = store.list_pending("received", limit=2, after=first.last_key)

    assert [item["statement_id"] for item in (*first.items, *second.items)] == ["s0", "s1", "s2"]


def test_linkedins_path_loads_neither_pydantic_nor_httpx() -> None:
    code = "import sys, statements_handler; print(sorted({'pydantic', 'httpx'} & set(sys.modules)))"
    path = ":".join(entry for entry in sys.path if entry)
    import subprocess  # noqa: PLC0415

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )

    assert ran.stdout == "[]\n"
