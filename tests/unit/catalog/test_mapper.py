"""Mapping LinkedIn's elements to courses, whatever details they lack."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.catalog.mapper import contents_of, course_of, html_of, locale_tag

EVENTS = Path(__file__).resolve().parents[3] / "events"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DETAILS = [
    "availability",
    "availableLocales",
    "classifications",
    "contributors",
    "description",
    "descriptionIncludingHtml",
    "images",
    "lastUpdatedAt",
    "level",
    "publishedAt",
    "retiredAt",
    "shortDescription",
    "timeToComplete",
    "urls",
]


@pytest.fixture
def element() -> dict[str, Any]:
    """The asset in LinkedIn's own payload."""
    loaded: dict[str, Any] = json.loads((EVENTS / "linkedin-asset.json").read_text())
    return loaded


def without(element: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(element)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


def with_details(element: dict[str, Any], **details: Any) -> dict[str, Any]:
    return {**element, "details": {**element["details"], **details}}


def test_linkedins_own_asset_becomes_a_course(element: dict[str, Any]) -> None:
    course = course_of(element)
    details = element["details"]

    assert course == {
        "urn": "urn:li:lyndaCourse:252",
        "type": "COURSE",
        "title": "Excel 2007 Essential Training",
        "description": details["description"]["value"],
        "short_description": details["shortDescription"]["value"],
        "thumbnail_url": details["images"]["primary"],
        "authors": [{"urn": "urn:li:lyndaAuthor:88", "name": "Lorna Daly"}],
        "classifications": [
            {"urn": "urn:li:skill:163", "type": "SKILL", "name": "Microsoft Excel", "paths": [[]]},
        ],
        "duration_seconds": 18790,
        "level": "BEGINNER",
        "locale": "en_US",
        "available_locales": ["en_US"],
        "published_at": "2007-01-31T00:00:00.000Z",
        "updated_at": "2021-02-17T00:34:36.915Z",
        "retired_at": None,
        "launch_urls": {
            "web": details["urls"]["webLaunch"],
            "sso": details["urls"]["ssoLaunch"],
            "aicc": details["urls"]["aiccLaunch"],
        },
        "retired": False,
        "curated": None,
    }


def test_its_contents_are_a_tree(element: dict[str, Any]) -> None:
    [chapter] = contents_of(element)

    assert chapter["urn"] == "urn:li:lyndaChapter:(urn:li:lyndaCourse:252,4472)"
    assert chapter["type"] == "CHAPTER"
    assert [video["title"] for video in chapter["contents"]] == ["Welcome"]
    assert chapter["contents"][0]["contents"] == []


@pytest.mark.parametrize("name", DETAILS)
def test_any_detail_may_be_absent(element: dict[str, Any], name: str) -> None:
    if name in element["details"]:
        element = without(element, "details", name)

    assert course_of(element)["urn"] == element["urn"]


def test_an_element_that_says_next_to_nothing_is_a_course_all_the_same() -> None:
    course = course_of({"urn": "urn:li:x", "type": "COURSE"})

    assert course["title"] == ""
    assert course["launch_urls"] == {"web": None, "sso": None, "aicc": None}
    assert not course["retired"]


@given(st.dictionaries(st.sampled_from(DETAILS), JSON), JSON, JSON)
def test_no_element_is_odd_enough_to_fail(details: dict[str, Any], title: Any, contents: Any) -> None:
    element = {"urn": "urn:li:x", "type": "COURSE", "title": title, "details": details, "contents": contents}

    json.dumps(course_of(element))
    json.dumps(contents_of(element))
    html_of(element, "description")


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ({"duration": 90, "unit": "SECOND"}, 90),
        ({"duration": 90}, 90),
        ({"duration": 1.5, "unit": "MINUTE"}, 90),
        ({"duration": 2, "unit": "HOUR"}, 7200),
        ({"duration": 2, "unit": "FORTNIGHT"}, None),
        ({"duration": -2, "unit": "HOUR"}, None),
        ({"duration": True}, None),
        ({"duration": float("nan")}, None),
        ({"duration": float("inf")}, None),
        ({"duration": 1e19}, None),
        ({"duration": 10**19}, None),
        ({"duration": 10**400}, None),
        ({"duration": 87_000, "unit": "HOUR"}, 313_200_000),
        ({"duration": "600"}, 600),
        ({"duration": "1.5", "unit": "MINUTE"}, 90),
        ({"duration": "-2"}, None),
        ({"duration": "nan"}, None),
        ({"duration": "1e19"}, None),
        ({"duration": "9" * 5000}, None),
        ({"duration": "ten"}, None),
        ({"duration": ""}, None),
        ("2 hours", None),
    ],
)
def test_durations_are_in_seconds_whatever_the_unit(element: dict[str, Any], time: Any, seconds: int | None) -> None:
    assert course_of(with_details(element, timeToComplete=time))["duration_seconds"] == seconds


@pytest.mark.parametrize(
    ("details", "retired"),
    [
        ({"availability": "RETIRED", "retiredAt": 1613522076915}, True),
        ({"availability": "RETIRED"}, True),
        ({"availability": None, "retiredAt": 1613522076915}, True),
        ({"availability": "AVAILABLE", "retiredAt": 1613522076915}, False),
        ({"availability": "COMING_SOON"}, False),
    ],
)
def test_retired_is_what_linkedin_calls_so(element: dict[str, Any], details: dict[str, Any], retired: bool) -> None:
    assert course_of(with_details(element, **details))["retired"] is retired


