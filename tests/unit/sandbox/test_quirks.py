"""Each quirk changes what it says, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.catalogue import layout
from sandbox.catalogue.layout import Kind
from sandbox.quirks import QUIRKS, Quirks, parse_quirk
from sandbox.rest import element_quirks
from sandbox.rest.failures import ConnectionDropped
from sandbox.world import World

Json = dict[str, Any]
Api = Callable[..., Json]
ReadAll = Callable[..., list[Json]]
FILTER = "assetFilteringCriteria"
CALL = "/v2/learningAssets?q=criteria&fields=urn"
HARMLESS_TO_PAGES = sorted(set(QUIRKS) - {"down", "slow"})


def urns(elements: list[Json]) -> list[str]:
    return [element["urn"] for element in elements]


def rels(page: Json) -> list[str]:
    return [link["rel"] for link in page["paging"]["links"]]


@pytest.fixture
def plain(read_all: ReadAll) -> list[Json]:
    """The catalogue's courses without any quirk."""
    return read_all()


@pytest.mark.parametrize("name", HARMLESS_TO_PAGES)
def test_a_quirk_switched_off_again_leaves_no_trace(world: World, find: Api, name: str) -> None:
    plain = find(count=10)
    world.quirks.switch_on(name)
    world.quirks.switch_off(name)
    assert find(count=10) == plain


def test_every_quirk_is_described_in_one_line() -> None:
    assert len(QUIRKS) > 35
    assert all(quirk.description and "\n" not in quirk.description for quirk in QUIRKS.values())


@pytest.mark.parametrize("cap", [500, 1000])
def test_totals_are_capped_for_the_criteria_finder_only(world: World, find: Api, api: Api, cap: int) -> None:
    world.quirks.switch_on(f"total_capped_{cap}")
    videos = {f"{FILTER}.assetTypes[0]": "VIDEO"}
    assert find(**videos)["paging"]["total"] == cap
    assert len(find(**videos, start=cap - 100)["elements"]) == 100
    assert find(**videos, start=cap)["elements"] == []
    locale = {"sourceLocale.language": "en", "sourceLocale.country": "US"}
    assert api("learningAssets", q="localeAndType", assetType="VIDEO", **locale)["paging"]["total"] > cap


def test_only_queries_for_several_types_are_truncated(world: World, find: Api) -> None:
    world.quirks.switch_on("multi_type_truncated", {"limit": 50})
    assert find()["paging"]["total"] == layout.slots(260)
    assert find(**{f"{FILTER}.assetTypes[1]": "VIDEO"})["paging"]["total"] == 50


def test_next_is_missing_where_data_remain(world: World, find: Api, plain: list[Json]) -> None:
    world.quirks.switch_on("missing_next")
    assert [rels(find(start=start, count=20)) for start in (0, 20, 40)] == [["next"], ["prev"], ["prev", "next"]]
    assert urns(find(start=20, count=20)["elements"]) == urns(plain[20:40])


def test_links_lead_backwards_only(world: World, find: Api) -> None:
    world.quirks.switch_on("prev_only_links")
    assert [rels(find(start=start)) for start in (0, 100)] == [[], ["prev"]]


def test_short_pages_lose_nothing(world: World, find: Api, read_all: ReadAll, plain: list[Json]) -> None:
    world.quirks.switch_on("short_pages")
    assert len(find()["elements"]) < 100
    assert read_all() == plain


def test_an_empty_page_in_the_middle_loses_nothing(
    world: World, find: Api, read_all: ReadAll, plain: list[Json]
) -> None:
    world.quirks.switch_on("empty_page_in_middle")
    page = find(start=100)
    assert (page["elements"], rels(page)) == ([], ["prev", "next"])
    assert read_all() == plain


def test_both_kinds_of_holes_together_lose_nothing(world: World, read_all: ReadAll, plain: list[Json]) -> None:
    world.quirks.switch_on("empty_page_in_middle", {"start": 35, "length": 17})
    world.quirks.switch_on("short_pages", {"every": 3})
    assert read_all() == plain


def test_other_types_stand_past_the_end(world: World, find: Api, plain: list[Json]) -> None:
    world.quirks.switch_on("other_types_on_overrun")
    assert {element["type"] for element in find(start=300)["elements"]} == {"LEARNING_PATH"}
    assert urns(find()["elements"]) == urns(plain[:100])


