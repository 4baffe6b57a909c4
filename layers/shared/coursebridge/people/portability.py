"""Exports everything held about a person, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from coursebridge.people.erasure import is_theirs
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import family
from coursebridge.storage.statements import StatementStore, sent_as
from coursebridge.storage.table import Page

if TYPE_CHECKING:
    from coursebridge.storage.learners import Learner
    from coursebridge.storage.table import Item, Table

Read = Callable[["Item | None"], Page]
SMALL_PAGE = 10
"""Statements can be large, and a response is limited to 6 MB."""
MOST_BYTES = 2_000_000
INTERNAL = frozenset(
    {"PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK", "GSI3PK", "GSI3SK", "entity", "digest", "version"}
)


@dataclass(frozen=True)
class Held:
    """A page of what is held, and the position of the next page (``None`` at the end)."""

    items: list[dict[str, Any]]
    position: dict[str, Any] | None


def held_about(table: Table, learner: Learner, position: dict[str, Any] | None, limit: int) -> Held:
    """Return a page of what is held about a learner and everybody merged into them.

    Each item is ``{"kind": ..., "data": ...}``. First come each ``learner`` and the items stored with them (``record``,
    ...), then each ``statement`` as it was received.

    Args:
        table: the application's table.
        learner: the learner.
        position: the position of the page, ``None`` for the first one.
        limit: the number of items at which to stop; the last page read from the table may add a few more.
    """
    people = family(table, learner)
    section, after = (position["section"], position["after"]) if position else (0, None)
    sections = list(_sections(table, people))
    items: list[dict[str, Any]] = []
    size = 0
    while section < len(sections):
        kind, read = sections[section]
        page = read(after)
        news = [{"kind": item.get("entity", kind), "data": _public(item)} for item in page.items]
        items, size, after = items + news, size + len(json.dumps(news)), page.last_key
        section += after is None
        if len(items) >= limit or size >= MOST_BYTES:
            break
    return Held(items, {"section": section, "after": after} if section < len(sections) else None)


def _sections(table: Table, people: list[Learner]) -> Iterator[tuple[str, Read]]:
    for learner in people:
        yield "learner", partial(_of_learner, table, learner.key.pk)
    integration_id, ids = people[0].integration_id, frozenset(learner.id for learner in people)
    identifiers = list(dict.fromkeys(dated.identifier for learner in people for dated in learner.identifiers))
    places = {identifier: keys.identity(integration_id, *identifier) for identifier in identifiers}
    identities = table.get_many(places.values())
    for identifier, place in places.items():
        shared = place in identities and bool(IdentityItem.from_item(identities[place]).meant_now.keys() - ids)
        theirs = partial(is_theirs, identifier=identifier, ids=ids, own=not shared)
        for actor in sent_as(identifier):
            yield "statement", partial(_of_actor, StatementStore(table, integration_id), actor.digest(), theirs)


def _of_learner(table: Table, pk: str, after: Item | None) -> Page:
    return table.query(pk, limit=SMALL_PAGE, after=after, consistent=True)


def _of_actor(store: StatementStore, digest: str, wanted: Callable[[Item], bool], after: Item | None) -> Page:
    page = store.list_of_actor(digest, limit=SMALL_PAGE, after=after, ascending=True)
    return Page([item for item in page.items if wanted(item)], page.last_key)


def _public(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in INTERNAL}
