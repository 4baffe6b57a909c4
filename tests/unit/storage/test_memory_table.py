"""The table of plain dictionaries, which replaces the real one in many tests: the same cases hold for both."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from coursebridge.storage.keys import Key
from coursebridge.storage.table import ConditionFailed, Page, Table, TransactionRefused, position
from memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, OTHER = Key("P", "S"), Key("P", "T")
REFUSED = (ClientError, AssertionError)
"""What either table raises for a request that it refuses."""
FUNCTIONS = {name for name, value in vars(Table).items() if inspect.isfunction(value) and not name.startswith("_")}


@pytest.fixture(params=["memory", "moto"])
def either(request: pytest.FixtureRequest) -> Any:
    """An empty table: one of plain dictionaries, then the template's."""
    return MemoryTable() if request.param == "memory" else request.getfixturevalue("table")


def item(key: Key = KEY, **attributes: Any) -> dict[str, Any]:
    return {**key.item(), **attributes}


def lettered(table: Any) -> None:
    """Fill two partitions with the same six items."""
    for pk in ("P", "Q"):
        for letter in "ab":
            for n in range(3):
                table.put({"PK": pk, "SK": f"{letter}{n}", "n": n, "tag": {"letter": letter}})


def sort_keys(page: Page) -> list[str]:
    return [one["SK"] for one in page.items]


def test_it_can_do_all_that_the_real_one_can_and_nothing_else() -> None:
    public = {name for name, value in vars(MemoryTable).items() if inspect.isfunction(value) and name[0] != "_"}

    assert public == FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_its_signatures_are_the_real_ones(name: str) -> None:
    def shape(of: type) -> list[tuple[str, Any, Any]]:
        return [(one.name, one.kind, one.default) for one in inspect.signature(getattr(of, name)).parameters.values()]

    assert shape(MemoryTable) == shape(Table)


def test_what_is_put_is_read_back_as_plain_values_of_its_own(either: Any) -> None:
    given = item(a=1, b=[1, (2, 3)], c={"d": None, "e": True}, f=b"x", g=Decimal("1.5"), h=Decimal(2), i="")
    either.put(given)
    given["b"].append(9)

    read = either.get(KEY)
    read["c"]["d"] = "changed"

    assert either.get(KEY) == item(a=1, b=[1, [2, 3]], c={"d": None, "e": True}, f=b"x", g=1.5, h=2, i="")
    assert either.get(OTHER) is None


def test_a_float_is_refused(either: Any) -> None:
    with pytest.raises((TypeError, AssertionError)):
        either.put(item(a=1.5))


@pytest.mark.parametrize(
    ("condition", "values", "standing", "holds"),
    [
        ("attribute_not_exists(PK)", None, None, True),
        ("attribute_not_exists(PK)", None, {"n": 1}, False),
        ("attribute_exists(PK)", None, None, False),
        ("attribute_exists(PK)", None, {"n": 1}, True),
        ("n = :n", {":n": 1}, {"n": 1}, True),
        ("n = :n", {":n": 1}, {"n": 2}, False),
        ("n = :n", {":n": 1}, {}, False),
        ("n = :n", {":n": 1}, None, False),
        ("n = :n", {":n": None}, {"n": None}, True),
        ("n <> :n", {":n": 1}, {"n": 1}, False),
        ("n <> :n", {":n": 1}, {"n": 2}, True),
        ("n <> :n", {":n": 1}, {}, True),
        ("n <> :n", {":n": 1}, None, True),
        ("n = :n AND m = :m", {":n": 1, ":m": 1}, {"n": 1, "m": 1}, True),
        ("n = :n AND m = :m", {":n": 1, ":m": 1}, {"n": 1, "m": 2}, False),
        ("n = :n OR m = :m", {":n": 1, ":m": 1}, {"n": 2, "m": 1}, True),
        ("n = :n OR m = :m", {":n": 1, ":m": 1}, {"n": 2, "m": 2}, False),
        ("attribute_not_exists(PK) OR n = :n AND m = :m", {":n": 1, ":m": 1}, {"n": 1, "m": 2}, False),
        ("attribute_not_exists(PK) OR n = :n AND m = :m", {":n": 1, ":m": 1}, None, True),
    ],
)
def test_a_condition_is_about_what_stands_there(
    either: Any, condition: str, values: dict[str, Any] | None, standing: dict[str, Any] | None, holds: bool
) -> None:
    if standing is not None:
        either.put(item(**standing))

    if holds:
        either.put(item(new=True), condition=condition, values=values)
    else:
        with pytest.raises(ConditionFailed) as refused:
            either.put(item(new=True), condition=condition, values=values)
        assert refused.value.item == (item(**standing) if standing is not None else {})

    kept = item(**standing) if standing is not None else None
    assert either.get(KEY) == (item(new=True) if holds else kept)


