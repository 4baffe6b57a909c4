"""Reads statements from the table. ``statement_intake`` stores and ``coursebridge.apply`` settles them.

The attributes of a statement's item:

| attribute                               | meaning                                                         |
| --------------------------------------- | --------------------------------------------------------------- |
| `integration_id`, `statement_id`        | its integration, and its id (UUIDs in lower case)               |
| `raw`                                   | the JSON text exactly as it was received                        |
| `digest`                                | recognises a repeat (`xapi.comparison`)                         |
| `stored_at`, `timestamp`                | when it was stored, and when it happened                        |
| `verb`, `object_id`                     | for lists                                                       |
| `actor`                                 | for lists: `{"type", "value"}`, both `None` if it has none      |
| `outcome`, `reason`                     | `received`, `applied`, `held` or `ignored`, and why             |
| `learner_id`, `attempt_id`              | the learner and the attempt that it was applied to              |
| `judged_at`                             | when the outcome was set                                        |
| `awaited`                               | while held: what would release it (course URN or identifier)    |
| `released_at`                           | when it was last released                                       |
| `client_id`, `request_id`               | the client and the API request that sent it                     |
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Literal

from coursebridge.storage import keys
from coursebridge.storage.table import Item, Page, Table
from coursebridge.xapi import actors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from coursebridge.records.identifiers import Identifier


MOST_AWAITED = 10_000
ACCOUNTS = ("username", "external_id")
Judged = Literal["applied", "held", "ignored"]
Outcome = Literal["received", Judged]
"""What became of a statement; one that is ``received`` has not been looked at yet."""


class StatementStore:
    """The statements of one integration.

    Args:
        table: the application's table.
        integration_id: the integration.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def get(self, statement_id: str) -> Item | None:
        """Return a statement's item."""
        return self._table.get(keys.statement(self._integration_id, statement_id))

    def get_with_voiding(self, statement_id: str) -> tuple[Item | None, bool]:
        """Return a statement's item, and whether another statement voids it."""
        own = keys.statement(self._integration_id, statement_id)
        mark = keys.voiding(self._integration_id, statement_id)
        found = self._table.get_many([own, mark])
        return found.get(own), mark in found

    def newest(self) -> Item | None:
        """Return the id, time of storage and outcome of the statement stored last; the index lags a little."""
        page = self._table.query(
            keys.statements_partition(self._integration_id),
            index=keys.GSI1,
            limit=1,
            ascending=False,
            attributes=("statement_id", "stored_at", "outcome"),
        )
        return page.items[0] if page.items else None

    def voided(self, statement_ids: Iterable[str]) -> frozenset[str]:
        """Return those of these ids that another statement voids."""
        marks = {keys.voiding(self._integration_id, statement_id): statement_id for statement_id in statement_ids}
        return frozenset(marks[key] for key in self._table.get_many(marks))

    def list_stored(
        self,
        *,
        between: tuple[str, str] | None = None,
        condition: Mapping[str, str] | None = None,
        limit: int | None = None,
        after: Item | None = None,
        ascending: bool = False,
    ) -> Page:
        """Return a page of statements in the order they were stored.

        Args:
            between: bounds of ``stored#id`` (inclusive).
            condition: attributes that must have these values.
            limit: how many statements to examine; fewer may match.
            after: the ``last_key`` of the previous page.
            ascending: whether the oldest come first.
        """
        wanted = condition or {}
        pk = keys.statements_partition(self._integration_id)
        return self._table.query(
            pk,
            index=keys.GSI1,
            between=between,
            condition=" AND ".join(f"#{name} = :{name}" for name in wanted),
            names={f"#{name}": name for name in wanted},
            values={f":{name}": value for name, value in wanted.items()},
            limit=limit,
            after=after,
            ascending=ascending,
        )

    def list_of_actor(
        self,
        actor_digest: str,
        *,
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        after: Item | None = None,
        ascending: bool = False,
    ) -> Page:
        """Return a page of the statements of one identifier, in the order they were stored."""
        pk = keys.actor_partition(self._integration_id, actor_digest)
        page = self._table.query(pk, index=keys.GSI2, between=between, limit=limit, after=after, ascending=ascending)
        return Page(self._whole(page.items), page.last_key)

    def list_pending(
        self, outcome: Outcome, reason: str = "", *, limit: int | None = None, after: Item | None = None
    ) -> Page:
        """Return a page of the statements that are ``received``, or ``held`` (optionally for one reason).

        Received ones are sorted by age, oldest first, and held ones by reason, awaited thing and age. The index lags a
        little, so a page may be empty without being the last.
        """
        pk = keys.pending_partition(self._integration_id)
        prefix = keys.pending_prefix(outcome, reason or None)
        page = self._table.query(pk, index=keys.GSI3, prefix=prefix, limit=limit, after=after)
        items = [
            item
            for item in self._whole(page.items)
            if item["outcome"] == outcome and (not reason or item["reason"] == reason)
        ]
        return Page(items, page.last_key)

    def awaited_courses(self) -> dict[str, str]:
        """Return the courses that held statements await, the longest awaited first; examines ten thousand statements.

        Each URN comes with the timestamp of the oldest of its statements.
        """
        pk = keys.pending_partition(self._integration_id)
        prefix = keys.pending_prefix("held", "course_unknown")
        entries = self._table.query_all(pk, index=keys.GSI3, prefix=prefix)
        found: dict[str, str] = {}
        for entry in islice(entries, MOST_AWAITED):
            found.setdefault(entry["awaited"], keys.timestamp_of_pending(entry))
        return dict(sorted(found.items(), key=lambda course: course[1]))

    def _whole(self, entries: Sequence[Item]) -> list[Item]:
        """Return the full items for entries of an index that projects only keys, in the same order."""
        order = [keys.Key(entry["PK"], entry["SK"]) for entry in entries]
        found = self._table.get_many(order) if order else {}
        return [{**entry, **found[key]} for key, entry in zip(order, entries, strict=True) if key in found]


def sent_as(identifier: Identifier) -> Iterator[actors.Identifier]:
    """Yield the actor identifiers under which a person's statements may be filed; the plain form comes first."""
    if identifier.kind == "email":
        yield actors.Identifier("email", identifier.value)
        sha1 = hashlib.sha1(f"mailto:{identifier.value}".encode(), usedforsecurity=False)  # xAPI's mbox_sha1sum
        yield actors.Identifier("mbox_sha1sum", sha1.hexdigest())
        # LinkedIn sends addresses as account names where its User Type is user name or id, but the id is an address.
        yield actors.Identifier("account", identifier.value)
    elif identifier.kind in ACCOUNTS:
        yield actors.Identifier("account", identifier.value)
