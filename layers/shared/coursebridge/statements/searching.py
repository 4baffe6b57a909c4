"""Finds stored statements: one by its id, or page by page the results of an xAPI query."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.storage import keys
from coursebridge.storage.table import Page, position
from coursebridge.xapi import actors
from coursebridge.xapi.matching import matches
from coursebridge.xapi.presenting import authority_of
from coursebridge.xapi.statement import VOIDED

if TYPE_CHECKING:
    from coursebridge.storage.statements import StatementStore
    from coursebridge.storage.table import Item
    from coursebridge.xapi.query import Query

MOST_FOUND, MOST_EXAMINED, MOST_BYTES, PAGE = 100, 1000, 4_000_000, 100


@dataclass(frozen=True)
class Found:
    """Statements in the requested order, and the position to continue from, ``None`` at the end."""

    items: list[Item]
    position: Item | None


@dataclass(frozen=True)
class Search:
    """Looks up statements.

    Queries for an agent use the index of actors. All others, and those with ``related_agents``, read statements in the
    order they were stored. A request examines at most a thousand of them, so a page may hold few and still not be
    the last.

    The size of a page is measured as Lambda transports it: JSON inside a JSON string.

    Attributes:
        store: the statements.
        authority_home: the URL of the token endpoint, part of each statement's authority.
    """

    store: StatementStore
    authority_home: str

    def one(self, statement_id: str, *, voided: bool) -> Item | None:
        """Return the statement with this id, if it is voided or not voided, as asked (xAPI 1.0.3, Data 2.3.2)."""
        item, marked = self.store.get_with_voiding(statement_id)
        if item is None or _erased(item):
            return None
        return item if (marked and item["verb"] != VOIDED) is voided else None

    def page(self, query: Query, after: Item | None) -> Found:
        """Return the next page of a query's statements, without voided ones."""
        found: list[Item] = []
        examined, size, last = 0, 0, after
        while examined < MOST_EXAMINED:
            page = self._read(query, last)
            voided = self.store.voided(item["statement_id"] for item in page.items if item["verb"] != VOIDED)
            for item in page.items:
                if item["statement_id"] not in voided and self._is_meant(item, query):
                    size += len(json.dumps(item["raw"]))
                    if _is_full(found, size, query):
                        return Found(found, last)
                    found.append(item)
                last = _position(item, query)
            examined, last = examined + PAGE, page.last_key
            if last is None:
                break
        return Found(found, last)

    def _read(self, query: Query, after: Item | None) -> Page:
        bounds = (f"{query.since}$" if query.since else "0", f"{query.until}$" if query.until else ":")
        if bounds[0] > bounds[1]:  # DynamoDB refuses such a range
            return Page([], None)
        filed_under = actors.identifier(query.agent) if _by_actor(query) else None
        if filed_under is None:
            return self.store.list_stored(between=bounds, limit=PAGE, after=after, ascending=query.ascending)
        return self.store.list_of_actor(
            filed_under.digest(), between=bounds, limit=PAGE, after=after, ascending=query.ascending
        )

    def _is_meant(self, item: Item, query: Query) -> bool:
        statement: dict[str, Any] = json.loads(item["raw"])
        asserted = {**statement, "authority": authority_of(item, self.authority_home)}
        return not _erased(item) and matches(asserted, query)


def _by_actor(query: Query) -> bool:
    return query.agent is not None and not query.related_agents


def _position(item: Item, query: Query) -> Item:
    return position(item, keys.GSI2 if _by_actor(query) else keys.GSI1)


def _is_full(found: list[Item], size: int, query: Query) -> bool:
    return len(found) >= min(query.limit or MOST_FOUND, MOST_FOUND) or bool(found and size > MOST_BYTES)


def _erased(item: Item) -> bool:
    return bool(item["actor"]["type"] == "erased")
