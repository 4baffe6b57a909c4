"""Sorts the stream records of one batch into statements to apply and reasons to release held ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coursebridge.apply.release import release_for_courses, release_for_identities, release_for_settings
from coursebridge.apply.service import pending
from coursebridge.records.identifiers import Identifier
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import from_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

MATCHING = ("learner_identification", "learner_matching", "statistics_since")
"""The settings that decide how statements are matched and judged."""


def _by_integration() -> dict[str, set[str]]:
    return defaultdict(set)


@dataclass
class Batch:
    """The work that the records of a batch call for.

    Attributes:
        statements: statements to apply, each with the sequence number of its first record, by partition key.
        courses: URNs of new courses, by integration.
        identities: identifiers whose identity changed, as ``Identifier.awaited``, by integration.
        rules: ids of integrations whose matching settings changed.
    """

    statements: dict[str, tuple[str, Item]] = field(default_factory=dict)
    courses: dict[str, set[str]] = field(default_factory=_by_integration)
    identities: dict[str, set[str]] = field(default_factory=_by_integration)
    rules: set[str] = field(default_factory=set)

    def add(self, change: dict[str, Any]) -> None:
        """Add the change of one item, in DynamoDB's own notation.

        Raises:
            KeyError, TypeError, ValueError: the item is malformed.
        """
        item = from_wire(change["NewImage"])
        if item.get("outcome") == "received":
            # Read here only to fail early: one unreadable statement must not stop the others.
            pending(item)
            self.statements.setdefault(item["PK"], (change["SequenceNumber"], item))
        elif keys.is_course(item):
            self.courses[item["integration_id"]].add(item["urn"])
        elif keys.is_identity(item):
            self.identities[item["integration_id"]].add(Identifier(item["kind"], item["value"]).awaited)
        elif _matches_otherwise(item, from_wire(change.get("OldImage", {}))):
            self.rules.add(item["id"])

    def items(self) -> list[Item]:
        """Return the statements to apply."""
        return [item for _, item in self.statements.values()]

    def sequence_numbers(self, items: Iterable[Item]) -> list[str]:
        """Return the sequence numbers of the records that brought these statements."""
        return [self.statements[item["PK"]][0] for item in items]

    def release(self, table: Table, now: datetime) -> int:
        """Release the statements that waited for what has changed; return how many."""
        released = sum(release_for_settings(table, integration_id, now) for integration_id in self.rules)
        return (
            released
            + _released(release_for_identities, table, self.identities, now)
            + _released(release_for_courses, table, self.courses, now)
        )


def _released(
    release: Callable[[Table, str, set[str], datetime], int], table: Table, awaited: dict[str, set[str]], now: datetime
) -> int:
    return sum(release(table, integration_id, each, now) for integration_id, each in awaited.items())


def _matches_otherwise(item: Item, before: Item) -> bool:
    return any(item[name] != before.get(name) for name in MATCHING)
