"""Items brought back from a restored table."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import boto3
import pytest
import typer
from typer.testing import CliRunner

from coursebridge.catalog.search.publishing import FORM
from coursebridge.storage import keys
from coursebridge.storage.runs import STALE, RunStore
from coursebridge.storage.table import Item, Table
from tools import restore
from tools.restore import Restorer, check_pseudonyms
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


def test_the_clients_of_an_integration_come_back_with_it(table: Table, restored: Table) -> None:
    for client_id, integration_id in (("linkedin-1", "acme"), ("linkedin-2", "acme2"), ("admin", None)):
        restored.put({**keys.client(client_id).item(), "client_id": client_id, "integration_id": integration_id})

    assert Restorer("restored", table.name, "acme", client=table.client).run() == {"copied": 1}
    assert table.get(keys.client("linkedin-1")) is not None


def integration(integration_id: str) -> Item:
    return {**keys.integration(integration_id).item(), "entity": "integration", "id": integration_id}


def test_lists_of_what_was_brought_back_are_made_anew_by_the_next_sync(table: Table, restored: Table) -> None:
    restored.put_many([integration("acme"), course("a"), integration("other")])
    for name in ("acme", "other"):
        for place in (table, restored):
            RunStore(place, name, "catalog").remember(index_form=FORM, watermark="then")

    restorer = Restorer("restored", table.name, "acme", client=table.client)
    restorer.run()

    assert restorer.integrations == {"acme"}
    states = {name: RunStore(table, name, "catalog").state() for name in ("acme", "other")}
    assert {name: state["index_form"] for name, state in states.items()} == {"acme": STALE, "other": FORM}
    assert states["acme"]["watermark"] == "then"


def pseudonym_key(name: str, key: str) -> str:
    secret = boto3.client("secretsmanager").create_secret(Name=name, SecretString=f'{{"key": "{key}"}}')
    return str(secret["ARN"])


@pytest.mark.parametrize(
    ("source", "theirs", "refusal"),
    [
        pytest.param("copy", None, None, id="this stack's own table, as it was"),
        pytest.param("restored", None, "was not restored from", id="a table of another stack"),
        pytest.param("restored", "other", "would not recognise erased people", id="with another key"),
        pytest.param("restored", "ours", None, id="whose key was carried over"),
        pytest.param("copy", "other", "would not recognise erased people", id="whatever was named counts"),
    ],
)
def test_nothing_is_copied_from_where_people_were_erased_under_another_key(
    table: Table, restored: Table, source: str, theirs: str | None, refusal: str | None
) -> None:
    boto3.client("dynamodb").restore_table_to_point_in_time(SourceTableName=table.name, TargetTableName="copy")
    ours = pseudonym_key("ours", "ours")
    named = pseudonym_key("theirs", theirs) if theirs else ""

    with pytest.raises(typer.BadParameter, match=refusal) if refusal else nullcontext():
        check_pseudonyms(source, table.name, named, ours)


def test_the_command_says_what_is_left_to_do_for_each_integration(
    table: Table, restored: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored.put_many([integration("acme"), course("a", title="a")])
    ids: dict[str, Any] = {"Table": table.name, "PseudonymKey": pseudonym_key("ours", "k")}
    monkeypatch.setattr(restore, "_physical_id", lambda _stack, logical_id: ids[logical_id])
    app = typer.Typer()
    app.command()(restore.main)

    refused = CliRunner().invoke(app, ["--source", "restored"])
    assert (refused.exit_code, titles(table)) == (2, {})
    done = CliRunner().invoke(app, ["--source", "restored", "--pseudonym-key", ids["PseudonymKey"]])

    assert titles(table) == {"a": "a"}
    assert "2 items copied" in done.output
    assert "coursebridge integrations set -i acme" in done.output