CHANGE, CONDITION = "SET n = :new", "n = :n"
WAYS: dict[str, Callable[[Any, int], Any]] = {
    "update": lambda table, n: table.update(KEY, CHANGE, {":new": 5, ":n": n}, condition=CONDITION),
    "delete": lambda table, n: table.delete(KEY, condition=CONDITION, values={":n": n}),
    "put action": lambda table, n: table.transact([table.put_action(item(n=5), condition=CONDITION, values={":n": n})]),
    "update action": lambda table, n: table.transact(
        [table.update_action(KEY, CHANGE, {":new": 5, ":n": n}, condition=CONDITION)]
    ),
    "delete action": lambda table, n: table.transact([table.delete_action(KEY, condition=CONDITION, values={":n": n})]),
    "check action": lambda table, n: table.transact([table.check_action(KEY, CONDITION, {":n": n})]),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_write_takes_a_condition(either: Any, way: str) -> None:
    either.put(item(n=1))

    with pytest.raises((ConditionFailed, TransactionRefused)):
        WAYS[way](either, 2)
    assert either.get(KEY) == item(n=1)
    WAYS[way](either, 1)

    after = {"delete": None, "check": item(n=1)}.get(way.split(maxsplit=1)[0], item(n=5))
    assert either.get(KEY) == after


def test_an_update_sets_sums_up_and_removes_and_answers_the_whole_item(either: Any) -> None:
    either.put(item(n=1, former="x", kept="y", inner={"count": 5, "other": 1}))

    updated = either.update(
        KEY,
        "SET #status = :on, n = n + :two, #i.#c = #i.#c + :two REMOVE former, absent ADD seen :two",
        {":on": "on", ":two": 2},
        names={"#status": "status", "#i": "inner", "#c": "count"},
    )

    whole = item(n=3, kept="y", inner={"count": 7, "other": 1}, status="on", seen=2)
    assert updated == either.get(KEY) == whole


def test_an_update_sees_the_item_as_it_was_before(either: Any) -> None:
    either.put(item(a=1, b=10))

    assert either.update(KEY, "SET a = b + :one, b = a + :one", {":one": 1}) == item(a=11, b=2)


def test_an_update_of_what_is_not_there_makes_it(either: Any) -> None:
    assert either.update(KEY, "SET n = :n", {":n": 1}) == item(n=1)


@pytest.mark.parametrize(
    ("values", "names"), [({":n": 1, ":m": 2}, None), ({}, None), ({":n": 1}, {"#n": "n"})], ids=str
)
def test_values_and_names_are_those_of_the_expression(either: Any, values: Any, names: Any) -> None:
    with pytest.raises(REFUSED):
        either.update(KEY, "SET n = :n", values, names=names)


def test_an_update_in_a_transaction_builds_upon_what_stands_there_then(either: Any) -> None:
    action = either.update_action(KEY, "SET n = :n", {":n": 1})
    either.put(item(m=5))

    either.transact([action])

    assert either.get(KEY) == item(n=1, m=5)


def test_a_transaction_is_all_or_nothing_and_says_what_refused_it(either: Any) -> None:
    either.put(item(OTHER, n=1))

    with pytest.raises(TransactionRefused) as refused:
        either.transact(
            [
                either.put_action(item(n=2)),
                either.check_action(OTHER, "n = :n", {":n": 2}),
            ]
        )

    assert refused.value.failed == (False, True)
    assert refused.value.items == ({}, item(OTHER, n=1))
    assert either.get(KEY) is None


def test_a_transaction_puts_updates_and_deletes_at_once(either: Any) -> None:
    third = Key("P", "U")
    either.put_many([item(OTHER, n=1), item(third)])

    either.transact(
        [
            either.put_action(
                item(n=2), condition="attribute_not_exists(PK) OR #n = :n", values={":n": 1}, names={"#n": "n"}
            ),
            either.update_action(OTHER, "SET #n = #n + :n", {":n": 1}, names={"#n": "n"}),
            either.delete_action(third),
        ]
    )

    assert either.get_many([KEY, OTHER, third]) == {KEY: item(n=2), OTHER: item(OTHER, n=2)}


def test_a_key_comes_once_in_a_transaction(either: Any) -> None:
    with pytest.raises(REFUSED):
        either.transact([either.put_action(item()), either.check_action(KEY, "attribute_exists(PK)")])


def test_it_refuses_what_dynamodb_does_where_moto_is_lenient() -> None:
    table = MemoryTable()
    table.put(item())

    with pytest.raises(AssertionError):
        table.put_many([item(n=1), item(n=2)])
    with pytest.raises(AssertionError):
        table.delete_many([KEY, KEY])
    # A missing attribute is not null.
    with pytest.raises(ConditionFailed):
        table.put(item(), condition="n = :n", values={":n": None})


@pytest.mark.parametrize("condition", ["begins_with(n, :n)", "(n = :n)", "n > :n", "attribute_exists(n) AND n = :n"])
def test_it_refuses_a_condition_it_does_not_know(condition: str) -> None:
    table = MemoryTable()
    table.put(item(n=1))

    with pytest.raises(AssertionError, match="does not know"):
        table.put(item(), condition=condition, values={":n": 1})


@pytest.mark.parametrize("change", ["SET n = if_not_exists(n, :n)", "SET n = n - :n", "DELETE n :n"])
def test_it_refuses_a_change_it_does_not_know(change: str) -> None:
    with pytest.raises(AssertionError, match="does not know"):
        MemoryTable().update(KEY, change, {":n": 1})


def test_many_are_written_read_and_deleted(either: Any) -> None:
    assert either.put_many(item(Key("P", str(n)), n=n) for n in range(30)) == 30
    assert either.delete_many(Key("P", str(n)) for n in range(5, 40)) == 35
    found = either.get_many([Key("P", str(n)) for n in (0, 1, 1, 9)], consistent=False)

    assert found == {Key("P", str(n)): item(Key("P", str(n)), n=n) for n in (0, 1)}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, ["a0", "a1", "a2", "b0", "b1", "b2"]),
        ({"ascending": False}, ["b2", "b1", "b0", "a2", "a1", "a0"]),
        ({"prefix": "a"}, ["a0", "a1", "a2"]),
        ({"prefix": "c"}, []),
        ({"between": ("a1", "b0")}, ["a1", "a2", "b0"]),
        ({"between": ("a1", "a1")}, ["a1"]),
        ({"between": ("a1", "b0"), "ascending": False}, ["b0", "a2", "a1"]),
        ({"prefix": "b", "between": ("a1", "b0")}, ["b0", "b1", "b2"]),
        ({"condition": "n = :n", "values": {":n": 1}}, ["a1", "b1"]),
        ({"condition": "#n <> :n", "values": {":n": 1}, "names": {"#n": "n"}}, ["a0", "a2", "b0", "b2"]),
        ({"limit": 2}, ["a0", "a1"]),
        ({"limit": 2, "ascending": False}, ["b2", "b1"]),
        # The limit applies to the items read, not to those that pass the condition.
        ({"limit": 2, "condition": "n = :n", "values": {":n": 1}}, ["a1"]),
        ({"limit": 1, "condition": "n = :n", "values": {":n": 1}}, []),
        ({"after": {"PK": "P", "SK": "a2"}}, ["b0", "b1", "b2"]),
        ({"after": {"PK": "P", "SK": "a2"}, "limit": 1}, ["b0"]),
        ({"after": {"PK": "P", "SK": "a2"}, "ascending": False}, ["a1", "a0"]),
        ({"after": {"PK": "P", "SK": "b2"}}, []),
        ({"consistent": True}, ["a0", "a1", "a2", "b0", "b1", "b2"]),
    ],
    ids=str,
)
def test_a_query_does_what_its_options_say(either: Any, options: dict[str, Any], found: list[str]) -> None:
    lettered(either)

    assert sort_keys(either.query("P", **options)) == found


