"""Keeping the classification graph: what assets and finders tell is merged into what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.catalog.classifications import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coursebridge.storage.classifications import ClassificationStore


def learn(store: ClassificationStore, nodes: Mapping[str, Node]) -> int:
    """Merge nodes into the store; return how many were written. What is known already costs no write."""
    known = store.get_many(nodes)
    return sum(_learn_one(store, node, known.get(urn)) for urn, node in nodes.items())


def node_from(item: Mapping[str, Any]) -> Node:
    """Return the node in a classification's item."""
    return Node(
        item["urn"], item["type"], dict(item["names"]), set(item["parents"]), item["owner_urn"], item["owner_name"]
    )


def presented(item: Mapping[str, Any], locale: str = "en_US") -> dict[str, Any]:
    """Return a classification as others see it; its name in a locale, else in English, else in any."""
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


def _learn_one(store: ClassificationStore, node: Node, known: Mapping[str, Any] | None) -> bool:
    """Write a node unless nothing about it is new; several ranges may be at it at once."""
    while True:
        merged = node_from(known) if known else Node(node.urn, node.type)
        news = merged.learns_from(node)
        if known and not news:
            return False
        standing = store.put(_item(merged), known["version"] if known else 0)
        if standing is None:
            return True
        known = standing


def _item(node: Node) -> dict[str, Any]:
    return {
        "urn": node.urn,
        "type": node.type,
        "names": node.names,
        "parents": sorted(node.parents),
        "owner_urn": node.owner_urn,
        "owner_name": node.owner_name,
    }
