"""Exports everything held about a person, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from coursebridge.people.erasure import is_theirs, separated
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import family
from coursebridge.storage.statements import StatementStore, sent_as
from coursebridge.storage.table import Page

if TYPE_CHECKING:
    from coursebridge.storage.learners import Learner
    from coursebridge.storage.table import Item, Table

Read = Callable[["Item | None", int], Page]
Part = tuple[str, Read]
"""The kind of the items in a part of an export, and what reads a page of so many of them from a position on."""
SMALL_PAGE = 10
"""Statements can be large, and a response is limited to 6 MB."""
MOST_BYTES = 2_000_000
NAME = 16
"""The length of a part's name; a cursor lists the parts that are done."""
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
        limit: the maximum number of items.
    """
    position = position or {}
    done, begun, after = list(position.get("done", ())), position.get("begun"), position.get("after")
    parts = dict(_parts(table, family(table, learner)))
    # The part that was begun goes on, at its own position.
    left = sorted((name for name in parts if name not in done), key=lambda name: name != begun)
    items: list[dict[str, Any]] = []
    size = 0
    for name, kind, page in _pages(parts, left, after if begun in left else None, lambda: limit - len(items)):
        news = [{"kind": item.get("entity", kind), "data": _public(item)} for item in page.items]
        items.extend(news)
        size += len(json.dumps(news))
        if page.last_key is None:
            done.append(name)
        if len(items) >= limit or size >= MOST_BYTES:
            is_last = name == left[-1] and page.last_key is None
            return Held(items, None if is_last else {"done": done, "begun": name, "after": page.last_key})
    return Held(items, None)


def _pages(
    parts: Mapping[str, Part], names: Sequence[str], after: Item | None, room: Callable[[], int]
) -> Iterator[tuple[str, str, Page]]:
    """Yield the pages of parts with the part's name and kind, those of the first from a position on.

    Args:
        parts: the parts by name.
        names: the names of those to read, in order.
        after: the position in the first one.
        room: returns how many items the next page may have.
    """
    for name in names:
        kind, read = parts[name]
        while True:
            page = read(after, min(SMALL_PAGE, room()))
            yield name, kind, page
            after = page.last_key
            if after is None:
                break


def _parts(table: Table, people: list[Learner]) -> Iterator[tuple[str, Part]]:
    """Yield the parts of an export by name: each learner, and the statements of each identifier as it can be sent.

    A name stays the same if there are more parts at the next page, because the person got an identifier or was merged.
    """
    for learner in people:
        yield learner.id, ("learner", partial(_of_learner, table, learner.key.pk))
    integration_id, ids = people[0].integration_id, frozenset(learner.id for learner in people)
    identifiers = list(dict.fromkeys(dated.identifier for learner in people for dated in learner.identifiers))
    places = {identifier: keys.identity(integration_id, *identifier) for identifier in identifiers}
    identities = table.get_many(places.values())
    for identifier, place in places.items():
        shared = place in identities and bool(IdentityItem.from_item(identities[place]).meant_now.keys() - ids)
        theirs = partial(is_theirs, identifier=identifier, ids=ids, apart=separated(people), own=not shared)
        for actor in sent_as(identifier):
            name = sha256(repr((identifier, actor)).encode()).hexdigest()[:NAME]
            yield name, ("statement", partial(_of_actor, StatementStore(table, integration_id), actor.digest(), theirs))


def _of_learner(table: Table, pk: str, after: Item | None, limit: int) -> Page:
    return table.query(pk, limit=limit, after=after, consistent=True)


def _of_actor(
    store: StatementStore, digest: str, wanted: Callable[[Item], bool], after: Item | None, limit: int
) -> Page:
    page = store.list_of_actor(digest, limit=limit, after=after, ascending=True)
    return Page([item for item in page.items if wanted(item)], page.last_key)


def _public(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in INTERNAL}
