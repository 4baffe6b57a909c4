"""Which courses match the filters: each setting alone, and all of them together."""

import pytest
from hypothesis import given

from catalog_builders import LIBRARY, SKILL, SUBJECT, TOPIC, URN, course, courses, filters, some_filters
from coursebridge.catalog.filters import matches, speaks
from coursebridge.integrations.models import Filters
from coursebridge.storage.course_shapes import Course


def test_by_default_every_course_matches() -> None:
    assert matches(course(level=None, duration_seconds=None, published_at=None, locale=None), filters())


@pytest.mark.parametrize(
    ("locale", "language", "spoken"),
    [
        ("en_US", "en", True),
        ("en_US", "en_US", True),
        ("en_GB", "en_US", False),
        ("en_GB", "en", True),
        ("en", "en_US", True),
        ("de_DE", "en", False),
        ("in_ID", "id", True),
        ("in_ID", "id_ID", True),
        ("in", "in_ID", True),
        (None, "en", False),
    ],
)
def test_a_language_takes_every_country_and_a_country_takes_none_named(
    locale: str | None, language: str, spoken: bool
) -> None:
    assert speaks(locale, language) is spoken


@pytest.mark.parametrize("urn", [TOPIC, SUBJECT, LIBRARY])
def test_a_classification_takes_what_is_below_it(urn: str) -> None:
    assert matches(course(), filters(classifications=[SKILL, urn]))


@pytest.mark.parametrize(
    "wanted",
    [
        {"asset_types": ["VIDEO"]},
        {"languages": ["de", "fr"]},
        {"classifications": [SKILL]},
        {"levels": ["ADVANCED"]},
        {"min_duration_seconds": 3601},
        {"max_duration_seconds": 3599},
        {"published_after": "2024-01-01T00:00:00Z"},
        {"exclude_urns": [URN]},
        {"exclude_urns": [URN], "include_urns": [URN]},
    ],
)
def test_one_setting_that_does_not_fit_is_enough(wanted: dict[str, object]) -> None:
    assert not matches(course(), filters(**wanted))


@pytest.mark.parametrize(
    "wanted",
    [
        {"asset_types": ["VIDEO", "COURSE"]},
        {"languages": ["de", "en"]},
        {"classifications": [TOPIC]},
        {"levels": ["ADVANCED", "BEGINNER"]},
        {"min_duration_seconds": 3600},
        {"max_duration_seconds": 3600},
        {"published_after": "2023-12-31T23:59:59Z"},
        {"curated_videos_only": True},
        {"include_urns": [URN], "asset_types": ["VIDEO"], "languages": ["de"], "levels": ["ADVANCED"]},
    ],
)
def test_what_fits_is_left_in(wanted: dict[str, object]) -> None:
    assert matches(course(), filters(**wanted))


def test_of_several_classifications_one_is_enough() -> None:
    other = {"urn": SKILL, "type": "SKILL", "name": "Numbers", "paths": []}
    both = [*course()["classifications"], other]

    assert all(matches(course(classifications=both), filters(classifications=[urn])) for urn in (SKILL, LIBRARY))


@pytest.mark.parametrize(
    ("wanted", "silent"),
    [
        ({"levels": ["BEGINNER"]}, {"level": None}),
        ({"max_duration_seconds": 10}, {"duration_seconds": None}),
        ({"published_after": "2020-01-01T00:00:00Z"}, {"published_at": None}),
    ],
)
def test_what_a_course_does_not_say_matches_no_filter_that_asks_for_it(
    wanted: dict[str, object], silent: dict[str, object]
) -> None:
    assert not matches(course(**silent), filters(**wanted))


def test_a_duration_at_the_bound_fits() -> None:
    assert matches(course(), filters(min_duration_seconds=3600, max_duration_seconds=3600))


@pytest.mark.parametrize(("curated", "chosen"), [(True, True), (None, True), (False, False)])
def test_a_video_is_believed_to_be_curated_until_a_query_says_otherwise(curated: bool | None, chosen: bool) -> None:
    wanted = filters(asset_types=["VIDEO", "COURSE"], curated_videos_only=True)

    assert matches(course(type="VIDEO", curated=curated), wanted) is chosen
    assert matches(course(curated=False), wanted)
    assert matches(course(type="VIDEO", curated=curated), filters(asset_types=["VIDEO"]))


@given(courses, some_filters)
def test_an_excluded_urn_never_matches_and_an_included_one_always_does(one: Course, wanted: Filters) -> None:
    if one["urn"] in wanted.exclude_urns:
        assert not matches(one, wanted)
    elif one["urn"] in wanted.include_urns:
        assert matches(one, wanted)


@given(courses, some_filters)
def test_taking_a_filter_away_never_takes_a_course_away(one: Course, wanted: Filters) -> None:
    if matches(one, wanted):
        for name in ("languages", "levels", "classifications", "exclude_urns"):
            assert matches(one, wanted.model_copy(update={name: []}))
        for name in ("min_duration_seconds", "max_duration_seconds", "published_after"):
            assert matches(one, wanted.model_copy(update={name: None}))
