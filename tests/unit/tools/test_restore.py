"""Items brought back from a restored table."""

from __future__ import annotations

import pytest

from coursebridge.storage import keys
from coursebridge.storage.table import Item, Table
from tools.restore import Restorer
from unit.conftest import table_properties


@pytest.fixture
def restored(table: Table) -> Table:
    table.client.create_table(TableName="restored", **table_properties())
    return Table(table.client, "restored")


def course(urn: str, integration: str = "acme", **more: str) -> Item:
    return {**keys.course(integration, urn).item(), **more}


def titles(table: Table) -> dict[str, str]:
    partitions = keys.course_partitions("acme")
    return {item["SK"]: item["title"] for pk in partitions for item in table.query_all(pk)}


def test_what_is_missing_comes_back_and_what_is_there_stays(table: Table, restored: Table) -> None:
    restored.put_many([course("a", title="old a"), course("b", title="old b")])
    table.put(course("a", title="new a"))

    assert Restorer("restored", table.name, client=table.client).run() == {"copied": 1, "kept": 1}
    assert titles(table) == {"a": "new a", "b": "old b"}


def test_overwriting_brings_everything_back_as_it_was(table: Table, restored: Table) -> None:
    restored.put(course("a", title="old a"))
    table.put(course("a", title="new a"))

    assert Restorer("restored", table.name, overwrite=True, client=table.client).run() == {"copied": 1}
    assert titles(table) == {"a": "old a"}


def test_one_integration_can_be_brought_back_alone(table: Table, restored: Table) -> None:
    restored.put_many([course("a", title="a"), course("b", integration="acme2", title="b")])

    Restorer("restored", table.name, "acme", client=table.client).run()

    assert titles(table) == {"a": "a"}
    assert table.get(keys.course("acme2", "b")) is None
