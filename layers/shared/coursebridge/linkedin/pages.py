"""One page of a finder, checked element by element and not trusted beyond that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from coursebridge.linkedin.errors import UnusableAnswer
from coursebridge.linkedin.reading import whole_number

PAGE_SIZE = 100
MOST_ELEMENTS = 10_000_000
"""More than LinkedIn will ever list; a total or an offset beyond it is a mistake of its."""


@dataclass(frozen=True)
class Page:
    """What a page holds of the type that was asked for.

    Attributes:
        start: the offset asked for.
        elements: those of the right type with a URN, as received.
        broken: how many elements are no objects with a URN and a type.
        total: how many elements match, as LinkedIn says; ``None`` where it does not, or nonsense.
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

    LinkedIn puts elements of other types on pages past the end, so the type of each one is looked at.

    Raises:
        UnusableAnswer: the answer is no page.
    """
    elements = body.get("elements")
    if not isinstance(elements, list):
        raise UnusableAnswer("LinkedIn answered 200 with something that is not a page")
    whole = [element for element in elements if _is_whole(element)]
    paging = body.get("paging")
    paging = paging if isinstance(paging, dict) else {}
    return Page(
        start=start,
        elements=[element for element in whole if element["type"] == kind],
        broken=len(elements) - len(whole),
        total=whole_number(paging.get("total"), MOST_ELEMENTS),
        more=_links_beyond(start, paging.get("links")),
    )


def _is_whole(element: Any) -> bool:  # noqa: ANN401  (any JSON)
    return (
        isinstance(element, dict)
        and isinstance(element.get("urn"), str)
        and bool(element["urn"])
        and isinstance(element.get("type"), str)
    )


def _links_beyond(start: int, links: Any) -> bool:  # noqa: ANN401  (any JSON)
    """Whether there is a ``next`` link that leads further; the order of the links varies."""
    if not isinstance(links, list):
        return False
    following = [link for link in links if isinstance(link, dict) and link.get("rel") == "next"]
    return any(_start_of(link.get("href")) > start for link in following)


def _start_of(href: Any) -> int:  # noqa: ANN401  (any JSON)
    try:
        text = parse_qs(urlsplit(href).query).get("start", [""])[0] if isinstance(href, str) else ""
    except ValueError:
        return 0
    return whole_number(text, MOST_ELEMENTS) or 0
