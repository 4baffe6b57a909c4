"""LinkedIn's elements of the courses, compressed, beside the small items.

Elements of new courses are written in bundles of a few dozen, which halves the items that a first sync writes. The
element of a course that changes gets an item of its own, so that a change costs what has changed, and no more than one
outdated element of a course is ever kept. A small item names the bundle with the course's element; without one, the
element is in its own item.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from coursebridge import json_text
from coursebridge.storage import keys
from coursebridge.storage.packing import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coursebridge.storage.table import Item

BUNDLE_BYTES = 384_000
"""The elements of a bundle before compression: they fit into an item (400 KB) even if they cannot be compressed."""


@dataclass(frozen=True)
class Bundle:
    """Elements that share an item.

    Attributes:
        elements: the elements as canonical JSON (which has no line breaks), by URN.
    """

    elements: dict[str, bytes]

    @cached_property
    def text(self) -> bytes:
        """One element per line."""
        return b"\n".join(self.elements.values())

    @cached_property
    def id(self) -> str:
        """A digest of the content: a task that is repeated writes the same item, or else another one."""
        return blake2b(self.text, digest_size=12).hexdigest()

    def item(self, integration_id: str) -> Item:
        """Return the table item."""
        return {
            **keys.course_bundle(integration_id, self.id).item(),
            "entity": "course_bundle",
            "urns": list(self.elements),
            "elements": pack(self.text),
        }


def bundles_of(elements: Iterable[tuple[str, bytes]]) -> Iterator[Bundle]:
    """Yield bundles with all of these elements; one that is too large for a bundle must not be among them."""
    some: dict[str, bytes] = {}
    size = 0
    for urn, element in elements:
        if some and size + len(element) + 1 > BUNDLE_BYTES:
            yield Bundle(some)
            some, size = {}, 0
        some[urn] = element
        size += len(element) + 1
    if some:
        yield Bundle(some)


def element_item(integration_id: str, urn: str, element: bytes) -> Item:
    """Return the item of one course's element."""
    return {
        **keys.course_detail(integration_id, urn).item(),
        "entity": "course_detail",
        "urn": urn,
        "element": pack(element),
    }


def element_in(item: Item, urn: str) -> dict[str, Any]:
    """Return a course's element from the item that holds it, alone or in a bundle."""
    if "urns" not in item:
        text = unpack(item["element"])
    else:
        text = unpack(item["elements"]).split(b"\n")[item["urns"].index(urn)]
    element: dict[str, Any] = json_text.loads(text)
    return element
