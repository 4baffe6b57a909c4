"""The resources ``learningAssets`` and ``learningClassifications``, and how to query them.

Each query has one asset type and one locale, and no ``sortBy`` or ``keyword``: anything else makes LinkedIn cut the
answer short. Booleans are lower-case. LinkedIn silently ignores unknown parameters, so the tests check the names
letter by letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from coursebridge.linkedin.pages import PAGE_SIZE, Page, read_page

if TYPE_CHECKING:
    from coursebridge.linkedin.client import LinkedInClient, Parameters

ASSETS_PATH = "/v2/learningAssets"
CLASSIFICATIONS_PATH = "/v2/learningClassifications"
# LinkedIn's code for Indonesian is `in`.
COUNTRY_OF = {
    "de": "DE", "en": "US", "es": "ES", "fr": "FR", "in": "ID", "it": "IT", "ja": "JP",
    "ko": "KR", "nl": "NL", "pl": "PL", "pt": "BR", "tr": "TR", "zh": "CN",
}  # fmt: skip
LISTED_CLASSIFICATIONS = ("LIBRARY", "SUBJECT", "TOPIC")
_CRITERIA = "assetFilteringCriteria"


def split_locale(locale: str) -> tuple[str, str]:
    """Return the language and country of a locale such as ``en_US``; the country of ``en`` is empty."""
    language, _, country = locale.partition("_")
    return language, country


@dataclass(frozen=True)
class Listing:
    """A query for assets of one type.

    Attributes:
        asset_type: ``COURSE``, ``LEARNING_PATH`` or ``VIDEO``.
        locale: ``en_US``, or ``en`` for any country; empty for every locale.
        finder: ``criteria``, or ``localeAndType``, which has no other filters but is never cut short.
        licensed_only: leave out assets that the licence does not cover.
        modified_after: epoch milliseconds; only assets released, changed or retired later.
        curated: only videos that an admin has curated.
        classification: only assets under this URN; empty for all.
    """

    asset_type: str
    locale: str = ""
    finder: Literal["criteria", "localeAndType"] = "criteria"
    licensed_only: bool = True
    modified_after: int | None = None
    curated: bool = False
    classification: str = ""

    def parameters(self, start: int, count: int = PAGE_SIZE) -> Parameters:
        """Return the query for one page."""
        query = self._by_locale_and_type() if self.finder == "localeAndType" else self._by_criteria()
        return [("q", self.finder), *query, ("start", str(start)), ("count", str(count))]

    def _by_locale_and_type(self) -> Parameters:
        language, country = split_locale(self.locale)
        return [
            ("assetType", self.asset_type),
            ("sourceLocale.language", language),
            ("sourceLocale.country", country or COUNTRY_OF.get(language, "")),
            ("expandDepth", "1"),
            ("includeRetired", "true"),
        ]

    def _by_criteria(self) -> Parameters:
        language, country = split_locale(self.locale)
        optional = {
            "locales[0].language": language,
            "locales[0].country": country,
            "classifications[0]": self.classification,
            "lastModifiedAfter": "" if self.modified_after is None else str(self.modified_after),
            "isCurated": "true" if self.curated else "",
        }
        return [
            (f"{_CRITERIA}.assetTypes[0]", self.asset_type),
            *((f"{_CRITERIA}.{name}", value) for name, value in optional.items() if value),
            (f"{_CRITERIA}.licensedOnly", "true" if self.licensed_only else "false"),
            ("assetRetrievalCriteria.includeRetired", "true"),
            ("assetRetrievalCriteria.expandDepth", "1"),
        ]


def page(client: LinkedInClient, listing: Listing, start: int, count: int = PAGE_SIZE) -> Page:
    """Return one checked page of a listing."""
    return client.get(ASSETS_PATH, listing.parameters(start, count), partial(read_page, listing.asset_type, start))


def asset(client: LinkedInClient, urn: str) -> dict[str, Any]:
    """Return one asset, retired or not.

    Raises:
        NoSuchEntity: LinkedIn does not know the asset.
    """
    return client.get(f"{ASSETS_PATH}/{quote(urn, safe='')}", [("includeRetired", "true"), ("expandDepth", "1")])


def classifications_page(client: LinkedInClient, kind: str, locale: str, start: int) -> Page:
    """Return one checked page of the classifications of one type, with their names in a locale.

    Args:
        client: a client with the scope ``content``.
        kind: one of :data:`LISTED_CLASSIFICATIONS`; LinkedIn refuses others.
        locale: ``en_US``, or ``en``.
        start: offset of the first classification.
    """
    language, country = split_locale(locale)
    query = [
        ("q", "localeAndType"),
        ("type", kind),
        ("sourceLocale.language", language),
        ("sourceLocale.country", country or COUNTRY_OF.get(language, "")),
        ("start", str(start)),
        ("count", str(PAGE_SIZE)),
    ]
    return client.get(CLASSIFICATIONS_PATH, query, partial(read_page, kind, start))
