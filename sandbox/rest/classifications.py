"""The `learningClassifications` resource."""

from collections.abc import Iterator

from sandbox.catalogue import taxonomy
from sandbox.errors import ApiError
from sandbox.rest.paging import Page, window
from sandbox.rest.query import Query
from sandbox.settings import Json

PATH = "/v2/learningClassifications"
LISTED_BY_TYPE = ("LIBRARY", "SUBJECT", "TOPIC")
DEFAULT_LOCALE = "en_US"


class ClassificationStore:
    """The taxonomy, with the classifications added or removed by hand."""

    def __init__(self) -> None:
        self._elements: dict[str, Json] = {}
        self._removed: set[str] = set()

    def put(self, element: Json) -> None:
        """Add a classification as it is, replacing the one with its URN if there is one."""
        self._elements[element["urn"]] = element
        self._removed.discard(element["urn"])

    def remove(self, urn: str) -> bool:
        """Make the API deny that a classification exists; return whether it existed."""
        known = self.get(urn, DEFAULT_LOCALE) is not None
        self._removed.add(urn)
        return known

    def get(self, urn: str, locale: str) -> Json | None:
        """Return a classification with its name in a locale, or None."""
        if urn in self._removed:
            return None
        node = taxonomy.taxonomy().get(urn)
        return self._elements.get(urn) or (taxonomy.element(node, locale) if node else None)

    def all(self, locale: str) -> Iterator[Json]:
        """Yield every classification with its name in a locale."""
        for urn in dict.fromkeys((*taxonomy.taxonomy(), *self._elements)):
            element = self.get(urn, locale)
            if element is not None:
                yield element


def get(store: ClassificationStore, urn: str, query: Query) -> Json:
    """Return the response to `GET /v2/learningClassifications/{urn}`.

    Raises:
        ApiError: 404, there is no such classification.
    """
    element = store.get(urn, query.locale("targetLocale") or DEFAULT_LOCALE)
    if element is None:
        raise ApiError(404, f"Could not find entity with urn: {urn}")
    return element


def find(store: ClassificationStore, query: Query) -> Page:
    """Return the page that a call to the finder `localeAndType` or `keyword` asks for.

    Raises:
        ApiError: 400 for an unknown finder or type, or a missing or invalid parameter; 403 for too large a page.
    """
    finder = query.text("q")
    if finder == "localeAndType":
        found = _by_type(store, query.text("type"), query.locale("sourceLocale"))
    elif finder == "keyword":
        found = _by_keyword(store, query.text("keyword"), query.locale("targetLocale") or DEFAULT_LOCALE)
    else:
        raise ApiError(400, f"No finder '{finder}' on learningClassifications", 100)
    asked = window(query)
    return Page(asked, len(found), list(asked.of(found)))


def _by_type(store: ClassificationStore, kind: str, locale: str) -> list[Json]:
    if not locale:
        raise ApiError(400, "Parameter 'sourceLocale' is required", 100)
    if kind not in LISTED_BY_TYPE:
        raise ApiError(400, f"Parameter 'type' is invalid: {kind!r}", 100)
    return [element for element in store.all(locale) if element["type"] == kind]


def _by_keyword(store: ClassificationStore, keyword: str, locale: str) -> list[Json]:
    wanted = keyword.casefold()
    return [element for element in store.all(locale) if wanted in element["name"]["value"].casefold()]
