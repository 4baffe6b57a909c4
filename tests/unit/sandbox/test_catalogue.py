"""The generated catalogue: repeatable, addressable, realistic, and changed only on request."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.catalogue import layout, taxonomy
from sandbox.catalogue.criteria import Criteria
from sandbox.catalogue.languages import known_languages, language
from sandbox.catalogue.layout import Kind
from sandbox.catalogue.steps import Step, take
from sandbox.catalogue.store import Catalogue
from sandbox.dice import Dice
from sandbox.settings import Settings

COURSES = Criteria(types=("COURSE",), licensed_only=True)


def catalogue(**settings: object) -> Catalogue:
    return Catalogue(Settings(**({"size": 120} | settings)))  # type: ignore[arg-type]


def dump(store: Catalogue) -> list[bytes]:
    return [orjson.dumps(store.element(asset, 3)) for asset in store.handles()]


def test_the_same_seed_gives_the_same_catalogue() -> None:
    assert dump(catalogue()) == dump(catalogue())


def test_another_seed_gives_another_catalogue() -> None:
    assert dump(catalogue()) != dump(catalogue(seed=2))


def test_a_larger_catalogue_starts_like_a_smaller_one() -> None:
    small, large = catalogue(size=10), catalogue(size=20)
    assert [small.element(one) for one in small.handles(Kind.COURSE)] == [
        large.element(one) for one in list(large.handles(Kind.COURSE))[:10]
    ]


@given(st.integers(0, 400))
def test_the_size_counts_licensed_and_available_courses(size: int) -> None:
    assert len(catalogue(size=size).search(COURSES)) == size


@given(st.sampled_from([Kind.COURSE, Kind.LEARNING_PATH, Kind.VIDEO]), st.integers(0, 10**6))
def test_a_handle_and_its_urn_lead_to_each_other(kind: Kind, ordinal: int) -> None:
    asset = layout.handle(kind, ordinal)
    assert layout.handle_of(layout.urn_of(asset)) == asset


@given(st.integers(0, 10**6))
def test_videos_are_counted_through_the_courses(ordinal: int) -> None:
    slot, number = layout.place_of_video(ordinal)
    assert layout.videos_before(slot) + number == ordinal
    assert number < layout.videos_of(slot)


@pytest.mark.parametrize(
    "urn",
    [
        "urn:li:lyndaCourse:260001",
        "urn:li:lyndaCourse:1",
        "urn:li:lyndaCourse:99999999",
        "urn:li:lyndaVideo:(urn:li:lyndaCourse:260000,1000099)",
        "urn:li:lyndaVideo:(urn:li:lyndaCourse:260003,1000000)",
        "urn:li:lyndaLearningPath:57fbd40f3dd5000000000000",
        "nonsense",
    ],
)
def test_a_urn_nobody_generated_is_not_found(urn: str) -> None:
    assert catalogue().find(urn) is None


def test_a_course_has_chapters_with_videos() -> None:
    course = catalogue().element(layout.handle(Kind.COURSE, 0), 3)
    chapters = [entry["asset"] for entry in course["contents"]]
    videos = [entry["asset"] for chapter in chapters for entry in chapter["contents"]]
    assert [chapter["type"] for chapter in chapters] == ["CHAPTER"] * 3
    assert {video["type"] for video in videos} == {"VIDEO"}
    assert len(videos) == layout.videos_of(0)
    assert all(course["urn"] in node["urn"] for node in chapters + videos)
    seconds = [video["details"]["timeToComplete"]["duration"] for video in videos]
    assert sum(seconds) == course["details"]["timeToComplete"]["duration"]


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_details_reach_as_deep_as_asked(depth: int) -> None:
    course = catalogue().element(layout.handle(Kind.COURSE, 0), depth)
    chapter = course["contents"][0]["asset"]
    video = chapter["contents"][0]["asset"]
    assert ["details" in node for node in (course, chapter, video)] == [depth > 0, depth > 1, depth > 2]


@pytest.mark.parametrize("size", [10_000, 40_000])
def test_elements_are_about_as_large_as_asked(size: int) -> None:
    store = catalogue(element_bytes=size)
    sizes = [len(orjson.dumps(store.element(asset))) for asset in store.handles(Kind.COURSE)]
    assert size * 0.85 < sum(sizes) / len(sizes) < size * 1.15


@pytest.mark.parametrize("code", known_languages())
def test_every_language_has_a_full_set_of_phrases(code: str) -> None:
    english, other = language("en"), language(code)
    for phrases, reference in zip(vars(other).values(), vars(english).values(), strict=True):
        assert len(phrases) == len(reference)
        assert ["{t}" in phrase for phrase in phrases].count(True) == ["{t}" in one for one in reference].count(True)


def test_an_unknown_language_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        language("tlh")


def test_titles_are_in_the_language_of_the_course() -> None:
    store = catalogue(locales=("ja_JP", "de_DE"))
    japanese, german = (store.element(layout.handle(Kind.COURSE, slot)) for slot in (0, 1))
    assert japanese["title"]["locale"] == {"country": "JP", "language": "ja"}
    assert not japanese["title"]["value"].isascii()
    assert german["title"]["locale"] == {"country": "DE", "language": "de"}


def test_the_library_is_as_uneven_as_the_real_one() -> None:
    store = catalogue(size=400)
    details = [store.element(asset)["details"] for asset in store.handles(Kind.COURSE)]
    for name in ("level", "description"):
        assert 0 < sum(name not in one for one in details) < 100
    assert any(not one["images"] for one in details)
    assert any("numberOfCredits" in entry for one in details for entry in one["classifications"])


def test_retired_courses_have_no_launch_urls() -> None:
    store = catalogue()
    retired = store.element(layout.handle(Kind.COURSE, 24))["details"]
    assert (retired["availability"], retired["urls"]) == ("RETIRED", {})
    assert retired["retiredAt"] == retired["lastUpdatedAt"]


def test_the_launch_urls_are_encoded_as_linkedins_are() -> None:
    launch = catalogue().element(layout.handle(Kind.COURSE, 0))["details"]["urls"]
    assert launch["webLaunch"].startswith("https://www.linkedin.com/learning/")
    assert "redirect=https%3A%2F%2Fwww%2Elinkedin%2Ecom%2Flearning%2F" in launch["ssoLaunch"]
    assert "content=urn%3Ali%3AlyndaCourse%3A260000&account=urn%3Ali%3Aenterprise" in launch["aiccLaunch"]


def test_a_learning_path_lists_courses_that_are_there() -> None:
    store = catalogue()
    for asset in store.handles(Kind.LEARNING_PATH):
        path = store.element(asset, 2)
        assert path["type"] == "LEARNING_PATH"
        courses = [entry["asset"] for entry in path["contents"]]
        assert courses
        for course in courses:
            found = store.find(course["urn"])
            assert found is not None
            assert store.facts(found).retired_at is None
            assert course["title"]["locale"] == path["title"]["locale"]


def test_a_topic_can_stand_under_two_subjects() -> None:
    shared = [node for node in taxonomy.of_type("TOPIC") if len(node.parents) > 1]
    assert shared
    assert all(len(taxonomy.paths(node.urn)) == len(node.parents) for node in shared)


def test_a_classification_has_its_english_name_where_it_is_not_translated() -> None:
    library = taxonomy.of_type("LIBRARY")[0]
    assert library.name_in("tlh") == library.name_in("en_US") != library.name_in("ja_JP")


def test_paths_name_the_nearest_parent_first() -> None:
    nodes = taxonomy.taxonomy()
    for topic in taxonomy.of_type("TOPIC"):
        for path in taxonomy.paths(topic.urn):
            assert [nodes[urn].type for urn in path] == ["SUBJECT", "LIBRARY"]


def test_a_course_lists_each_classification_once_per_path() -> None:
    store = catalogue()
    for asset in store.handles(Kind.COURSE):
        entries = store.element(asset)["details"]["classifications"]
        keys = [
            (entry["associatedClassification"]["urn"], *(above["urn"] for above in entry["path"])) for entry in entries
        ]
        assert len(keys) == len(set(keys))


def test_a_step_changes_as_many_courses_as_asked_and_none_twice() -> None:
    store = catalogue()
    touched = take(store, Step(create=3, update=4, retire=2, remove=5, restore=1, at=5), 0)
    assert {change: len(urns) for change, urns in touched.items()} == {
        "created": 3,
        "updated": 4,
        "retired": 2,
        "removed": 5,
        "restored": 1,
    }
    urns = [urn for changed in touched.values() for urn in changed]
    assert len(urns) == len(set(urns))
    assert len(store.search(COURSES)) == 120 + 3 - 2 - 5 + 1


def test_the_same_step_on_the_same_catalogue_touches_the_same_courses() -> None:
    step = Step(seed=7, create=1, update=3, retire=3, remove=3)
    assert take(catalogue(), step, 0) == take(catalogue(), step, 0)
    assert take(catalogue(), step, 0) != take(catalogue(), Step(seed=8, create=1, update=3, retire=3, remove=3), 0)


def test_what_a_step_took_away_comes_back_first() -> None:
    store = catalogue()
    gone = take(store, Step(retire=1, remove=1), 0)
    back = take(store, Step(restore=2), 1)
    assert sorted(back["restored"]) == sorted(gone["retired"] + gone["removed"])


def test_a_step_stops_where_there_is_nothing_left() -> None:
    store = catalogue(size=5)
    assert len(take(store, Step(retire=9, restore=9), 0)["retired"]) == 5


def test_an_update_changes_what_a_course_says() -> None:
    store = catalogue()
    asset = layout.handle(Kind.COURSE, 0)
    before = store.element(asset)
    store.update(asset, 1_800_000_000_000)
    after = store.element(asset)
    assert after["details"]["lastUpdatedAt"] == 1_800_000_000_000
    assert after["details"]["timeToComplete"] != before["details"]["timeToComplete"]
    assert after["details"]["description"] != before["details"]["description"]
    assert after["title"] == before["title"]


def test_the_videos_of_a_removed_course_go_with_it() -> None:
    store = catalogue()
    video = layout.urn_of(layout.handle(Kind.VIDEO, 0))
    store.remove(layout.handle(Kind.COURSE, 0))
    assert store.find(video) is None


def test_a_video_that_changed_goes_with_its_course_too() -> None:
    store = catalogue()
    video = layout.handle(Kind.VIDEO, 0)
    store.update(video, 3)
    store.remove(layout.handle(Kind.COURSE, 0))
    assert store.is_removed(video)


def test_an_element_put_in_as_retired_stays_so_when_it_changes() -> None:
    store = catalogue()
    element = {
        "urn": "urn:li:lyndaCourse:252",
        "type": "COURSE",
        "details": {"availability": "RETIRED", "retiredAt": 5},
    }
    store.put(element)
    asset = store.find("urn:li:lyndaCourse:252")
    assert asset is not None
    store.update(asset, 9)
    assert store.element(asset)["details"]["availability"] == "RETIRED"
    assert store.facts(asset).retired_at == 5


def test_the_videos_of_a_retired_course_are_retired() -> None:
    store = catalogue()
    store.retire(layout.handle(Kind.COURSE, 0), 5)
    assert store.facts(layout.handle(Kind.VIDEO, 0)).retired_at == 5


@pytest.mark.parametrize("urn", ["urn:li:lyndaCourse:252", "urn:li:lyndaCourse:260000"])
def test_an_element_put_in_is_served_word_for_word(urn: str) -> None:
    store = catalogue()
    element = {"urn": urn, "type": "COURSE", "title": {"value": "Any"}, "details": {"lastUpdatedAt": 5}}
    store.put(element)
    asset = store.find(urn)
    assert asset is not None
    assert store.element(asset) == element
    assert store.urn(asset) == urn
    store.retire(asset, 9)
    assert store.element(asset)["details"] == {
        "availability": "RETIRED",
        "retiredAt": 9,
        "lastUpdatedAt": 9,
        "urls": {},
    }
    store.restore(asset, 11)
    assert store.facts(asset).retired_at is None
    store.remove(asset)
    assert store.find(urn) is None
    store.put(element)
    assert store.find(urn) == asset


def test_an_untouched_catalogue_keeps_nothing_per_course() -> None:
    store = catalogue(size=25_000)
    for slot in range(0, 25_000, 500):
        store.element(layout.handle(Kind.COURSE, slot))
    assert not any(store.is_changed(asset) for asset in store.handles(Kind.COURSE))


@given(st.lists(st.integers(1, 1000), max_size=300))
def test_dice_with_the_same_key_throw_the_same(sides: list[int]) -> None:
    one, two = Dice("key", 1), Dice("key", 1)
    throws = [one.throw(side) for side in sides]
    assert throws == [two.throw(side) for side in sides]
    assert all(0 <= throw < side for throw, side in zip(throws, sides, strict=True))


@given(st.floats(0, 1))
def test_chance_is_never_wrong_about_never_and_always(share: float) -> None:
    dice = Dice("chance", share)
    yes = [dice.chance(share) for _ in range(20)]
    assert all(yes) or share < 1
    assert not any(yes) or share > 0
