"""Brings home what the stream lost: statements nobody has judged, and held ones whose wait is over.

The stream keeps a day and can fail for longer; the sparse index over what is not applied has no such limit. Sweeping
sends statements round again and decides nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from coursebridge.apply.release import held, release
from coursebridge.clock import rfc3339
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.table import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from coursebridge.storage.table import Item, Table

LOST_AFTER = timedelta(minutes=2)
SHARE = 100


@dataclass(frozen=True)
class Swept:
    """What a sweep sent round again."""

    unjudged: int = 0
    waited_for_course: int = 0
    waited_for_learner: int = 0


def integrations(table: Table) -> Iterator[str]:
    """Yield the ids of all integrations."""
    for item in table.query_all("INTEGRATIONS", index=keys.GSI1):
        yield item["id"]


def sweep(table: Table, integration_id: str, now: datetime) -> Swept:
    """Send round again what is due in one integration."""
    return Swept(
        unjudged=release(table, integration_id, _unjudged(table, integration_id, now), now, again=True),
        waited_for_course=release(table, integration_id, _course_has_come(table, integration_id), now),
        waited_for_learner=release(table, integration_id, _learner_has_come(table, integration_id), now),
    )


def _unjudged(table: Table, integration_id: str, now: datetime) -> Iterator[str]:
    """Yield statements that were stored, or sent round, some time ago and are still as they were."""
    due = f"received###{rfc3339(now - LOST_AFTER)}"
    for item in table.query_all(f"PENDING#{integration_id}", index=keys.GSI3, between=("received#", due)):
        yield item["statement_id"]


def _course_has_come(table: Table, integration_id: str) -> Iterator[str]:
    for share in chunks(held(table, integration_id, "course_unknown"), SHARE):
        found = table.get_many({keys.course(integration_id, item["awaited"]) for item in share}, consistent=False)
        urns = {key.sk for key in found}
        yield from (item["statement_id"] for item in share if item["awaited"] in urns)


def _learner_has_come(table: Table, integration_id: str) -> Iterator[str]:
    integration = table.get(keys.integration(integration_id)) or {}
    if integration.get("learner_matching") == "open":
        yield from (item["statement_id"] for item in held(table, integration_id, "learner_unknown"))
    else:
        yield from _by_identity(table, integration_id, "learner_unknown", lambda live, _inactive: bool(live))
    yield from _by_identity(table, integration_id, "learner_ambiguous", lambda live, _inactive: len(live) <= 1)
    yield from _by_identity(table, integration_id, "learner_inactive", lambda live, inactive: not live & inactive)


def _by_identity(
    table: Table, integration_id: str, reason: str, is_due: Callable[[frozenset[str], frozenset[str]], bool]
) -> Iterator[str]:
    """Yield what need not wait any longer, judged by who holds the identifier and who of them is inactive."""
    for share in chunks(held(table, integration_id, reason), SHARE):
        places = {item["awaited"]: _identity_key(integration_id, item) for item in share}
        found = table.get_many(places.values(), consistent=False)
        live = {
            awaited: frozenset(IdentityItem.from_item(found[key]).live if key in found else ())
            for awaited, key in places.items()
        }
        inactive = _inactive(table, integration_id, frozenset[str]().union(*live.values()))
        due = {awaited for awaited, learners in live.items() if is_due(learners, inactive)}
        yield from (item["statement_id"] for item in share if item["awaited"] in due)


def _inactive(table: Table, integration_id: str, learners: frozenset[str]) -> frozenset[str]:
    found = table.get_many((keys.learner(integration_id, one) for one in learners), consistent=False)
    return frozenset(item["id"] for item in found.values() if item["status"] != "active")


def _identity_key(integration_id: str, item: Item) -> keys.Key:
    kind, _, value = item["awaited"].partition(":")
    return keys.identity(integration_id, kind, value)
