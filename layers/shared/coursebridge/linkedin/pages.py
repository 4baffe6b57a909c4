"""One page of a finder, checked element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from coursebridge.linkedin.errors import UnusableAnswer
from coursebridge.linkedin.reading import items, object_in, whole_number

PAGE_SIZE = 100
SUSPECT_TOTALS = frozenset({500, 1000})
"""Totals at which LinkedIn is known to cut lists short."""
MOST_ELEMENTS = 10_000_000
"""More than LinkedIn will ever list; a larger total or offset is an error in its answer."""


@dataclass(frozen=True)
class Page:
    """The elements of a page that have the requested type.

    Attributes:
        start: the requested offset.
        elements: the elements of the right type with a URN, as received.
        broken: how many elements are not objects with a URN and a type.
        total: how many elements match according to LinkedIn; ``None`` if its total is absent or impossible.
        more: whether the page links to a next one.
    """

    start: int
    elements: list[dict[str, Any]]
    broken: int
    total: int | None
    more: bool

    @property
    def urns(self) -> list[str]:
        """Return the URNs in order."""
        return [element["urn"] for element in self.elements]


def read_page(kind: str, start: int, body: dict[str, Any]) -> Page:
    """Return the page in an answer.

    LinkedIn puts elements of other types on pages past the end, so each element's type is checked.

    Raises:
        UnusableAnswer: the answer is not a page.
    """
    elements = body.get("elements")
    if not isinstance(elements, list):
        raise UnusableAnswer("LinkedIn answered 200 with something that is not a page")
    whole = [element for element in elements if is_whole(element)]
    paging = object_in(body, "paging")
    return Page(
        start=start,
        elements=[element for element in whole if element["type"] == kind],
        broken=len(elements) - len(whole),
        total=whole_number(paging.get("total"), MOST_ELEMENTS),
        more=any(_start_of(link.get("href")) > start for link in following(paging)),
    )


def is_whole(element: Any) -> bool:  # noqa: ANN401  (any JSON)
    """Whether an element is an object with a URN and a type."""
    return (
        isinstance(element, dict)
        and isinstance(element.get("urn"), str)
        and bool(element["urn"])
        and isinstance(element.get("type"), str)
    )


def following(paging: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the links to a next page; the order of the links varies."""
    return [link for link in items(paging, "links") if link.get("rel") == "next"]


def _start_of(href: Any) -> int:  # noqa: ANN401  (any JSON)
    try:
        text = parse_qs(urlsplit(href).query).get("start", [""])[0] if isinstance(href, str) else ""
    except ValueError:
        return 0
    return whole_number(text, MOST_ELEMENTS) or 0