def test_a_wrong_type_comes_on_top(world: World, find: Api, plain: list[Json]) -> None:
    world.quirks.switch_on("wrong_type_elements")
    elements = find()["elements"]
    assert urns(elements[:100]) == urns(plain[:100])
    assert [element["type"] for element in elements[100:]] == ["LEARNING_PATH"]


def test_no_type_is_wrong_where_none_was_asked_for(world: World, api: Api) -> None:
    world.quirks.switch_on("wrong_type_elements")
    assert len(api("learningAssets", q="criteria", count=10)["elements"]) == 10


def test_shifting_pages_repeat_and_skip(world: World, find: Api, plain: list[Json]) -> None:
    world.quirks.switch_on("shifting_pages")
    pages = [urns(find(start=start, count=20)["elements"]) for start in range(0, 80, 20)]
    everything = urns(plain)
    assert pages == [everything[0:20], everything[19:39], everything[40:60], everything[61:81]]


def test_one_page_never_works(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("unusable_page")
    statuses = [http.get(f"{CALL}&count=50&start={start}").status_code for start in (50, 100, 150)]
    assert statuses == [200, 500, 200]
    assert http.get(f"{CALL}&count=1&start=101").status_code == 200


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def test_an_old_delta_lets_older_assets_through(world: World, read_all: ReadAll) -> None:
    after = {f"{FILTER}.lastModifiedAfter": now_ms() - 3 * 86_400_000}
    assert read_all(**after) == []
    world.quirks.switch_on("delta_returns_older")
    assert 50 < len(read_all(**after)) < 220
    assert read_all(**{f"{FILTER}.lastModifiedAfter": now_ms() - 60_000}) == []


def test_a_delta_does_not_see_the_latest_changes(world: World, http: httpx.Client, read_all: ReadAll) -> None:
    http.post("/_sandbox/step", json={"seed": 1, "update": 2, "at": now_ms() - 7_200_000})
    http.post("/_sandbox/step", json={"seed": 2, "create": 2})
    after = {f"{FILTER}.lastModifiedAfter": now_ms() - 86_400_000}
    assert len(read_all(**after)) == 4
    world.quirks.switch_on("delta_misses_recent")
    assert len(read_all(**after)) == 2
    assert len(read_all()) == layout.slots(260) + 2


CHANGED_PARTS = {
    "absent_details": {"details"},
    "country_absent": {"title", "details", "contents"},
    "indonesian_in": {"details"},
    "unknown_enum_values": {"details", "contents"},
    "duplicate_classifications": {"details"},
    "unknown_classification": {"details"},
    "changed_owner_urn": {"details"},
    "html_descriptions": {"details"},
}


@pytest.mark.parametrize(("name", "parts"), CHANGED_PARTS.items())
def test_an_element_quirk_touches_its_share_and_its_part(world: World, find: Api, name: str, parts: set[str]) -> None:
    plain = find()["elements"]
    world.quirks.switch_on(name, {"share": 0.5})
    touched = [(one, other) for one, other in zip(plain, find()["elements"], strict=True) if one != other]
    assert len(plain) * 0.3 < len(touched) < len(plain) * 0.7
    for before, after in touched:
        assert {part for part in before if before[part] != after[part]} <= parts


@pytest.mark.parametrize("name", CHANGED_PARTS)
def test_an_element_quirk_says_the_same_each_time(world: World, find: Api, name: str) -> None:
    world.quirks.switch_on(name)
    assert find() == find()


@pytest.fixture
def disturbed(world: World, find: Api) -> Callable[[str], list[Json]]:
    """A function that returns the details of a page of courses, all of them affected by a quirk."""

    def page(name: str) -> list[Json]:
        world.quirks.switch_on(name, {"share": 1.0})
        return [element["details"] for element in find()["elements"]]

    return page


def test_absent_details_spare_what_identifies(disturbed: Callable[[str], list[Json]]) -> None:
    details = disturbed("absent_details")
    assert all("lastUpdatedAt" in one and "availability" in one for one in details)
    for name in ("level", "images", "description", "publishedAt", "timeToComplete"):
        assert any(name not in one for one in details)
    assert any("webLaunch" in one["urls"] and "ssoLaunch" not in one["urls"] for one in details)


def test_no_country_is_left(disturbed: Callable[[str], list[Json]]) -> None:
    assert "country" not in str(disturbed("country_absent"))


def test_indonesian_is_spelt_in(disturbed: Callable[[str], list[Json]]) -> None:
    assert all({"country": "ID", "language": "in"} in one["availableLocales"] for one in disturbed("indonesian_in"))


def test_enumerations_grow(disturbed: Callable[[str], list[Json]]) -> None:
    details = disturbed("unknown_enum_values")
    assert {one["level"] for one in details} == {"EXPERT", "ALL_LEVELS"}
    assert {one["contributors"][0]["contributionType"] for one in details} == {"NARRATOR"}


def test_classifications_are_repeated(disturbed: Callable[[str], list[Json]]) -> None:
    for one in disturbed("duplicate_classifications"):
        listed = [entry["associatedClassification"]["urn"] for entry in one["classifications"]]
        assert len(listed) > len(set(listed))


def test_a_classification_is_not_in_the_finders(disturbed: Callable[[str], list[Json]], http: httpx.Client) -> None:
    unknown = element_quirks.UNKNOWN_CLASSIFICATION_URN
    for one in disturbed("unknown_classification"):
        assert unknown in [entry["associatedClassification"]["urn"] for entry in one["classifications"]]
    assert http.get(f"/v2/learningClassifications/{unknown}").status_code == 404


def test_the_owner_has_its_old_urn(disturbed: Callable[[str], list[Json]]) -> None:
    text = str(disturbed("changed_owner_urn"))
    assert "urn:li:company:1337" in text
    assert "urn:li:organization:1337" not in text


def test_descriptions_hold_markup(disturbed: Callable[[str], list[Json]]) -> None:
    described = [one for one in disturbed("html_descriptions") if "description" in one]
    assert all("<script>" in one["description"]["value"] for one in described)
    assert all("&amp;" in one["shortDescriptionIncludingHtml"]["value"] for one in described)


def test_a_single_element_is_disturbed_as_in_a_list(world: World, find: Api, api: Api) -> None:
    world.quirks.switch_on("html_descriptions")
    element = find()["elements"][0]
    assert api(f"learningAssets/{element['urn']}") == element


def test_tokens_are_revoked_after_some_calls(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("early_revocation", {"calls": 2})
    responses = [http.get(CALL) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 401]
    assert responses[-1].json()["serviceErrorCode"] == 65601


def test_a_short_throttle_passes(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("throttle_short", {"times": 2})
    responses = [http.get(CALL) for _ in range(3)]
    assert [response.status_code for response in responses] == [429, 429, 200]
    assert responses[0].json() == {
        "message": "Resource level throttle limit for calls to this resource is reached.",
        "status": 429,
        "serviceErrorCode": 101,
    }
    assert "retry-after" not in responses[0].headers


def test_a_day_throttle_says_day_and_stays(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("throttle_day", {"after": 1})
    responses = [http.get(CALL) for _ in range(5)]
    assert [response.status_code for response in responses] == [200, 429, 429, 429, 429]
    assert "DAY" in responses[1].json()["message"]


def test_a_day_throttle_ends_at_midnight_utc(world: World, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    world.quirks.switch_on("throttle_day")
    assert http.get(CALL).status_code == 429
    tomorrow = now_ms() + 86_400_000
    monkeypatch.setattr("sandbox.quirks.now_ms", lambda: tomorrow)
    assert http.get(CALL).status_code == 200


@pytest.mark.parametrize(
    ("name", "statuses", "content_type"),
    [
        ("server_errors", {500, 502, 503}, "application/json"),
        ("error_in_200", {200}, "application/json"),
        ("not_json_200", {200}, "text/html; charset=utf-8"),
        ("html_error_body", {502}, "text/html; charset=utf-8"),
        ("plain_error_body", {503}, "text/plain; charset=utf-8"),
        ("echoing_error", {401}, "application/json"),
    ],
)
def test_a_failing_call_fails_in_its_own_way(
    world: World, http: httpx.Client, name: str, statuses: set[int], content_type: str
) -> None:
    world.quirks.switch_on(name, {"share": 1.0, "times": 1})
    failed, fine = http.get(CALL), http.get(CALL)
    assert failed.status_code in statuses
    assert failed.headers["content-type"] == content_type
    assert b"elements" not in failed.content
    assert fine.json()["elements"]


@pytest.mark.parametrize(("status", "key"), [(401, "error_description"), (403, "message")])
def test_an_error_repeats_the_token_or_the_form(world: World, http: httpx.Client, status: int, key: str) -> None:
    world.quirks.switch_on("echoing_error", {"status": status, "path": "/"})
    asked = http.get(CALL, headers={"Authorization": "Bearer one-token"})
    minted = http.post("/oauth/v2/accessToken", data={"client_secret": "a/secret"})
    assert (asked.status_code, minted.status_code) == (status, status)
    assert "one-token" in asked.json()[key]
    assert "a%2Fsecret" in minted.json()[key]


def test_a_share_of_calls_fails(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("server_errors", {"share": 0.3})
    failed = [http.get(CALL).status_code >= 500 for _ in range(100)]
    assert 15 < sum(failed) < 45


def test_failures_can_be_aimed_at_the_token_endpoint(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("server_errors", {"share": 1.0, "path": "/oauth/"})
    assert http.post("/oauth/v2/accessToken").status_code >= 500
    assert http.get(CALL).status_code == 200


def test_slow_answers_take_as_long_as_asked(world: World, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("sandbox.rest.failures.asyncio.sleep", sleep)
    world.quirks.switch_on("slow", {"seconds": 7})

    assert http.get(CALL).status_code == 200
    assert slept == [7]


def test_down_answers_nothing(world: World, http: httpx.Client) -> None:
    world.quirks.switch_on("down")
    with pytest.raises(ConnectionDropped):
        http.get(CALL)


def test_quirks_are_switched_over_http(http: httpx.Client) -> None:
    assert http.put("/_sandbox/quirks/slow", json={"seconds": 1}).json()["active"]["slow"]["seconds"] == 1.0
    assert set(http.put("/_sandbox/quirks", json={"missing_next": {}}).json()["active"]) == {"missing_next"}
    listed = http.get("/_sandbox/quirks").json()
    assert set(listed["active"]) == {"missing_next"}
    assert {quirk["name"] for quirk in listed["known"]} == set(QUIRKS)
    assert http.delete("/_sandbox/quirks/missing_next").json() == {"active": {}}
    http.put("/_sandbox/quirks/short_pages")
    assert http.delete("/_sandbox/quirks").json() == {"active": {}}


@pytest.mark.parametrize(
    "body",
    [
        {"nonsense": {}},
        {"slow": {"speed": 1}},
        {"slow": {"seconds": "long"}},
        {"slow": {"seconds": []}},
        {"short_pages": {"every": 1}},
        {"slow": {"seconds": -1}},
        {"slow": 1},
    ],
)
def test_what_cannot_be_switched_on_changes_nothing(http: httpx.Client, body: Json) -> None:
    http.put("/_sandbox/quirks/prev_only_links")
    response = http.put("/_sandbox/quirks", json=body)
    assert response.status_code == 400
    assert response.json()["message"]
    assert set(http.get("/_sandbox/quirks").json()["active"]) == {"prev_only_links"}


def test_a_quirk_is_written_with_its_parameters() -> None:
    assert parse_quirk("slow") == ("slow", {})
    assert parse_quirk("slow:seconds=2,share=0.5") == ("slow", {"seconds": "2", "share": "0.5"})
    with pytest.raises(ValueError, match="parameter=value"):
        parse_quirk("slow:2")


def test_text_becomes_a_parameters_own_type() -> None:
    quirks = Quirks(1)
    quirks.switch_on("server_errors", {"share": "1", "times": "2"})
    assert quirks.active()["server_errors"] | {"share": 1.0, "times": 2} == quirks.active()["server_errors"]


def test_kinds_of_holes_do_not_touch_single_assets(world: World, api: Api) -> None:
    for name in ("short_pages", "empty_page_in_middle", "unusable_page"):
        world.quirks.switch_on(name)
    assert api(f"learningAssets/{layout.urn_of(layout.handle(Kind.COURSE, 6))}")["type"] == "COURSE"
