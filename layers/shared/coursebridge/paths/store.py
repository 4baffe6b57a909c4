"""Stores paths and overrides in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.errors import Unavailable
from coursebridge.paths.progress import Path
from coursebridge.storage import keys
from coursebridge.storage.learners import LearnerStore
from coursebridge.storage.table import ConditionFailed, Page, tries, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Item, Table

MOST_STEPS_IN_A_PAGE = 2_000


class PathStore:
    """The paths of one integration.

    Args:
        table: the application's table.
        integration_id: the integration's id.
    """

    def __init__(self, table: Table, integration_id: str) -> None:
        self._table = table
        self._integration_id = integration_id

    def get(self, path_id: str) -> Path | None:
        """Return a path."""
        item = self._table.get(keys.path(self._integration_id, path_id))
        return from_item(item) if item else None

    def list_page(self, *, group: str | None, limit: int, after: Item | None) -> Page:
        """Return a page of items of all paths or one group's, oldest first; fewer if they have many steps."""
        if group is None:
            pk = keys.path_partition(self._integration_id)
            return _cut(self._table.query(pk, limit=limit, after=after))
        pk = keys.paths_of_group_partition(self._integration_id, group)
        return _cut(self._table.query(pk, index=keys.GSI1, limit=limit, after=after), keys.GSI1)

    def of_group(self, group: str) -> Iterator[Path]:
        """Yield every path of a group."""
        pk = keys.paths_of_group_partition(self._integration_id, group)
        return (from_item(item) for item in self._table.query_all(pk, index=keys.GSI1))

    def write(self, path: Path, version: int) -> bool:
        """Write a path if its item is still at a version (0: there is none); return whether it was written."""
        item = {
            **keys.path(self._integration_id, path.id).item(),
            **keys.paths_of_group(self._integration_id, path.group, path.id).item(keys.GSI1),
            "entity": "path",
            "integration_id": self._integration_id,
            **vars(path),
            "steps": list(path.steps),
        }
        try:
            self._table.put(item, **unchanged(version))
        except ConditionFailed:
            return False
        return True

    def delete(self, path_id: str) -> None:
        """Delete a path."""
        self._table.delete(keys.path(self._integration_id, path_id))

    def override(self, learner_id: str, path_id: str, urn: str, entry: dict[str, Any] | None) -> None:
        """Let a learner skip a step, or no longer if ``entry`` is ``None``.

        Raises:
            NotFound: there is no such learner.
            Unavailable: others kept writing, or the table is busy.
        """
        learners = LearnerStore(self._table, self._integration_id)
        key = keys.path_override(self._integration_id, learner_id, path_id)
        for _ in tries():
            item = self._table.get(key) or {"steps": {}, "version": 0}
            kept = {step: kept for step, kept in item["steps"].items() if step != urn}
            after = {
                **key.item(),
                "entity": "path_override",
                "integration_id": self._integration_id,
                "learner_id": learner_id,
                "path_id": path_id,
                "steps": {**kept, urn: entry} if entry else kept,
                "version": item["version"] + 1,
            }
            if learners.write_for(learner_id, self._table.put_action(after, **unchanged(item["version"]))):
                return
        raise Unavailable("other writers kept changing the same override, try again")


def _cut(page: Page, index: str = "") -> Page:
    """Cut a page to :data:`MOST_STEPS_IN_A_PAGE` steps (but at least one path): each step is a course to read."""
    steps = 0
    for number, item in enumerate(page.items):
        steps += len(item["steps"])
        if number and steps > MOST_STEPS_IN_A_PAGE:
            return page.cut(number, index)
    return page


def from_item(item: Item) -> Path:
    """Read a path's item."""
    return Path(**{**{name: item[name] for name in Path.__dataclass_fields__}, "steps": tuple(item["steps"])})
