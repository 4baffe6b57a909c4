"""Quirks of single elements: missing, unusual or superfluous content."""

from collections.abc import Callable, Iterator

import orjson

from sandbox.catalogue.taxonomy import OWNER_URN
from sandbox.dice import Dice
from sandbox.quirks import Quirks
from sandbox.settings import Json

OLD_OWNER_URN = "urn:li:company:1337"
UNKNOWN_CLASSIFICATION_URN = "urn:li:lyndaCategory:99000001"
MARKUP = '<p>New &amp; <b>improved</b>:</p><script>alert("x")</script><br/>'

_OMISSIBLE = (
    "level",
    "images",
    "description",
    "descriptionIncludingHtml",
    "shortDescription",
    "shortDescriptionIncludingHtml",
    "publishedAt",
    "timeToComplete",
    "contributors",
)
_OMISSIBLE_URLS = ("ssoLaunch", "aiccLaunch")


def disturbed(quirks: Quirks, element: Json) -> Json:
    """Return an element after applying every quirk that is on and affects it."""
    effects = [name for name in _EFFECTS if quirks.touches(name, element["urn"])]
    if not effects:
        return element
    # Generated elements share parts with each other, so changes are made to a copy.
    own: Json = orjson.loads(orjson.dumps(element))
    for name in effects:
        _EFFECTS[name](own, quirks.dice(f"{name} effect", element["urn"]))
    return own


def _absent_details(element: Json, dice: Dice) -> None:
    details = element.get("details", {})
    for name in _OMISSIBLE:
        if dice.chance(0.5):
            details.pop(name, None)
    for name in _OMISSIBLE_URLS:
        if dice.chance(0.5):
            details.get("urls", {}).pop(name, None)


def _country_absent(element: Json, _dice: Dice) -> None:
    for value in _objects(element):
        if "language" in value:
            value.pop("country", None)


def _indonesian_in(element: Json, _dice: Dice) -> None:
    locales = element.get("details", {}).setdefault("availableLocales", [])
    locales.append({"country": "ID", "language": "in"})


def _unknown_enum_values(element: Json, dice: Dice) -> None:
    details = element.get("details", {})
    details["level"] = dice.pick(("EXPERT", "ALL_LEVELS"))
    for contributor in details.get("contributors", ()):
        contributor["contributionType"] = "NARRATOR"
    for classification in details.get("classifications", ())[:1]:
        classification["associatedClassification"]["type"] = "DISCIPLINE"
    element["contents"].append(
        {
            "asset": {
                "urn": f"{element['urn']}:exam",
                "title": element["title"],
                "type": "EXAM",
                "contents": [],
            }
        }
    )


def _duplicate_classifications(element: Json, _dice: Dice) -> None:
    classifications = element.get("details", {}).get("classifications", [])
    again = [entry | {"path": list(reversed(entry["path"]))} for entry in classifications[:2]]
    classifications.extend([*classifications[:2], *again])


def _unknown_classification(element: Json, _dice: Dice) -> None:
    classifications = element.get("details", {}).get("classifications", [])
    for entry in classifications[:1]:
        name = {"locale": entry["associatedClassification"]["name"]["locale"], "value": "Quantum Gardening"}
        unknown = {"urn": UNKNOWN_CLASSIFICATION_URN, "type": "TOPIC", "name": name}
        classifications.append(entry | {"path": [], "associatedClassification": unknown})


def _changed_owner_urn(element: Json, _dice: Dice) -> None:
    for value in _objects(element):
        if value.get("urn") == OWNER_URN:
            value["urn"] = OLD_OWNER_URN


def _html_descriptions(element: Json, _dice: Dice) -> None:
    for name, value in element.get("details", {}).items():
        if name.lower().removesuffix("includinghtml").endswith("description"):
            value["value"] = MARKUP + value["value"]


def _objects(value: object) -> Iterator[Json]:
    """Yield every JSON object in a value, outer objects first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)


_EFFECTS: dict[str, Callable[[Json, Dice], None]] = {
    "absent_details": _absent_details,
    "country_absent": _country_absent,
    "indonesian_in": _indonesian_in,
    "unknown_enum_values": _unknown_enum_values,
    "duplicate_classifications": _duplicate_classifications,
    "unknown_classification": _unknown_classification,
    "changed_owner_urn": _changed_owner_urn,
    "html_descriptions": _html_descriptions,
}
