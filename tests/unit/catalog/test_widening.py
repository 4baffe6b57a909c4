"""Whether filters are wider than others: exactly if a course can be found that only they select."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog_builders import LIBRARY, SKILL, SUBJECT, TOPIC, course, courses, filters, some_filters
from coursebridge.catalog.filters import matches
from coursebridge.catalog.widening import is_wider

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from coursebridge.integrations.models import Filters
    from coursebridge.storage.course_shapes import Course

GRAPH = {TOPIC: [SUBJECT], SUBJECT: [LIBRARY]}
PATHS = {TOPIC: [[SUBJECT, LIBRARY]], SUBJECT: [[LIBRARY]], LIBRARY: [[]], SKILL: [[]]}
DATES = (None, "2022-06-01T00:00:00.000Z", "2023-06-01T00:00:00.000Z", "2024-06-01T00:00:00.000Z")
dated_filters = st.builds(
    lambda chosen, after: chosen.model_copy(update={"curated_videos_only": False, "published_after": after}),
    some_filters,
    st.sampled_from([filters(published_after=f"{year}-01-01T00:00:00Z").published_after for year in (2022, 2023, 2024)])
    | st.none(),
)


def known(urns: Collection[str]) -> Mapping[str, list[str]]:
    return {urn: GRAPH[urn] for urn in urns if urn in GRAPH}


def classified(urn: str) -> list[dict[str, Any]]:
    return [{"urn": urn, "type": "TOPIC", "name": "", "paths": PATHS[urn]}]


def variants(of: Filters) -> dict[str, list[Any]]:
    """Return, for each member of a course, values that between them tell any two settings apart."""
    lengths = {0, 5000, 9999, of.min_duration_seconds or 0, of.max_duration_seconds or 0}
    return {
        "type": ["COURSE", "VIDEO", "LEARNING_PATH"],
        "locale": [None, "en_US", "en_GB", "en_AU", "de_DE", "in_ID"],
        "level": [None, "BEGINNER", "ADVANCED"],
        "duration_seconds": [None, *sorted(lengths)],
        "published_at": list(DATES),
        "classifications": [[], *map(classified, PATHS)],
    }


def candidates(after: Filters) -> Iterator[Course]:
    """Yield a course that ``after`` chooses and its variants in one member, under URNs that filters may name."""
    values = variants(after)
    open_to_any = after.model_copy(update={"include_urns": [], "exclude_urns": []})
    base: dict[str, Any] = {}
    alone: dict[str, dict[str, Any]] = {
        "type": {"asset_types": after.asset_types},
        "locale": {"languages": after.languages},
        "level": {"levels": after.levels},
        "duration_seconds": {name: getattr(after, name) for name in ("min_duration_seconds", "max_duration_seconds")},
        "published_at": {"published_after": after.published_after},
        "classifications": {"classifications": after.classifications},
    }
    for member, settings in alone.items():
        anything = filters(asset_types=["COURSE", "VIDEO", "LEARNING_PATH"]).model_copy(update=settings)
        base[member] = next(
            value
            for value in values[member]
            if matches(course(**{"type": after.asset_types[0], member: value}), anything)
        )
    assert matches(course(urn="urn:li:lyndaCourse:9", **base), open_to_any)
    urns = [f"urn:li:lyndaCourse:{number}" for number in (0, 1, 2, 3, 9)]
    for urn, (member, of_member) in product(urns, values.items()):
        for value in of_member:
            yield course(urn=urn, **{**base, member: value})


@given(dated_filters, dated_filters, courses)
def test_a_course_that_only_new_filters_select_makes_them_wider(before: Filters, after: Filters, one: Course) -> None:
    if matches(one, after) and not matches(one, before):
        assert is_wider(before, after, known)


@given(dated_filters, dated_filters)
@example(filters(min_duration_seconds=0), filters())
@example(filters(languages=["en_US", "en_GB"]), filters(languages=["en"]))
def test_filters_that_are_wider_select_a_course_that_the_old_ones_do_not(before: Filters, after: Filters) -> None:
    plain: dict[str, Any] = {"include_urns": [], "exclude_urns": []}
    before, after = before.model_copy(update=plain), after.model_copy(update=plain)
    pool = [*candidates(after), *(one | {"duration_seconds": n} for one in candidates(after) for n in _edges(before))]

    assert is_wider(before, after, known) is any(matches(one, after) and not matches(one, before) for one in pool)


def _edges(of: Filters) -> list[int]:
    low, high = of.min_duration_seconds, of.max_duration_seconds
    return [edge for edge in (low and low - 1, high and high + 1) if edge]


@given(some_filters)
def test_filters_are_no_wider_than_themselves_or_than_none(chosen: Filters) -> None:
    open_to_all = filters(asset_types=["COURSE", "VIDEO", "LEARNING_PATH"], include_urns=chosen.include_urns)

    assert not is_wider(chosen, chosen, known)
    assert not is_wider(open_to_all, chosen, known)


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        ({}, {"include_urns": ["urn:li:lyndaCourse:1"]}, True),
        ({"exclude_urns": ["urn:li:lyndaCourse:1"]}, {}, True),
        ({"include_urns": ["urn:li:lyndaCourse:1"]}, {}, False),
        ({}, {"exclude_urns": ["urn:li:lyndaCourse:1"]}, False),
        ({}, {"exclude_urns": ["urn:li:lyndaCourse:1"], "include_urns": ["urn:li:lyndaCourse:1"]}, False),
        ({"languages": ["id"]}, {"languages": ["in_ID"]}, False),
        ({"languages": ["en_US"]}, {"languages": ["en_GB"]}, True),
        ({"max_duration_seconds": 60}, {"min_duration_seconds": 0, "max_duration_seconds": 60}, False),
        ({"licensed_only": True}, {"licensed_only": False}, False),
    ],
)
def test_single_changes(before: dict[str, Any], after: dict[str, Any], wider: bool) -> None:
    assert is_wider(filters(**before), filters(**after), known) is wider


@pytest.mark.parametrize(
    ("graph", "wider"),
    [
        ({TOPIC: [SUBJECT], SUBJECT: [LIBRARY]}, False),
        ({TOPIC: [SUBJECT, SKILL], SUBJECT: [LIBRARY]}, True),
        ({TOPIC: [SUBJECT], SUBJECT: []}, True),
        ({TOPIC: [SUBJECT], SUBJECT: [TOPIC]}, True),
        ({}, True),
    ],
)
def test_a_classification_is_narrower_only_if_every_way_up_leads_to_a_former_one(
    graph: dict[str, list[str]], wider: bool
) -> None:
    def parents(urns: Collection[str]) -> dict[str, list[str]]:
        return {urn: graph[urn] for urn in urns if urn in graph}

    assert is_wider(filters(classifications=[LIBRARY]), filters(classifications=[TOPIC]), parents) is wider
