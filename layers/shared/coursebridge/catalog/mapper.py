"""Maps LinkedIn's element to a course. No asset is lost because a member is absent, malformed or of a new kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from coursebridge.catalog import text
from coursebridge.catalog.classifications import classifications_of
from coursebridge.linkedin.reading import duration, items, moment, name, object_in, string
from coursebridge.storage.course_shapes import Author, Contents, Course, Element, LaunchUrls

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPPER_VERSION = 2
"""Increment this when the same element comes to map to a different course: a full sync then rewrites all courses."""

AVAILABLE, PUBLISHER = "AVAILABLE", "PUBLISHER"


def course_of(element: Element, *, curated: bool | None = None) -> Course:
    """Return the course of an element.

    Args:
        element: an element with a ``urn`` and a ``type``, as ``linkedin.pages`` guarantees.
        curated: whether an admin has curated it; ``None`` if that is unknown.
    """
    details = object_in(element, "details")
    title = object_in(element, "title")
    retired_at = moment(details.get("retiredAt"))
    available = [tag for locale in items(details, "availableLocales") if (tag := locale_tag(locale))]
    course = Course(
        urn=element["urn"],
        type=element["type"],
        title=text.plain(name(title)),
        description=_plain(details, "description"),
        short_description=_plain(details, "shortDescription"),
        thumbnail_url=string(object_in(details, "images").get("primary")),
        authors=_authors(details),
        classifications=classifications_of(details),
        duration_seconds=duration(details.get("timeToComplete")),
        level=string(details.get("level")),
        locale=locale_tag(object_in(title, "locale")) or next(iter(available), None),
        available_locales=list(dict.fromkeys(available)),
        published_at=moment(details.get("publishedAt")),
        updated_at=moment(details.get("lastUpdatedAt")),
        retired_at=retired_at,
        launch_urls=_launch_urls(details),
        retired=_is_retired(details, retired_at),
        curated=curated,
    )
    if others := _other_contributors(details):
        course["other_contributors"] = others
    return course


def contents_of(element: Element) -> list[Contents]:
    """Return the contents tree under an element."""
    assets = (object_in(entry, "asset") for entry in items(element, "contents"))
    return [
        Contents(
            urn=string(asset.get("urn")),
            type=string(asset.get("type")),
            title=name(asset.get("title")),
            duration_seconds=duration(object_in(asset, "details").get("timeToComplete")),
            contents=contents_of(asset),
        )
        for asset in assets
        if asset
    ]


def html_of(element: Element, field: str) -> str | None:
    """Return the safe HTML of ``description`` or ``shortDescription``, from LinkedIn's HTML variant if there is one."""
    details = object_in(element, "details")
    html = name(details.get(f"{field}IncludingHtml")) or name(details.get(field))
    return text.safe(html) if html else None


def locale_tag(locale: Any) -> str | None:  # noqa: ANN401  (any JSON)
    """Return LinkedIn's locale object as ``en_US``, or ``en`` without a country."""
    if not isinstance(locale, dict):
        return None
    language, country = string(locale.get("language")), string(locale.get("country"))
    return f"{language}_{country}" if language and country else language


def _plain(details: dict[str, Any], field: str) -> str | None:
    words = name(details.get(field)) or name(details.get(f"{field}IncludingHtml"))
    return text.plain(words) if words else None


def _is_retired(details: dict[str, Any], retired_at: str | None) -> bool:
    """Whether an asset is retired; with an unknown availability, it is only if it has a retirement date."""
    availability = details.get("availability")
    return availability == "RETIRED" or (retired_at is not None and availability != AVAILABLE)


def _authors(details: dict[str, Any]) -> list[Author]:
    return [contributor for contributor, is_author in _contributors(details) if is_author]


def _other_contributors(details: dict[str, Any]) -> list[Author]:
    return [
        contributor
        for contributor, is_author in _contributors(details)
        if not is_author and (contributor["urn"] or contributor["name"])
    ]


def _contributors(details: dict[str, Any]) -> Iterator[tuple[Author, bool]]:
    """Yield every contributor, and whether it is an author to show: one with a name who is no publisher."""
    for contributor in items(details, "contributors"):
        known = name(contributor.get("name")) or _full_name(contributor)
        is_author = bool(known) and contributor.get("contributionType") != PUBLISHER
        yield Author(urn=string(contributor.get("urn")), name=known), is_author


def _full_name(contributor: dict[str, Any]) -> str:
    parts = object_in(contributor, "authorDetails")
    return " ".join(filter(None, (name(parts.get("firstName")), name(parts.get("lastName")))))


def _launch_urls(details: dict[str, Any]) -> LaunchUrls:
    urls = object_in(details, "urls")
    found = {kind: string(urls.get(f"{kind}Launch")) for kind in ("web", "sso", "aicc")}
    return cast("LaunchUrls", found)
