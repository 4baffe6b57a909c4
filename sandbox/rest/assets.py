"""The `learningAssets` resource: get by URN, and the finders `localeAndType` and `criteria`."""

from dataclasses import replace
from urllib.parse import unquote

from sandbox.catalogue.criteria import Criteria
from sandbox.catalogue.facts import retirement
from sandbox.clock import DAY_MS, now_ms
from sandbox.errors import ApiError
from sandbox.quirks import Quirks
from sandbox.rest.element_quirks import disturbed
from sandbox.rest.paging import Page, window
from sandbox.rest.query import Query
from sandbox.rest.selection import select
from sandbox.settings import Json
from sandbox.world import World

PATH = "/v2/learningAssets"


def get(world: World, urn: str, query: Query) -> Json:
    """Return the response to `GET /v2/learningAssets/{urn}` for a course, video, learning path or chapter.

    Raises:
        ApiError: 400 for an invalid parameter; 404 if there is no such asset, or it is retired and the call does not
            set `includeRetired`.
    """
    depth = query.number("expandDepth", 1)
    element = _chapter(world, urn, depth) if urn.startswith("urn:li:lyndaChapter:") else _asset(world, urn, depth)
    if element is None or (_is_retired(element) and not query.flag("includeRetired")):
        raise ApiError(404, f"Could not find entity with urn: {urn}")
    return disturbed(world.quirks, element)


def find(world: World, query: Query) -> Page:
    """Return the page that a call to a finder asks for.

    Raises:
        ApiError: 400 for an unknown finder or a missing or invalid parameter; 403 for too large a page; 500 for the
            page that the quirk `unusable_page` breaks.
    """
    asked = window(query)
    finder = query.text("q")
    criteria = _criteria(query, finder)
    depth = query.number("expandDepth" if finder == "localeAndType" else "assetRetrievalCriteria.expandDepth", 1)
    selection = select(world.catalogue, world.quirks, _late(world.quirks, criteria), finder, asked)
    elements = [disturbed(world.quirks, world.catalogue.element(asset, depth)) for asset in selection.assets]
    return Page(asked, selection.total, elements, selection.links)


def _criteria(query: Query, finder: str) -> Criteria:
    if finder == "localeAndType":
        locale = query.locale("sourceLocale")
        if not locale or not query.text("assetType"):
            raise ApiError(400, "Parameters 'assetType' and 'sourceLocale' are required", 100)
        types = (query.text("assetType"),)
        return Criteria(types, (locale,), include_retired=query.flag("includeRetired"))
    if finder == "criteria":
        return _asset_filtering_criteria(query)
    raise ApiError(400, f"No finder '{finder}' on learningAssets", 100)


def _asset_filtering_criteria(query: Query) -> Criteria:
    part = "assetFilteringCriteria"
    after = query.text(f"{part}.lastModifiedAfter")
    locales = query.records(f"{part}.locales")
    return Criteria(
        types=query.values(f"{part}.assetTypes"),
        locales=tuple("_".join(filter(None, (one.get("language"), one.get("country")))) for one in locales),
        licensed_only=query.flag(f"{part}.licensedOnly"),
        modified_after=query.number(f"{part}.lastModifiedAfter") if after else None,
        curated=query.flag(f"{part}.isCurated"),
        classifications=frozenset(unquote(urn) for urn in query.values(f"{part}.classifications")),
        levels=query.values(f"{part}.difficultyLevels"),
        keyword=query.text(f"{part}.keyword"),
        include_retired=query.flag("assetRetrievalCriteria.includeRetired"),
        sort_by=query.text("assetPresentationCriteria.sortBy"),
    )


def _late(quirks: Quirks, criteria: Criteria) -> Criteria:
    """Return the criteria as an index with inexact times applies them, if a quirk asks for one."""
    if criteria.modified_after is None:
        return criteria
    older = quirks.get("delta_returns_older")
    if older and criteria.modified_after < now_ms() - DAY_MS:
        criteria = replace(criteria, leakage=older["share"])
    recent = quirks.get("delta_misses_recent")
    if recent:
        criteria = replace(criteria, modified_before=now_ms() - recent["seconds"] * 1000)
    return criteria


def _asset(world: World, urn: str, depth: int) -> Json | None:
    asset = world.catalogue.find(urn)
    return None if asset is None else world.catalogue.element(asset, depth)


def _chapter(world: World, urn: str, depth: int) -> Json | None:
    course = urn.removeprefix("urn:li:lyndaChapter:(").partition(",")[0]
    # The course is one level above the chapter, so it needs one more level of details.
    element = _asset(world, course, depth + 1) or {}
    chapters = (entry["asset"] for entry in element.get("contents", ()))
    return next((chapter for chapter in chapters if chapter["urn"] == urn), None)


def _is_retired(element: Json) -> bool:
    return retirement(element.get("details", {})) is not None
