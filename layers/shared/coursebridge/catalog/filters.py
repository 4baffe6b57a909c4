"""Decides whether a course matches an integration's filters. Pure; used alike for syncs, saved filters and previews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.integrations.models import Filters
    from coursebridge.storage.course_shapes import Course

INDONESIAN = {"id": "in"}
"""LinkedIn uses the old language code for Indonesian."""


def matches(course: Course, filters: Filters) -> bool:
    """Whether a course belongs to the chosen part of the catalogue.

    ``exclude_urns`` takes precedence over ``include_urns``, which takes precedence over all other filters. A course
    without a level, a duration or a publication date does not match a filter on it. A video counts as curated unless it
    is known not to be.
    """
    if course["urn"] in filters.exclude_urns:
        return False
    return course["urn"] in filters.include_urns or _is_chosen(course, filters)


def left_to_syncs(before: Filters, after: Filters) -> Iterator[str]:
    """Describe in sentences the effects of a change of filters that need full syncs, as only LinkedIn knows them."""
    if before.licensed_only != after.licensed_only:
        then = "archive those beyond it" if after.licensed_only else "bring those beyond it, too"
        yield f"licensed_only: LinkedIn alone knows what the licence covers; the next full syncs {then}."
    if before.curated_videos_only != after.curated_videos_only:
        then = "archive the others" if after.curated_videos_only else "bring the others, too"
        yield f"curated_videos_only: LinkedIn alone knows which videos are; the next full syncs {then}."


def spelled_language(text: str) -> str:
    """Convert a language in any spelling (``EN``, ``en-us``) to that of the settings (``en``, ``en_US``)."""
    code, separator, country = text.replace("-", "_").partition("_")
    return f"{code.lower()}{separator}{country.upper()}"


def spelled_constant(text: str) -> str:
    """Convert a LinkedIn constant in any spelling (``beginner``, ``learning-path``) to LinkedIn's own."""
    return text.replace("-", "_").upper()


def linkedin_locale(language: str) -> str:
    """Convert a language of the settings (``id``, ``en_US``) to LinkedIn's spelling."""
    code, separator, country = language.partition("_")
    return f"{INDONESIAN.get(code, code)}{separator}{country}"


def speaks(locale: str | None, language: str) -> bool:
    """Whether a course's locale matches a language of the filters.

    ``en`` matches every country. ``en_US`` matches ``en_US``, and also ``en`` without a country.
    """
    if locale is None:
        return False
    code, _, country = locale.partition("_")
    wanted, _, wanted_country = linkedin_locale(language).partition("_")
    return code == wanted and (not country or not wanted_country or country == wanted_country)


def _is_chosen(course: Course, filters: Filters) -> bool:
    return (
        course["type"] in filters.asset_types
        and _in_a_language(course, filters)
        and _under_a_classification(course, filters)
        and (not filters.levels or course["level"] in filters.levels)
        and _of_the_length(course, filters)
        and _published_late_enough(course, filters)
        and _curated(course, filters)
    )


def _in_a_language(course: Course, filters: Filters) -> bool:
    return not filters.languages or any(speaks(course["locale"], language) for language in filters.languages)


def _under_a_classification(course: Course, filters: Filters) -> bool:
    """Whether the course has one of the classifications, or one below it."""
    if not filters.classifications:
        return True
    wanted = set(filters.classifications)
    return any(
        classification["urn"] in wanted or any(not wanted.isdisjoint(path) for path in classification["paths"])
        for classification in course["classifications"]
    )


def _of_the_length(course: Course, filters: Filters) -> bool:
    low, high, seconds = filters.min_duration_seconds, filters.max_duration_seconds, course["duration_seconds"]
    if low is None and high is None:
        return True
    return seconds is not None and (low is None or seconds >= low) and (high is None or seconds <= high)


def _published_late_enough(course: Course, filters: Filters) -> bool:
    after, published = filters.published_after, course["published_at"]
    return after is None or (published is not None and published > rfc3339(after))


def _curated(course: Course, filters: Filters) -> bool:
    return not filters.curated_videos_only or course["type"] != "VIDEO" or course["curated"] is not False
