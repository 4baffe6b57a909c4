"""A dead letter says which record was set aside and why, and names nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge import clients
from coursebridge.dead_letters import set_aside
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import to_wire

if TYPE_CHECKING:
    from coursebridge.storage.table import Table


def letter(key: keys.Key) -> dict[str, Any]:
    """Set a record aside, and return the message in the queue."""
    url = clients.sqs().create_queue(QueueName="dead")["QueueUrl"]
    set_aside(url, {"dynamodb": {"Keys": to_wire(key.item()), "SequenceNumber": "7"}}, "it cannot be read")
    [message] = clients.sqs().receive_message(QueueUrl=url)["Messages"]
    return dict(json.loads(message["Body"]))


def test_a_record_is_named_by_its_keys(table: Table) -> None:
    key = keys.course("acme", "urn:li:lyndaCourse:9")

    assert letter(key)["keys"] == key.item()


@pytest.mark.parametrize("kind", ["email", "username"])
def test_an_identity_is_named_by_a_digest(table: Table, kind: str) -> None:
    told = letter(keys.identity("acme", kind, "ada@example.com"))

    assert told["keys"]["PK"].startswith("IDENTITY#sha256:")
    assert told["sequence_number"] == "7"
    assert "ada" not in json.dumps(told)