def test_a_query_returns_the_attributes_asked_for_as_far_as_they_are_there(either: Any) -> None:
    lettered(either)

    page = either.query("P", prefix="a", limit=1, attributes=("n", "tag", "absent"))

    assert page.items == [{"n": 0, "tag": {"letter": "a"}}]
    assert page.last_key == {"PK": "P", "SK": "a0"}


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 7])
def test_pages_go_on_from_the_key_of_the_one_before(either: Any, limit: int) -> None:
    lettered(either)

    pages = list(either.pages("P", limit=limit))

    assert [key for page in pages for key in sort_keys(page)] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert max(len(page.items) for page in pages) == min(limit, 6)
    assert next(either.query_all("P", limit=limit, ascending=False))["SK"] == "b2"
    after_a1 = either.query_all("P", limit=limit, after={"PK": "P", "SK": "a1"})
    assert [one["SK"] for one in after_a1] == ["a2", "b0", "b1", "b2"]


def test_an_index_has_what_carries_its_keys_in_the_order_of_its_own(either: Any) -> None:
    for n, place in enumerate(["3", "1", "2"]):
        either.put(item(Key(f"P{n}", "S"), GSI1PK="I", GSI1SK=place))
    either.put(item(Key("P9", "S")))
    page = either.query("I", index="GSI1", limit=2)

    assert [one["GSI1SK"] for one in page.items] == ["1", "2"]
    assert page.last_key == position(page.items[-1], "GSI1")
    assert [one["PK"] for one in either.query("I", index="GSI1", after=page.last_key).items] == ["P0"]
    assert either.query("I", index="GSI1", prefix="2").items[0]["PK"] == "P2"
    assert either.count("I", index="GSI1") == 3


def test_no_index_is_read_consistently(either: Any) -> None:
    with pytest.raises(REFUSED):
        either.query("I", index="GSI1", consistent=True)


def test_items_are_counted_up_to_a_bound(either: Any) -> None:
    lettered(either)

    assert either.count("P") == 6
    assert either.count("P", prefix="a") == 3
    assert either.count("P", most=4) == 4
    assert either.count("P", most=9) == 6
    assert either.count("R") == 0
