"""The `learningAssets` resource, without quirks."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.catalogue import layout
from sandbox.catalogue.layout import Kind
from sandbox.rest.query import Query, project, projection
from sandbox.world import World

Json = dict[str, Any]
Api = Callable[..., Json]
FILTER = "assetFilteringCriteria"


def urns(page: Json) -> list[str]:
    return [element["urn"] for element in page["elements"]]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 100))
def test_pages_hold_every_match_exactly_once(find: Api, count: int) -> None:
    found: list[str] = []
    start = 0
    while True:
        page = find(start=start, count=count, fields="urn")
        found += urns(page)
        if "next" not in {link["rel"] for link in page["paging"]["links"]}:
            break
        start += count
    assert len(found) == len(set(found)) == page["paging"]["total"] == layout.slots(260)


def test_a_page_says_what_was_asked_for(find: Api) -> None:
    paging = find(start=100, count=100)["paging"]
    assert (paging["start"], paging["count"], paging["total"]) == (100, 100, layout.slots(260))
    assert [link["rel"] for link in paging["links"]] == ["prev", "next"]


def test_links_are_relative_sorted_and_keep_their_brackets(http: httpx.Client) -> None:
    query = f"q=criteria&start=20&count=10&{FILTER}.locales%5B0%5D.language=en&{FILTER}.assetTypes%5B0%5D=COURSE"
    links = http.get(f"/v2/learningAssets?{query}").json()["paging"]["links"]
    assert [link["href"] for link in links] == [
        f"/v2/learningAssets?{FILTER}.assetTypes[0]=COURSE&{FILTER}.locales[0].language=en&count=10&q=criteria&start={at}"
        for at in (10, 30)
    ]


def test_the_first_and_the_last_page_link_one_way(find: Api) -> None:
    assert [link["rel"] for link in find()["paging"]["links"]] == ["next"]
    assert [link["rel"] for link in find(start=200)["paging"]["links"]] == ["prev"]


def test_a_page_past_the_end_is_empty(find: Api) -> None:
    assert find(start=5000)["elements"] == []


def test_twenty_elements_come_by_default(api: Api) -> None:
    assert len(api("learningAssets", q="criteria")["elements"]) == 20


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=criteria&count=101", 403),
        ("q=criteria&count=many", 400),
        ("q=criteria&start=-1", 400),
        (f"q=criteria&start={'9' * 19}", 400),
        (f"q=criteria&start={'9' * 5000}", 400),
        ("q=criteria&assetFilteringCriteria.licensedOnly=True", 400),
        ("q=criteria&fields=urn,title:(value", 400),
        ("q=criteria&fields=urn)", 400),
        ("q=criteria&fields=(urn)", 400),
        ("q=criteria&fields=title:value", 400),
        ("q=nonsense", 400),
        ("q=localeAndType&assetType=COURSE", 400),
        ("q=localeAndType&sourceLocale.language=en", 400),
    ],
)
def test_a_bad_call_is_refused_in_linkedins_shape(http: httpx.Client, query: str, status: int) -> None:
    response = http.get(f"/v2/learningAssets?{query}")
    assert response.status_code == status
    assert response.json().keys() == {"message", "serviceErrorCode", "status"}


@pytest.mark.parametrize("encode", [str, quote])
def test_brackets_may_be_encoded(http: httpx.Client, encode: Callable[[str], str]) -> None:
    name = encode(f"{FILTER}.assetTypes[0]")
    page = http.get(f"/v2/learningAssets?q=criteria&{name}=LEARNING_PATH").json()
    assert {element["type"] for element in page["elements"]} == {"LEARNING_PATH"}


def test_retired_assets_come_only_when_asked_for(find: Api, read_all: Callable[..., list[Json]]) -> None:
    hidden = read_all(**{"assetRetrievalCriteria.includeRetired": "false"})
    shown = read_all()
    retired = [element for element in shown if element["details"]["availability"] == "RETIRED"]
    assert retired
    assert len(shown) == len(hidden) + len(retired)


def test_licensed_only_leaves_the_rest_out(read_all: Callable[..., list[Json]]) -> None:
    licensed = read_all(**{f"{FILTER}.licensedOnly": "true", "assetRetrievalCriteria.includeRetired": "false"})
    assert len(licensed) == 260
    assert len(read_all()) > 260


@pytest.mark.parametrize("country", [{}, {f"{FILTER}.locales[0].country": "DE"}])
def test_locales_are_told_apart(read_all: Callable[..., list[Json]], country: dict[str, str]) -> None:
    found = read_all(**{f"{FILTER}.locales[0].language": "de"}, **country)
    assert {element["title"]["locale"]["language"] for element in found} == {"de"}
    assert len(found) == layout.slots(260) // 2


def test_several_values_of_a_filter_are_ored(read_all: Callable[..., list[Json]]) -> None:
    locales = {f"{FILTER}.locales[0].language": "de", f"{FILTER}.locales[1].language": "en"}
    assert len(read_all(**locales)) == layout.slots(260)


def test_levels_filter(read_all: Callable[..., list[Json]]) -> None:
    found = read_all(**{f"{FILTER}.difficultyLevels[0]": "ADVANCED"})
    assert {element["details"]["level"] for element in found} == {"ADVANCED"}


@pytest.mark.parametrize("kind", ["LIBRARY", "SUBJECT", "TOPIC", "SKILL", "CONTINUING_EDUCATION_UNIT"])
def test_every_kind_of_classification_filters(read_all: Callable[..., list[Json]], kind: str) -> None:
    def classified(element: Json) -> set[str]:
        entries = (entry["associatedClassification"] for entry in element["details"]["classifications"])
        return {entry["urn"] for entry in entries if entry["type"] == kind}

    everything = read_all()
    wanted = next(urn for element in everything for urn in classified(element))
    found = read_all(**{f"{FILTER}.classifications[0]": wanted})
    assert found == [element for element in everything if wanted in classified(element)]


def test_a_keyword_is_found_in_any_case(read_all: Callable[..., list[Json]]) -> None:
    everything = read_all()
    title = everything[0]["title"]["value"]
    found = read_all(**{f"{FILTER}.keyword": title.swapcase()})
    assert found == [element for element in everything if title in element["title"]["value"]]


def test_the_delta_holds_what_changed_later(http: httpx.Client, read_all: Callable[..., list[Json]]) -> None:
    at = 1_800_000_000_000
    touched = http.post("/_sandbox/step", json={"create": 1, "update": 2, "retire": 1, "at": at}).json()
    changed = {*touched["created"], *touched["updated"], *touched["retired"]}
    assert {one["urn"] for one in read_all(**{f"{FILTER}.lastModifiedAfter": at - 1})} == changed
    assert read_all(**{f"{FILTER}.lastModifiedAfter": at}) == []


def test_curated_videos_are_a_small_part(find: Api) -> None:
    videos = {f"{FILTER}.assetTypes[0]": "VIDEO"}
    total = find(**videos)["paging"]["total"]
    curated = find(**videos, **{f"{FILTER}.isCurated": "true"})
    assert 0 < curated["paging"]["total"] < total / 50
    assert {element["type"] for element in curated["elements"]} == {"VIDEO"}


def test_recency_sorts_by_publication(find: Api) -> None:
    published = [
        element["details"]["publishedAt"]
        for element in find(**{"assetPresentationCriteria.sortBy": "RECENCY"})["elements"]
    ]
    assert published == sorted(published, reverse=True)


def test_popularity_sorts_otherwise(find: Api) -> None:
    popular = urns(find(**{"assetPresentationCriteria.sortBy": "POPULARITY"}))
    assert popular != urns(find())
    assert popular == urns(find(**{"assetPresentationCriteria.sortBy": "POPULARITY"}))


def test_locale_and_type_lists_one_language(api: Api) -> None:
    parameters = {"sourceLocale.language": "de", "sourceLocale.country": "DE", "count": 100}
    page = api("learningAssets", q="localeAndType", assetType="COURSE", **parameters)
    assert {element["title"]["locale"]["language"] for element in page["elements"]} == {"de"}
    assert {element["details"]["availability"] for element in page["elements"]} == {"AVAILABLE"}


def test_without_types_every_type_comes(find: Api) -> None:
    parameters = {f"{FILTER}.assetTypes[0]": "COURSE", f"{FILTER}.assetTypes[1]": "LEARNING_PATH"}
    assert find(**parameters)["paging"]["total"] == layout.slots(260) + 13


@pytest.mark.parametrize("kind", [Kind.COURSE, Kind.LEARNING_PATH, Kind.VIDEO])
def test_an_asset_is_found_by_its_encoded_urn(api: Api, kind: Kind) -> None:
    urn = layout.urn_of(layout.handle(kind, 3))
    element = api(f"learningAssets/{quote(urn, safe='')}")
    assert (element["urn"], element["type"]) == (urn, kind.name)


def test_a_chapter_is_found_by_its_urn(api: Api) -> None:
    urn = layout.chapter_urn(3, 1)
    chapter = api(f"learningAssets/{quote(urn, safe='')}")
    assert (chapter["urn"], chapter["type"]) == (urn, "CHAPTER")
    assert "details" in chapter


@pytest.mark.parametrize("urn", ["urn:li:lyndaCourse:1", "urn:li:lyndaChapter:(urn:li:lyndaCourse:260000,1)"])
def test_an_unknown_urn_is_404(http: httpx.Client, urn: str) -> None:
    assert http.get(f"/v2/learningAssets/{quote(urn, safe='')}").status_code == 404


def test_a_retired_asset_is_404_unless_asked_for(http: httpx.Client) -> None:
    path = f"/v2/learningAssets/{quote(layout.course_urn(24), safe='')}"
    assert http.get(path).status_code == 404
    assert http.get(f"{path}?includeRetired=true").status_code == 200


def test_fields_keep_what_is_named(api: Api) -> None:
    urn = quote(layout.course_urn(0), safe="")
    fields = "urn,title:(value),details:(availability,urls:(webLaunch),classifications:($*:(path))),nothing"
    element = api(f"learningAssets/{urn}", fields=fields)
    assert element.keys() == {"urn", "title", "details"}
    assert element["title"].keys() == {"value"}
    assert element["details"].keys() == {"availability", "urls", "classifications"}
    assert element["details"]["urls"].keys() == {"webLaunch"}
    assert {frozenset(entry) for entry in element["details"]["classifications"]} == {frozenset({"path"})}


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)))
def test_projecting_on_all_fields_changes_nothing(value: object) -> None:
    def names(node: object) -> str:
        members = node.items() if isinstance(node, dict) else ()
        return ",".join(f"{name}:({inner})" if (inner := names(below)) else name for name, below in members)

    element = {"root": value}
    assert project(element, projection(names(element))) == element


def test_a_projection_leaves_other_values_alone() -> None:
    assert project({"a": 1, "b": [1, {"c": 2, "d": 3}]}, projection("a:(x),b:(c)")) == {"a": 1, "b": [1, {"c": 2}]}


@given(st.dictionaries(st.text("ab.[]0", min_size=1), st.text("xyz:(),%&= ", min_size=1), max_size=5))
def test_a_link_asks_for_the_same_again(parameters: dict[str, str]) -> None:
    query = Query("")
    query.parameters = parameters
    again = Query(query.href("/v2/x", 40).partition("?")[2])
    assert again.parameters == parameters | {"start": "40"}


def test_calls_are_counted_by_path_and_finder(http: httpx.Client, find: Api) -> None:
    find()
    find()
    http.get("/v2/learningAssets/urn:li:lyndaCourse:260000")
    report = http.get("/_sandbox/requests").json()
    assert report["counts"] == {"GET /v2/learningAssets/{urn}": 1, "GET /v2/learningAssets?q=criteria": 2}
    assert report["total"] == 3
    assert report["recent"][0]["parameters"]["assetRetrievalCriteria.includeRetired"] == "true"
    assert http.delete("/_sandbox/requests").json() == {"total": 0, "counts": {}, "recent": []}


def test_classifications_are_listed_by_type(api: Api, world: World) -> None:
    def listed(kind: str, language: str = "en", country: str = "US") -> list[Json]:
        locale = {"sourceLocale.language": language, "sourceLocale.country": country}
        elements: list[Json] = api("learningClassifications", q="localeAndType", type=kind, count=100, **locale)[
            "elements"
        ]
        return elements

    assert [one["name"]["value"] for one in listed("LIBRARY")] == ["Business", "Creative", "Technology"]
    assert [one["name"]["value"] for one in listed("LIBRARY", "de", "DE")] == ["Business", "Kreativität", "Technik"]
    assert {one["type"] for one in listed("SUBJECT")} == {"SUBJECT"}
    assert len(listed("TOPIC")) > 50


def test_classifications_are_found_by_keyword(api: Api) -> None:
    found = api("learningClassifications", q="keyword", keyword="data", count=100)["elements"]
    assert {"TOPIC", "SKILL", "SUBJECT"} <= {one["type"] for one in found}


@pytest.mark.parametrize(
    "query", ["q=nonsense", "q=localeAndType&type=SKILL&sourceLocale.language=en", "q=localeAndType&type=TOPIC"]
)
def test_a_bad_classification_call_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/v2/learningClassifications?{query}").status_code == 400


def test_a_classification_is_found_by_its_urn(http: httpx.Client, api: Api) -> None:
    urn = "urn:li:lyndaCategory:7162"
    german = {"targetLocale.language": "de", "targetLocale.country": "DE"}
    assert api(f"learningClassifications/{quote(urn)}", **german)["name"]["value"] == "Business"
    assert http.get("/v2/learningClassifications/urn:li:lyndaCategory:1").status_code == 404


def test_classifications_can_be_put_in_and_taken_out(http: httpx.Client, api: Api) -> None:
    mine = {"urn": "urn:li:lyndaCategory:5", "type": "LIBRARY", "name": {"value": "Mine"}}
    http.post("/_sandbox/classifications", json=mine)
    assert api("learningClassifications/urn:li:lyndaCategory:5") == mine
    assert mine in api("learningClassifications", q="keyword", keyword="mine")["elements"]
    assert http.delete("/_sandbox/classifications/urn:li:lyndaCategory:5").status_code == 200
    assert http.delete("/_sandbox/classifications/urn:li:lyndaCategory:5").status_code == 404
    assert api("learningClassifications", q="keyword", keyword="mine")["elements"] == []
