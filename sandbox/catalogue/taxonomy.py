"""The classification graph: LIBRARY > SUBJECT > TOPIC, and separately SKILL and CONTINUING_EDUCATION_UNIT.

It is a graph, not a tree, because a topic can belong to several subjects. The ids of the libraries are LinkedIn's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sandbox.catalogue.languages import data_file, known_languages, language, localized
from sandbox.settings import Json

OWNER_URN = "urn:li:organization:1337"
FIRST_TOPIC_ID = 7300
FIRST_SKILL_ID = 163


@dataclass(frozen=True)
class Classification:
    """One node of the graph.

    Attributes:
        urn: the URN that identifies it.
        type: `LIBRARY`, `SUBJECT`, `TOPIC`, `SKILL` or `CONTINUING_EDUCATION_UNIT`.
        name: its English name, or its only name.
        translation: index of its name in a language's `classifications`, or None if it is not translated.
        parents: URNs of its parents.
        disciplines: fields of study, for a CONTINUING_EDUCATION_UNIT.
    """

    urn: str
    type: str
    name: str
    translation: int | None = None
    parents: tuple[str, ...] = ()
    disciplines: tuple[str, ...] = ()

    def name_in(self, locale: str) -> str:
        """Return the name in a locale's language, or in English if there is no translation."""
        code = locale.partition("_")[0]
        if self.translation is None or code not in known_languages():
            return self.name
        return language(code).classifications[self.translation]


def owner(locale: str) -> Json:
    """Return the owner of classifications: LinkedIn."""
    return {"urn": OWNER_URN, "name": localized(locale, "LinkedIn")}


@cache
def element(node: Classification, locale: str) -> Json:
    """Return a classification as LinkedIn's API does; it is cached: do not change it."""
    return {
        "name": localized(locale, node.name_in(locale)),
        "owner": owner(locale),
        "urn": node.urn,
        "type": node.type,
    }


@cache
def taxonomy() -> dict[str, Classification]:
    """Return every classification by URN, parents before children."""
    data = data_file("classifications.json")
    nodes = [*_categories(data["libraries"]), *_skills(data["skills"]), *_credentials(data["credentials"])]
    return {node.urn: node for node in nodes}


@cache
def of_type(kind: str) -> tuple[Classification, ...]:
    """Return the classifications of one type, in the order the API lists them."""
    return tuple(node for node in taxonomy().values() if node.type == kind)


@cache
def paths(urn: str) -> tuple[tuple[str, ...], ...]:
    """Return all paths from a classification up to a root, nearest ancestor first; `((),)` if it has no parents."""
    node = taxonomy().get(urn)
    if node is None or not node.parents:
        return ((),)
    parents = node.parents
    return tuple((parent, *rest) for parent in parents for rest in paths(parent))


def _category(number: int) -> str:
    return f"urn:li:lyndaCategory:{number}"


def _categories(libraries: list[Json]) -> Iterator[Classification]:
    english = language("en").classifications
    subjects: list[Classification] = []
    topic_parents: dict[str, list[str]] = {}
    for position, library in enumerate(libraries):
        urn = _category(library["id"])
        yield Classification(urn, "LIBRARY", english[position], position)
        for subject in library["subjects"]:
            place = len(libraries) + len(subjects)
            subject_urn = _category(subject["id"])
            subjects.append(Classification(subject_urn, "SUBJECT", english[place], place, (urn,)))
            for topic in subject["topics"]:
                topic_parents.setdefault(topic, []).append(subject_urn)
    yield from subjects
    for number, (topic, parents) in enumerate(topic_parents.items(), FIRST_TOPIC_ID):
        yield Classification(_category(number), "TOPIC", topic, None, tuple(parents))


def _skills(names: list[str]) -> Iterator[Classification]:
    for number, name in enumerate(names, FIRST_SKILL_ID):
        yield Classification(f"urn:li:skill:{number}", "SKILL", name)


def _credentials(programs: list[Json]) -> Iterator[Classification]:
    for program in programs:
        agency = f"urn:li:lyndaCredentialingAgency:{program['agency']}"
        urn = f"urn:li:lyndaCredentialingProgram:({agency},{program['program']})"
        yield Classification(
            urn, "CONTINUING_EDUCATION_UNIT", program["name"], disciplines=tuple(program["disciplines"])
        )
