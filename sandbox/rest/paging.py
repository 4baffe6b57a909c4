"""Pages: windows on a list, with LinkedIn's paging object."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sandbox.errors import ApiError
from sandbox.rest.query import Query
from sandbox.settings import Json

DEFAULT_COUNT = 20
MAXIMUM_COUNT = 100

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """The page that a call asks for: `count` elements from `start` on."""

    start: int
    count: int

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Return the items on this page."""
        return items[self.start : self.start + self.count]


@dataclass
class Page:
    """One page of a finder's results.

    Attributes:
        window: the page that was asked for.
        total: the number of matching elements, as the response states it.
        elements: the elements on the page.
        links: which of the links `prev` and `next` the response may contain.
        metadata: metadata of the response.
    """

    window: Window
    total: int
    elements: list[Json]
    links: tuple[str, ...] = ("prev", "next")
    metadata: Json = field(default_factory=dict)

    def body(self, path: str, query: Query) -> Json:
        """Return the response body: elements, paging and metadata."""
        start, count = self.window.start, self.window.count
        targets = {"prev": max(start - count, 0) if start else None, "next": None}
        if start + count < self.total:
            targets["next"] = start + count
        links = [
            {"rel": rel, "type": "application/json", "href": query.href(path, target)}
            for rel in self.links
            if (target := targets[rel]) is not None
        ]
        paging = {"start": start, "count": count, "links": links, "total": self.total}
        return {"paging": paging, "metadata": self.metadata, "elements": self.elements}


def window(query: Query, maximum: int = MAXIMUM_COUNT) -> Window:
    """Return the page that a call asks for.

    Raises:
        ApiError: 400 for an invalid number; 403, as observed by integrators, for more elements than a page may hold.
    """
    asked = Window(query.number("start", 0), query.number("count", DEFAULT_COUNT))
    if asked.count > maximum:
        raise ApiError(403, f"Count {asked.count} is more than the {maximum} allowed for this resource", 100)
    return asked
