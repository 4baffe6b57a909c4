"""What is known of an integration besides its settings: its syncs, LinkedIn's calls and the statements that came."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

from coursebridge.apply.release import held
from coursebridge.auth.clients import Client
from coursebridge.catalog.sync.awaiting import is_asset
from coursebridge.storage import keys
from coursebridge.storage.run_shapes import KINDS
from coursebridge.storage.statements import StatementStore
from coursebridge.storage.unknown_courses import UnknownCourseStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coursebridge.integrations.models import Integration
    from coursebridge.storage.run_shapes import Kind, Remembered
    from coursebridge.storage.statement_outcomes import HeldReason
    from coursebridge.storage.table import Item, Table


@dataclass(frozen=True)
class Situation:
    """How an integration stands.

    Attributes:
        syncs: what each kind of sync remembers; empty before its first run.
        webhook: the client LinkedIn uses; ``None`` if an admin deleted it.
        last_statement: the statement stored last.
        mismatched: how many statements are held as ``actor_mismatch``, counted up to a hundred.
    """

    syncs: Mapping[Kind, Remembered]
    webhook: Client | None
    last_statement: Item | None
    mismatched: int

    @property
    def webhook_used_at(self) -> str | None:
        """Return when LinkedIn last asked for a token, accurate to the hour."""
        used = [secret.last_used_at for secret in self.webhook.secrets if secret.last_used_at] if self.webhook else []
        return max(used, default=None)


def situations(table: Table, integrations: Sequence[Integration]) -> Iterator[Situation]:
    """Yield the situation of each integration, with one batch read for all and two queries for each."""
    wanted = [keys.client(integration.webhook_client_id) for integration in integrations]
    wanted += [keys.sync_state(integration.id, kind) for integration in integrations for kind in KINDS]
    found = table.get_many(wanted, consistent=False)
    for integration in integrations:
        client = found.get(keys.client(integration.webhook_client_id))
        yield Situation(
            {kind: cast("Remembered", found.get(keys.sync_state(integration.id, kind), {})) for kind in KINDS},
            Client.from_item(client) if client else None,
            StatementStore(table, integration.id).newest(),
            held_count(table, integration.id, "actor_mismatch", most=100),
        )


def held_count(table: Table, integration_id: str, reason: HeldReason, most: int | None = None) -> int:
    """Return how many statements are held for a reason, counted up to ``most``."""
    return table.count(
        keys.pending_partition(integration_id), index=keys.GSI3, prefix=keys.pending_prefix("held", reason), most=most
    )


def stranded_count(table: Table, integration_id: str, most: int) -> int:
    """Count, in the first ``most`` statements without a course, those with none or one that LinkedIn did not give."""
    unknown = UnknownCourseStore(table, integration_id).get()
    waiting = (item["awaited"] for item in islice(held(table, integration_id, "course_unknown"), most))
    return sum(urn in unknown or not is_asset(urn) for urn in waiting)