@pytest.mark.parametrize("millis", [1613522076915, 1613522076915.0, "1613522076915"])
def test_a_time_is_read_as_a_number_or_as_the_text_of_one(element: dict[str, Any], millis: Any) -> None:
    course = course_of(with_details(element, publishedAt=millis, lastUpdatedAt=millis))

    assert {course["published_at"], course["updated_at"]} == {"2021-02-17T00:34:36.915Z"}


NO_TIMES = [
    "yesterday", "9" * 30, "9" * 5000, "inf", "", True, 10**30, -(10**30), float("nan"), float("inf"), None,
]  # fmt: skip


@pytest.mark.parametrize("millis", NO_TIMES)
def test_a_time_no_calendar_knows_is_unknown(element: dict[str, Any], millis: Any) -> None:
    assert course_of(with_details(element, publishedAt=millis))["published_at"] is None


@pytest.mark.parametrize(
    ("title", "available", "locale"),
    [
        ({"language": "en", "country": "US"}, [], "en_US"),
        ({"language": "en"}, [{"language": "de", "country": "DE"}], "en"),
        (None, [{"country": "DE"}, {"language": "de", "country": "DE"}], "de_DE"),
        ({"language": "in", "country": "ID"}, [], "in_ID"),
        (None, [], None),
    ],
)
def test_the_locale_is_the_titles_else_the_first_available(
    element: dict[str, Any], title: Any, available: list[Any], locale: str | None
) -> None:
    changed = with_details(element, availableLocales=available)
    changed["title"] = {"value": "x", "locale": title}

    assert course_of(changed)["locale"] == locale


def test_an_organisation_is_an_author_and_a_publisher_is_none(element: dict[str, Any]) -> None:
    def named(name: str) -> dict[str, Any]:
        return {"value": name}

    contributors = [
        {"urn": "urn:li:lyndaAuthor:1", "contributionType": "PUBLISHER", "name": named("Publisher")},
        {"contributionType": "AUTHOR", "authorDetails": {"firstName": named("Initiative"), "lastName": named("")}},
        {"contributionType": "NARRATOR", "name": named("Narrator")},
        {"contributionType": "AUTHOR"},
    ]

    course = course_of(with_details(element, contributors=contributors))

    assert course["authors"] == [{"urn": None, "name": "Initiative"}, {"urn": None, "name": "Narrator"}]
    assert course["other_contributors"] == [{"urn": "urn:li:lyndaAuthor:1", "name": "Publisher"}]


def test_a_contributor_can_lack_a_name_but_not_everything(element: dict[str, Any]) -> None:
    nameless = [{"urn": "urn:li:organization:2", "contributionType": "PUBLISHER"}, {"urn": "urn:li:lyndaAuthor:3"}]
    nothing = [{"contributionType": "PUBLISHER"}, {}]

    course = course_of(with_details(element, contributors=[*nameless, *nothing]))

    assert course["authors"] == []
    assert [one["urn"] for one in course["other_contributors"]] == ["urn:li:organization:2", "urn:li:lyndaAuthor:3"]
    assert "other_contributors" not in course_of(with_details(element, contributors=nothing))


def test_a_description_that_comes_as_html_only_is_made_plain(element: dict[str, Any]) -> None:
    html = "<p>One &amp; <em>two</em></p><script>alert(1)</script>three"
    element = with_details(element, descriptionIncludingHtml={"value": html})
    element = without(element, "details", "description")

    assert course_of(element)["description"] == "One & two three"
    assert html_of(element, "description") == "<p>One &amp; <em>two</em></p>three"


def test_a_plain_text_is_left_as_it_is(element: dict[str, Any]) -> None:
    words = "R&D for a < b:\n\n  AT&T"

    assert course_of(with_details(element, description={"value": words}))["description"] == words


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ('<p onclick="x()">a</p>', "<p>a</p>"),
        ('<a href="javascript:x()">a</a>', "a"),
        ("<b>bold <i>both</b> none", "<b>bold <i>both</i></b> none"),
        ("<ul><li>one", "<ul><li>one</li></ul>"),
        ("1 < 2 & <br/>3", "1 &lt; 2 &amp; <br>3"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<style>p {}</style></em>x", "x"),
        ("</script>x", "x"),
        ("a<![odd[ b>c", "ac"),
        ("<![if !mso]><b>a</b><![endif]>", "<b>a</b>"),
        ("<![CDATA[a]]>b", "b"),
    ],
)
def test_html_is_shown_with_simple_mark_up_only(element: dict[str, Any], html: str, safe: str) -> None:
    assert html_of(with_details(element, descriptionIncludingHtml={"value": html}), "description") == safe


def test_what_has_no_html_has_none_to_show() -> None:
    assert html_of({}, "description") is None


@pytest.mark.parametrize(
    ("locale", "tag"),
    [
        ({"language": "en", "country": "US"}, "en_US"),
        ({"language": "en"}, "en"),
        ({}, None),
        ("en_US", None),
        (None, None),
    ],
)
def test_a_locale_is_spelled_as_linkedin_asks_for_it(locale: Any, tag: str | None) -> None:
    assert locale_tag(locale) == tag
