"""The exact URLs of listings: LinkedIn silently ignores parameters that it does not know."""

from typing import Any, ClassVar

import httpx
import pytest

from coursebridge.linkedin import assets
from coursebridge.linkedin.assets import Listing
from coursebridge.linkedin.errors import UnusableAnswer
from coursebridge.linkedin.pages import read_page

PART = "assetFilteringCriteria"


def test_a_criteria_listing_asks_for_one_type_in_one_locale_and_for_retired_ones_too() -> None:
    assert Listing("COURSE", "en_US").parameters(196) == [
        ("q", "criteria"),
        (f"{PART}.assetTypes[0]", "COURSE"),
        (f"{PART}.locales[0].language", "en"),
        (f"{PART}.locales[0].country", "US"),
        (f"{PART}.licensedOnly", "true"),
        ("assetRetrievalCriteria.includeRetired", "true"),
        ("assetRetrievalCriteria.expandDepth", "1"),
        ("start", "196"),
        ("count", "100"),
    ]


def test_every_filter_has_linkedins_name_and_lower_case_booleans() -> None:
    listing = Listing(
        "VIDEO", "de", licensed_only=False, modified_after=1_700_000_000_000, curated=True, classification="urn:li:x:1"
    )

    asked = dict(listing.parameters(0))

    assert asked[f"{PART}.locales[0].language"] == "de"
    assert f"{PART}.locales[0].country" not in asked
    assert asked[f"{PART}.classifications[0]"] == "urn:li:x:1"
    assert asked[f"{PART}.lastModifiedAfter"] == "1700000000000"
    assert asked[f"{PART}.isCurated"] == "true"
    assert asked[f"{PART}.licensedOnly"] == "false"


@pytest.mark.parametrize(
    "listing", [Listing("COURSE"), Listing("COURSE", "en"), Listing("VIDEO", "ja", "localeAndType")]
)
def test_nothing_is_asked_that_makes_linkedin_cut_the_answer_short(listing: Listing) -> None:
    names = {name for name, _ in listing.parameters(0)}

    assert not any("sortBy" in name or "keyword" in name or "[1]" in name for name in names)


def test_the_other_finder_needs_a_country() -> None:
    assert Listing("COURSE", "pt", "localeAndType").parameters(0, count=1) == [
        ("q", "localeAndType"),
        ("assetType", "COURSE"),
        ("sourceLocale.language", "pt"),
        ("sourceLocale.country", "BR"),
        ("expandDepth", "1"),
        ("includeRetired", "true"),
        ("start", "0"),
        ("count", "1"),
    ]


def test_a_urn_in_a_path_is_percent_encoded(linkedin: Any) -> None:
    linkedin.will(httpx.Response(200, json={"urn": "x"}))

    assets.asset(linkedin.client(), "urn:li:lyndaVideo:(urn:li:lyndaCourse:252,24961)")

    [request] = linkedin.asked
    encoded = b"urn%3Ali%3AlyndaVideo%3A%28urn%3Ali%3AlyndaCourse%3A252%2C24961%29"
    assert request.url.raw_path == b"/v2/learningAssets/" + encoded + b"?includeRetired=true&expandDepth=1"


def test_classifications_are_asked_for_by_type_and_locale(linkedin: Any) -> None:
    linkedin.will(httpx.Response(200, json={"elements": [], "paging": {"total": 0}}))

    assets.classifications_page(linkedin.client(), "LIBRARY", "en", 0)

    [request] = linkedin.asked
    assert dict(request.url.params) == {
        "q": "localeAndType",
        "type": "LIBRARY",
        "sourceLocale.language": "en",
        "sourceLocale.country": "US",
        "start": "0",
        "count": "100",
    }


class TestAPage:
    ELEMENT: ClassVar = {"urn": "urn:li:lyndaCourse:1", "type": "COURSE"}

    def test_elements_of_other_types_are_left_out_and_broken_ones_counted(self) -> None:
        odd: list[Any] = [None, {}, {"urn": 5, "type": "COURSE"}, {"urn": "", "type": "COURSE"}, {"urn": "x"}]
        page = read_page("COURSE", 0, {"elements": [self.ELEMENT, {"urn": "urn:li:x", "type": "VIDEO"}, *odd]})

        assert page.urns == ["urn:li:lyndaCourse:1"]
        assert page.broken == 5

    @pytest.mark.parametrize("body", [{}, {"elements": None}, {"elements": {"a": 1}}])
    def test_an_answer_without_elements_is_none(self, body: dict[str, Any]) -> None:
        with pytest.raises(UnusableAnswer):
            read_page("COURSE", 0, body)

    @pytest.mark.parametrize(
        ("paging", "total", "more"),
        [
            (
                {
                    "total": 7,
                    "links": [{"rel": "prev", "href": "/x?start=0"}, {"rel": "next", "href": "/x?a[0]=b&start=200"}],
                },
                7,
                True,
            ),
            ({"total": 7, "links": [{"rel": "next", "href": "/x?start=100"}]}, 7, False),
            ({"total": 7, "links": []}, 7, False),
            ({"total": "7"}, 7, False),
            ({"total": "seven", "links": [None, {"rel": "next"}, {"rel": "next", "href": "/x?start=a"}]}, None, False),
            ({"links": "none"}, None, False),
            ({"total": 7, "links": [{"rel": "next", "href": "https://[odd?start=200"}]}, 7, False),
            ({"total": 10**19, "links": [{"rel": "next", "href": f"/x?start={'9' * 5000}"}]}, None, False),
            ({"total": -1}, None, False),
            ({"total": True}, None, False),
            ({"total": str(10**19)}, None, False),
            ("none", None, False),
        ],
    )
    def test_its_paging_is_read_as_far_as_it_makes_sense(self, paging: Any, total: int | None, more: bool) -> None:
        page = read_page("COURSE", 100, {"elements": [], "paging": paging})

        assert (page.total, page.more) == (total, more)
