"""Classifications: those of an asset, and the graph they form.

It is a graph, not a tree: a topic can belong to several subjects, and an asset then lists it once for each. Entries
with the same URN and path are duplicates. URNs identify classifications; names do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coursebridge.linkedin.reading import items, name, object_in, string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coursebridge.storage.course_shapes import CourseClassification

UNKNOWN_TYPE = "UNKNOWN"
UNDETERMINED = "und"
"""The locale of a name for which LinkedIn gives none (BCP 47); DynamoDB accepts no empty attribute name."""


@dataclass
class Node:
    """What is known about a classification.

    Attributes:
        urn: the URN that identifies it.
        type: ``LIBRARY``, ``SUBJECT``, ``TOPIC``, ``SKILL``, ``CONTINUING_EDUCATION_UNIT`` or a type added later.
        names: names by locale (``en_US``; ``und`` if LinkedIn gives none).
        parents: URNs of its direct parents.
        owner_urn: URN of its owner.
        owner_name: name of its owner.
    """

    urn: str
    type: str
    names: dict[str, str] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)
    owner_urn: str | None = None
    owner_name: str | None = None

    def learns_from(self, other: Node, *, prevails: bool = False) -> bool:
        """Add what another source knows in addition; return whether anything changed.

        Names that are known are kept unless the other source ``prevails``, and owners in any case. Owners change over
        time (``company`` became ``organization``), and two sources that disagree would otherwise overwrite each other
        for ever.
        """
        before = (dict(self.names), set(self.parents), self.type, self.owner_urn)
        self.names = {**self.names, **other.names} if prevails else {**other.names, **self.names}
        self.parents |= other.parents
        self.type = other.type if self.type == UNKNOWN_TYPE else self.type
        if self.owner_urn is None:
            self.owner_urn, self.owner_name = other.owner_urn, other.owner_name
        return before != (self.names, self.parents, self.type, self.owner_urn)


def node_of(element: dict[str, Any]) -> Node | None:
    """Return the node in an element of ``learningClassifications`` or of an asset; ``None`` if it has no URN."""
    urn = string(element.get("urn"))
    if urn is None:
        return None
    owner = object_in(element, "owner")
    label = element.get("name")
    locale = object_in(label, "locale")
    tag = "_".join(filter(None, (string(locale.get("language")), string(locale.get("country")))))
    names = {tag or UNDETERMINED: name(label)} if name(label) else {}
    kind = string(element.get("type")) or UNKNOWN_TYPE
    return Node(urn, kind, names, set(), string(owner.get("urn")), name(owner.get("name")) or None)


def entries_of(element: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries in an asset's element, each a classification with a path."""
    return items(object_in(element, "details"), "classifications")


def nodes_of(entry: dict[str, Any]) -> Iterator[Node]:
    """Yield every node that an entry mentions, with its parent on that path."""
    chain = [entry.get("associatedClassification"), *_path(entry)]
    links = [_as_object(link) for link in chain]
    for link, above in zip(links, [*links[1:], {}], strict=True):
        node = node_of(link)
        if node is not None:
            parent = string(above.get("urn"))
            node.parents = {parent} if parent else set()
            yield node


def merged(nodes: Iterable[Node]) -> dict[str, Node]:
    """Return nodes by URN, merging those with the same URN."""
    known: dict[str, Node] = {}
    for node in nodes:
        if node.urn in known:
            known[node.urn].learns_from(node)
        else:
            known[node.urn] = node
    return known


def classifications_of(details: dict[str, Any]) -> list[CourseClassification]:
    """Return an asset's classifications, one per URN, each with all its paths."""
    found: dict[str, CourseClassification] = {}
    for entry in items(details, "classifications"):
        of = object_in(entry, "associatedClassification")
        urn = string(of.get("urn"))
        if urn is None:
            continue
        kind = string(of.get("type")) or UNKNOWN_TYPE
        classification = found.setdefault(urn, {"urn": urn, "type": kind, "name": name(of.get("name")), "paths": []})
        path = [above for link in _path(entry) if (above := string(_as_object(link).get("urn")))]
        if path not in classification["paths"]:
            classification["paths"].append(path)
        _add_certification(classification, entry)
    return list(found.values())


def _add_certification(classification: CourseClassification, entry: dict[str, Any]) -> None:
    """Add credits and disciplines, which LinkedIn has sent since March 2025 under undocumented names."""
    for member, value in entry.items():
        word = member.lower()
        if "credit" in word and isinstance(value, int | float) and not isinstance(value, bool):
            classification["credits"] = value
        elif "disciplin" in word and isinstance(value, list):
            classification["disciplines"] = [
                label for item in value if (label := name(item) or name(object_in(item, "name")))
            ]


def _path(entry: dict[str, Any]) -> list[Any]:
    path = entry.get("path")
    return path if isinstance(path, list) else []


def _as_object(link: Any) -> dict[str, Any]:  # noqa: ANN401  (any JSON)
    """Return a link of a path as an object; LinkedIn sends an object, an object around it, or a bare URN."""
    if isinstance(link, str):
        return {"urn": link}
    return object_in(link, "associatedClassification") or (link if isinstance(link, dict) else {})
