"""DynamoDB through plain dictionaries, tried on the template's table."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.errors import TooLarge, Unavailable
from coursebridge.storage import table as module
from coursebridge.storage.attribute_values import from_wire, to_wire
from coursebridge.storage.keys import Key
from coursebridge.storage.table import ConditionFailed, TransactionRefused, chunks, one_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Page, Table

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text() | st.binary(min_size=1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=10,
)


def item(pk: str, sk: str = "S", **attributes: Any) -> dict[str, Any]:
    return {"PK": pk, "SK": sk, **attributes}


@given(st.dictionaries(st.text(min_size=1), values, max_size=4))
def test_an_item_comes_back_as_it_was(plain: dict[str, Any]) -> None:
    assert from_wire(to_wire(plain)) == plain


def test_a_fraction_written_by_someone_else_is_read_as_one() -> None:
    assert from_wire({"n": {"N": "1.5"}}) == {"n": 1.5}


@given(st.lists(st.integers()), st.integers(1, 7))
def test_chunks_keep_order_and_size(things: list[int], size: int) -> None:
    parts = list(chunks(things, size))

    assert [thing for part in parts for thing in part] == things
    assert all(0 < len(part) <= size for part in parts)


def test_an_item_that_is_not_there_is_none(table: Table) -> None:
    assert table.get(Key("P", "S")) is None


def test_many_items_are_read_whatever_their_number_and_absent_ones_are_left_out(table: Table) -> None:
    table.put_many(item(f"P{n}", n=n) for n in range(130))

    found = table.get_many([Key(f"P{n}", "S") for n in range(140)])

    assert {key.pk: value["n"] for key, value in found.items()} == {f"P{n}": n for n in range(130)}


def test_a_refused_put_carries_what_stands_there(table: Table) -> None:
    table.put(item("P", n=1))

    with pytest.raises(ConditionFailed) as refused:
        table.put(item("P", n=2), condition="attribute_not_exists(PK)")

    assert refused.value.item == item("P", n=1)


def test_an_update_answers_the_new_item(table: Table) -> None:
    table.put(item("P", n=1, former="x"))

    updated = table.update(
        Key("P", "S"), "SET n = :n, #status = :s REMOVE former", {":n": 2, ":s": "on"}, names={"#status": "status"}
    )

    assert updated == item("P", n=2, status="on")


def test_a_conditional_delete_is_refused_and_a_plain_one_of_nothing_is_fine(table: Table) -> None:
    table.delete(Key("P", "S"))
    table.put(item("P", n=1))

    with pytest.raises(ConditionFailed):
        table.delete(Key("P", "S"), condition="n = :n", values={":n": 2})
    assert table.delete_many([Key("P", "S")]) == 1
    assert table.get(Key("P", "S")) is None


def test_a_query_selects_by_prefix_bounds_filter_and_attributes_in_either_order(table: Table) -> None:
    table.put_many(item("P", f"{letter}{n}", n=n, letter=letter) for letter in "ab" for n in range(3))

    assert [one["SK"] for one in table.query("P", prefix="a").items] == ["a0", "a1", "a2"]
    assert [one["SK"] for one in table.query("P", between=("a1", "b0"), ascending=False).items] == ["b0", "a2", "a1"]
    found = table.query("P", condition="#n = :n", values={":n": 1}, names={"#n": "n"}, attributes=["SK"])
    assert found.items == [{"SK": "a1"}, {"SK": "b1"}]


def test_pages_follow_one_another_to_the_end(table: Table) -> None:
    table.put_many(item("P", f"{n:02}") for n in range(5))
    first = table.query("P", limit=2)

    assert first.last_key is not None
    assert [one["SK"] for one in table.query("P", after=first.last_key).items] == ["02", "03", "04"]
    assert [one["SK"] for one in table.query_all("P", limit=2)] == ["00", "01", "02", "03", "04"]


def test_the_next_page_is_fetched_while_one_is_worked_on(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.put_many(item("P", f"{n:02}") for n in range(8))
    query, asked = table.query, list[Any]()
    second = threading.Event()

    def noted(pk: str, **options: Any) -> Page:
        asked.append(options["after"])
        if len(asked) == 2:
            second.set()
        return query(pk, **options)

    monkeypatch.setattr(table, "query", noted)
    pages = one_ahead(table.pages("P", limit=2))
    assert [one["SK"] for one in next(pages).items] == ["00", "01"]

    assert second.wait(10), "the second page is asked for though nobody has come to it"
    assert [one["SK"] for page in pages for one in page.items] == [f"{n:02}" for n in range(2, 8)]
    assert len(asked) == len(set(map(str, asked)))


def test_what_goes_wrong_ahead_is_told_when_it_is_come_to() -> None:
    def things() -> Iterator[int]:
        yield 1
        raise KeyError

    ahead = one_ahead(things())
    assert next(ahead) == 1
    with pytest.raises(KeyError):
        next(ahead)


def test_an_index_lists_what_carries_its_key(table: Table) -> None:
    table.put(item("P", GSI1PK="LIST", GSI1SK="1"))
    table.put(item("Q"))

    assert [one["PK"] for one in table.query("LIST", index="GSI1").items] == ["P"]


def test_items_are_counted_up_to_a_bound(table: Table) -> None:
    table.put_many(item("P", f"{n:02}") for n in range(7))

    assert table.count("P") == 7
    assert table.count("P", prefix="0", most=3) == 3


def test_a_transaction_is_all_or_nothing_and_says_what_stood_in_the_way(table: Table) -> None:
    table.put(item("A", n=1))

    with pytest.raises(TransactionRefused) as refused:
        table.transact(
            [
                table.put_action(item("B")),
                table.update_action(
                    Key("A", "S"), "SET #n = :two", {":two": 2, ":one": 7}, condition="n = :one", names={"#n": "n"}
                ),
                table.check_action(Key("C", "S"), "attribute_not_exists(PK)"),
            ]
        )

    assert refused.value.failed == (False, True, False)
    assert refused.value.items[1] == item("A", n=1)
    assert table.get(Key("B", "S")) is None


def test_a_transaction_that_passes_writes_everything(table: Table) -> None:
    table.put(item("A"))

    table.transact([table.put_action(item("B")), table.delete_action(Key("A", "S"))])

    assert table.get(Key("B", "S"))
    assert table.get(Key("A", "S")) is None


def client_error(code: str, **extra: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, **extra}
    return ClientError(answer, "operation")


SIZES = [
    "Item size to update has exceeded the maximum allowed size",
    "Item size has exceeded the maximum allowed size",
    "Transaction failed: The total size of all items in the transaction request cannot exceed 4 MB",
]


@pytest.mark.parametrize("message", SIZES)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_transaction_of_too_much_is_too_large_however_dynamodb_says_so(
    table: Table, message: str, wrapped: bool
) -> None:
    reasons = [{"Code": "None"}, {"Code": "ValidationError", "Message": message}]
    error = client_error("TransactionCanceledException", CancellationReasons=reasons)
    if not wrapped:
        error = ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "operation")

    with patch.object(table.client, "transact_write_items", side_effect=error), pytest.raises(TooLarge):
        table.transact([])


@pytest.mark.parametrize(
    "reasons",
    [
        [{"Code": "None"}, {"Code": "ThrottlingError"}],
        [{"Code": "ConditionalCheckFailed"}, {"Code": "ThrottlingError"}],
        [{"Code": "ValidationError", "Message": "The provided expression refers to an attribute"}, {"Code": "None"}],
    ],
)
def test_a_transaction_that_is_not_refused_because_of_other_writers_is_unavailable(
    table: Table, reasons: list[dict[str, str]]
) -> None:
    error = client_error("TransactionCanceledException", CancellationReasons=reasons)

    with patch.object(table.client, "transact_write_items", side_effect=error), pytest.raises(Unavailable):
        table.transact([])


def test_an_item_of_more_than_400_kb_is_too_large_in_a_transaction_as_in_a_put(table: Table) -> None:
    huge = item("P", text="x" * 410_000)

    with pytest.raises(TooLarge):
        table.put(huge)
    with pytest.raises(TooLarge):
        table.transact([table.put_action(item("Q")), table.put_action(huge)])

    assert table.get(Key("Q", "S")) is None


@pytest.mark.parametrize("code", sorted(module.BUSY))
def test_a_busy_table_is_unavailable_and_nothing_was_done(table: Table, code: str) -> None:
    with patch.object(table.client, "put_item", side_effect=client_error(code)), pytest.raises(Unavailable):
        table.put(item("P"))


def test_an_error_nobody_expects_stays_what_it_is(table: Table) -> None:
    with (
        patch.object(table.client, "get_item", side_effect=client_error("AccessDeniedException")),
        pytest.raises(ClientError, match="AccessDenied"),
    ):
        table.get(Key("P", "S"))


def test_what_dynamodb_left_over_of_a_batch_is_sent_again(table: Table) -> None:
    write, read = table.client.batch_write_item, table.client.batch_get_item
    left_over: Any = {"UnprocessedItems": {table.name: [{"PutRequest": {"Item": to_wire(item("P"))}}]}}
    unread: Any = {"Responses": {}, "UnprocessedKeys": {table.name: {"Keys": [to_wire(Key("P", "S").item())]}}}

    with patch.object(table.client, "batch_write_item", side_effect=[left_over, left_over, {}]) as writing:
        assert table.put_many([item("P")]) == 1
    assert writing.call_count == 3
    write(RequestItems=left_over["UnprocessedItems"])
    with patch.object(
        table.client, "batch_get_item", side_effect=[unread, read(RequestItems=unread["UnprocessedKeys"])]
    ):
        assert list(table.get_many([Key("P", "S")])) == [Key("P", "S")]


def test_a_batch_that_never_ends_is_unavailable(table: Table) -> None:
    left_over: Any = {"UnprocessedItems": {table.name: [{"PutRequest": {"Item": to_wire(item("P"))}}]}}
    unread: Any = {"Responses": {}, "UnprocessedKeys": {table.name: {"Keys": [to_wire(Key("P", "S").item())]}}}

    with patch.object(table.client, "batch_write_item", return_value=left_over), pytest.raises(Unavailable):
        table.put_many([item("P")])
    with patch.object(table.client, "batch_get_item", return_value=unread), pytest.raises(Unavailable):
        table.get_many([Key("P", "S")])


def test_an_item_larger_than_the_table_takes_is_the_callers_to_change(table: Table) -> None:
    with pytest.raises(TooLarge, match="400 KB"):
        table.put(item("P", text="x" * 410_000))


def test_a_count_goes_over_all_pages_and_stops_at_its_bound(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.put_many(item("P", f"{n:02}") for n in range(7))
    call, asked = table._call, list[Any]()

    def in_small_pages(operation: str, **request: Any) -> Any:
        asked.append(request.get("ExclusiveStartKey"))
        return call(operation, **{**request, "Limit": min(request.get("Limit", 3), 3)})

    monkeypatch.setattr(table, "_call", in_small_pages)

    assert table.count("P") == 7
    assert len(asked) == len(set(map(str, asked))) == 3
    assert table.count("P", most=5) == 5
