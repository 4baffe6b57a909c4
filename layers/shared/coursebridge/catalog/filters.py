"""Whether a course matches an integration's filters: pure, and the same rule in a sync, a save and a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.clock import rfc3339

if TYPE_CHECKING:
    from coursebridge.integrations.models import Filters
    from coursebridge.storage.course_shapes import Course

INDONESIAN = {"id": "in"}
"""LinkedIn's language code for Indonesian is the old one."""


def matches(course: Course, filters: Filters) -> bool:
    """Whether a course belongs to the chosen part of the catalogue.

    ``exclude_urns`` wins over ``include_urns``, which wins over all the rest. What a course does not say (no level,
    no duration, no date of publication) matches no filter that asks for it; whether a video is curated is believed
    until a query says that it is not.
    """
    if course["urn"] in filters.exclude_urns:
        return False
    return course["urn"] in filters.include_urns or _is_chosen(course, filters)


def left_to_syncs(before: Filters, after: Filters) -> list[str]:
    """Return, in sentences, what a change of filters does that no count of it has, as LinkedIn alone knows it."""
    told = []
    if before.licensed_only != after.licensed_only:
        then = "archive those beyond it" if after.licensed_only else "bring those beyond it, too"
        told.append(f"licensed_only: LinkedIn alone knows what the licence covers; the next full syncs {then}.")
    if before.curated_videos_only != after.curated_videos_only:
        then = "archive the others" if after.curated_videos_only else "bring the others, too"
        told.append(f"curated_videos_only: LinkedIn alone knows which videos are; the next full syncs {then}.")
    return told


def spelled_language(text: str) -> str:
    """Return a language in any spelling (``EN``, ``en-us``) as the settings spell it (``en``, ``en_US``)."""
    code, separator, country = text.replace("-", "_").partition("_")
    return f"{code.lower()}{separator}{country.upper()}"


def spelled_constant(text: str) -> str:
    """Return one of LinkedIn's constants in any spelling (``beginner``, ``learning-path``) as LinkedIn spells it."""
    return text.replace("-", "_").upper()


def linkedin_locale(language: str) -> str:
    """Return a language of the settings (``id``, ``en_US``) as LinkedIn spells it."""
    code, separator, country = language.partition("_")
    return f"{INDONESIAN.get(code, code)}{separator}{country}"


def speaks(locale: str | None, language: str) -> bool:
    """Whether a course in a locale is in a language of the filters.

    ``en`` takes every country. ``en_US`` takes ``en_US``, and ``en`` where LinkedIn names no country.
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
    """Whether one of the classifications is the course's own or stands above one of them."""
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
