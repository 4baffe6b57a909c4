"""Tombstones: what stays of an erased person's identifiers, so that nothing sent later brings the person back.

A tombstone holds nothing but a keyed digest of the identifier, from which nobody can read the identifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.records.identifiers import digest
from coursebridge.storage import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coursebridge.records.identifiers import Identifier
    from coursebridge.storage.table import Item, Table


def tombstone_key(integration_id: str, identifier: Identifier, pseudonym_key: str) -> keys.Key:
    """Return the table key of an identifier's tombstone, whether or not there is one."""
    return keys.tombstone(integration_id, digest(identifier, pseudonym_key))


def tombstone_item(integration_id: str, identifier: Identifier, pseudonym_key: str, erased_at: str) -> Item:
    """Return the table item of an identifier's tombstone."""
    key = tombstone_key(integration_id, identifier, pseudonym_key)
    return {**key.item(), "entity": "tombstone", "erased_at": erased_at}


def erased_among(
    table: Table, integration_id: str, identifiers: Iterable[Identifier], pseudonym_key: str
) -> frozenset[Identifier]:
    """Return those of these identifiers that have a tombstone."""
    places = {tombstone_key(integration_id, identifier, pseudonym_key): identifier for identifier in identifiers}
    return frozenset(places[key] for key in table.get_many(places))
