"""The stored classification graph: merges in what assets and finders say of it, and presents it."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.classifications import Node
from coursebridge.storage.table import TRANSACTION, chunks, pauses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coursebridge.storage.classifications import ClassificationStore
    from coursebridge.storage.table import Item

TOGETHER = 5
"""How often to try to write a batch together before its nodes are written one by one."""


def merge_nodes(store: ClassificationStore, nodes: Mapping[str, Node], *, listed: bool = False) -> int:
    """Merge nodes into the store; return how many were written. Nothing is written if nothing is new.

    A hundred nodes take two calls, and two more each time another range writes one of them first.

    Args:
        store: the classifications.
        nodes: the nodes, by URN.
        listed: whether they come from LinkedIn's own list of classifications, whose names replace those that are known.
    """
    return sum(_merge_share(store, share, listed=listed) for share in chunks(nodes.values(), TRANSACTION))


def _merge_share(store: ClassificationStore, nodes: Sequence[Node], *, listed: bool) -> int:
    for pause in islice(pauses(), TOGETHER):
        known = store.get_many(node.urn for node in nodes)
        news = [item for node in nodes if (item := _news(node, known.get(node.urn), listed=listed))]
        if not news or store.put_all(news):
            return len(news)
        time.sleep(pause)
    return sum(_merge_node(store, node, listed=listed) for node in nodes)


def node_from(item: Mapping[str, Any]) -> Node:
    """Return the node in a classification's item."""
    return Node(
        item["urn"], item["type"], dict(item["names"]), set(item["parents"]), item["owner_urn"], item["owner_name"]
    )


def presented(item: Mapping[str, Any], locale: str = "en_US") -> dict[str, Any]:
    """Return a classification as the API shows it, named in the locale, else in English, else in any language."""
    names: Mapping[str, str] = item["names"]
    preferred = (names.get(locale), names.get(locale.partition("_")[0]), names.get("en_US"), *names.values())
    return {
        "urn": item["urn"],
        "type": item["type"],
        "name": next(filter(None, preferred), None),
        "names": dict(names),
        "parents": list(item["parents"]),
        "owner": {"urn": item["owner_urn"], "name": item["owner_name"]},
    }


def page(
    store: ClassificationStore, *, type_: str | None, parent: str | None, locale: str, limit: int, after: Item | None
) -> tuple[list[dict[str, Any]], Item | None]:
    """Return a page of classifications as the API shows them, sorted by name, and the position to continue from.

    Args:
        store: the classifications; all of them are read.
        type_: only those of this type.
        parent: only those directly below this URN.
        locale: the locale of the names.
        limit: the size of the page.
        after: the position at which the previous page ended.
    """
    found = [
        presented(item, locale)
        for item in store.all()
        if (type_ is None or item["type"] == type_) and (parent is None or parent in item["parents"])
    ]
    start = (after["name"], after["urn"]) if after else ("", "")
    following = sorted((item for item in found if _by_name(item) > start), key=_by_name)
    shown = following[:limit]
    return shown, dict(zip(("name", "urn"), _by_name(shown[-1]), strict=True)) if len(following) > limit else None


def _by_name(classification: Mapping[str, Any]) -> tuple[str, str]:
    return classification["name"] or "", classification["urn"]


def _merge_node(store: ClassificationStore, node: Node, *, listed: bool) -> bool:
    """Write a node if anything about it is new, retrying as long as others write it first."""
    known = store.get_many([node.urn]).get(node.urn)
    while news := _news(node, known, listed=listed):
        known = store.put(news)
        if known is None:
            return True
    return False


def _news(node: Node, known: Mapping[str, Any] | None, *, listed: bool) -> Item | None:
    """Return a classification's item with the node merged in; ``None`` if nothing would change."""
    merged = node_from(known) if known else Node(node.urn, node.type)
    is_news = merged.learns_from(node, prevails=listed)
    return {**_item(merged), "version": known["version"] if known else 0} if is_news or not known else None


def _item(node: Node) -> dict[str, Any]:
    return {
        "urn": node.urn,
        "type": node.type,
        "names": node.names,
        "parents": sorted(node.parents),
        "owner_urn": node.owner_urn,
        "owner_name": node.owner_name,
    }
