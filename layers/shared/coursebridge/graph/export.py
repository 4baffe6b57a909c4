"""The graph, read from the table step by step and cut into pages.

A page is one response. A Lambda function can return six megabytes within API Gateway's half minute, so a page ends
after a few megabytes, after the requested number of lines, or after many steps with little to return; the next page
starts where it ended. So a graph of any size is exported in flat memory, nothing is prepared or kept for the caller,
and no link outlives the caller's token.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from coursebridge.graph import model
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage import keys
from coursebridge.storage.courses import CourseStore, StoredCourse
from coursebridge.storage.learners import Learner
from coursebridge.storage.records import Record
from coursebridge.storage.table import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coursebridge.storage.table import Item, Table

MOST_BYTES = 4_000_000
MOST_STEPS = 200
STEP = 100
LEARNERS_IN_A_STEP = 10
Line = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One part of an export.

    Attributes:
        read: reads one step, given where the previous one ended.
        lines: returns the lines for the items that a step has read.
    """

    read: Callable[[Item | None], Page]
    lines: Callable[[Sequence[Item]], Iterable[Line]]


@dataclass(frozen=True)
class Cut:
    """One page of an export.

    Attributes:
        text: newline-delimited JSON.
        position: where the next page starts, ``None`` at the end.
    """

    text: str
    position: dict[str, Any] | None


class Graph:
    """The graph of one integration.

    Args:
        table: the application's table.
        integration_id: whose graph.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._id = integration_id

    def entities(self, position: dict[str, Any] | None, limit: int) -> Cut:
        """Return a page of entities: the account, classifications, assets, users."""
        sections = [
            Section(lambda _after: Page([{}], None), lambda _items: [self._account()]),
            Section(self._classifications, lambda items: (model.classification(self._id, item) for item in items)),
            Section(self._assets, self._asset_entities),
            Section(self._learners, lambda learners: map(model.user, self._listed(learners))),
        ]
        return _cut(sections, position, limit)

    def relationships(self, position: dict[str, Any] | None, limit: int) -> Cut:
        """Return a page of relationships: what the account has, how assets are classified, who was assigned what."""
        sections = [
            Section(self._classifications, self._account_has_classifications),
            Section(self._assets, self._asset_relationships),
            Section(self._learners, self._user_relationships),
        ]
        return _cut(sections, position, limit)

    def _classifications(self, after: Item | None) -> Page:
        return self._table.query(keys.classification_partition(self._id), limit=STEP, after=after)

    def _assets(self, after: Item | None) -> Page:
        return CourseStore(self._table, self._id).page(STEP, after)

    def _learners(self, after: Item | None) -> Page:
        pk = keys.learners_partition(self._id)
        return self._table.query(pk, index=keys.GSI1, limit=LEARNERS_IN_A_STEP, after=after)

    def _account(self) -> Line:
        return model.account(IntegrationStore(self._table).get(self._id))

    def _asset_entities(self, found: Sequence[Item]) -> Iterator[Line]:
        for item in found:
            entity = model.asset(StoredCourse.from_item(item))
            if entity:
                yield entity

    def _account_has_classifications(self, found: Sequence[Item]) -> Iterator[Line]:
        for item in found:
            yield model.account_has(self._id, model.CLASSIFICATION, item["urn"])

    def _asset_relationships(self, found: Sequence[Item]) -> Iterator[Line]:
        for item in found:
            kind = model.TYPE_OF_ASSET.get(item["type"])
            if kind:
                yield model.account_has(self._id, kind, item["urn"])
                yield from model.classified(StoredCourse.from_item(item))

    def _user_relationships(self, found: Sequence[Item]) -> Iterator[Line]:
        records: list[Record] = []
        for learner in self._listed(found):
            yield model.account_has(self._id, model.USER, learner.id)
            pk = keys.learner_partition(self._id, learner.id)
            records += map(Record.from_item, self._table.query_all(pk, prefix=keys.RECORD_PREFIX))
        urns = {record.course_urn for record in records}
        courses = self._table.get_many((keys.course(self._id, urn) for urn in urns), consistent=False)
        kinds = {key.sk: model.TYPE_OF_ASSET.get(item["type"]) for key, item in courses.items()}
        for record in records:
            kind = kinds.get(record.course_urn)
            if kind and record.attempts:
                yield model.assigned(record, kind)

    def _listed(self, found: Sequence[Item]) -> Iterator[Learner]:
        return (learner for learner in map(Learner.from_item, found) if learner.is_listed)


def _cut(sections: Sequence[Section], position: dict[str, Any] | None, limit: int) -> Cut:
    """Return the page that starts at a position, whose ``skip`` is how many lines of the step were returned before."""
    at = position or {"section": 0, "after": None, "skip": 0}
    text = _Text(limit)
    for _ in range(MOST_STEPS):
        section = sections[at["section"]]
        page = section.read(at["after"])
        given = text.take(islice(section.lines(page.items), at["skip"], None))
        if text.is_full:
            return Cut(text.body(), {**at, "skip": at["skip"] + given})
        at = {"section": at["section"] + (page.last_key is None), "after": page.last_key, "skip": 0}
        if at["section"] == len(sections):
            return Cut(text.body(), None)
    return Cut(text.body(), at)


class _Text:
    """Lines of JSON, up to the limits of a page."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: list[str] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        return len(self._lines) >= self._limit or self._size >= MOST_BYTES

    def take(self, lines: Iterable[Line]) -> int:
        """Take lines while there is room; return how many."""
        before = len(self._lines)
        for line in lines:
            self._lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            # A response is JSON inside a JSON string, so a line counts with the length of its escaped form.
            self._size += len(json.dumps(self._lines[-1]))
            if self.is_full:
                break
        return len(self._lines) - before

    def body(self) -> str:
        return "".join(self._lines)
