"""What a run reads again before it counts as complete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

import httpx
import pytest

from coursebridge import json_text
from coursebridge.catalog.sync import archiving, ranges, settling, working
from coursebridge.catalog.sync.tasks import catalog_sync
from coursebridge.linkedin import assets, pages
from coursebridge.linkedin.assets import Listing
from coursebridge.linkedin.errors import NoSuchEntity
from coursebridge.linkedin.pages import read_page
from coursebridge.linkedin.walk import STEP
from coursebridge.storage.courses import Write
from coursebridge.storage.packing import pack
from coursebridge.syncs.problems import task_died
from coursebridge.syncs.stopping import RetryLater

if TYPE_CHECKING:
    from catalog_lab import Lab, MakeLab
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.linkedin.pages import Page
    from coursebridge.storage.course_shapes import Course
    from coursebridge.storage.run_shapes import Range

ENGLISH = ("en_US",)


@pytest.fixture
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every range one page long, the last one included."""
    monkeypatch.setattr(ranges, "PAGES", 1)
    monkeypatch.setattr(ranges, "PAGES_BEYOND", 0)
    monkeypatch.setattr(ranges, "SPAN", STEP)


def listed(lab: Lab, run_id: str) -> list[Range]:
    return [one for one in lab.context.runs.ranges(run_id) if one["kind"] == "listing" and one["pages"]]


@pytest.mark.usefixtures("short_ranges")
def test_a_listing_that_goes_on_beyond_its_last_range_is_read_on(make_lab: MakeLab) -> None:
    lab = make_lab(size=205, locales=ENGLISH)

    run = lab.sync()

    assert run["clean"]
    assert lab.active() == lab.truth()
    assert run["rounds"] >= 1
    assert run["progress"]["done"] == run["progress"]["total"]


@pytest.mark.usefixtures("short_ranges")
def test_a_list_that_moved_between_two_ranges_is_read_over_the_seam(make_lab: MakeLab) -> None:
    lab = make_lab(size=450, locales=ENGLISH, quirks={"shifting_pages": {"by": 5}})

    run = lab.sync()

    assert any(one.get("seam") for one in listed(lab, run["id"]))
    assert lab.active() == lab.truth()
    assert run["counts"]["created"] == 450


@pytest.mark.usefixtures("short_ranges")
def test_a_list_that_moved_by_more_than_a_page_archives_nothing(make_lab: MakeLab) -> None:
    lab = make_lab(size=700, locales=ENGLISH)
    lab.sync()
    lab.step(remove=1)
    lab.world.quirks.switch_on("shifting_pages", {"by": 180})

    run = lab.sync()

    assert run["clean"] is False
    assert "catalogue_shifted" in {one["code"] for one in run["errors"]}
    assert run["counts"]["archived"] == 0


@pytest.fixture
def no_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let LinkedIn state the total of no list."""
    page = assets.page

    def without_total(*args: Any, **options: Any) -> Page:
        return replace(page(*args, **options), total=None)

    monkeypatch.setattr(assets, "page", without_total)


@pytest.mark.usefixtures("short_ranges", "no_totals")
def test_a_list_of_unknown_length_is_read_on_while_it_brings_news(make_lab: MakeLab) -> None:
    lab = make_lab(size=(settling.MOST_ROUNDS + 3) * STEP, locales=ENGLISH)

    run = lab.sync()

    assert run["rounds"] > settling.MOST_ROUNDS
    assert run["clean"]
    assert lab.active() == lab.truth()


@pytest.mark.usefixtures("short_ranges", "no_totals")
def test_a_list_whose_end_was_not_reached_archives_nothing_and_moves_no_watermark(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = make_lab(size=300, locales=ENGLISH)
    lab.sync()
    before = lab.context.runs.state()["watermark"]
    lab.step(remove=1)
    monkeypatch.setattr(settling, "MOST_ROUNDS_WITH_NEWS", 1)

    run = lab.sync()

    assert run["clean"] is False
    assert [one["code"] for one in run["errors"]] == ["listing_unfinished"]
    assert run["counts"]["archived"] == 0
    assert lab.context.runs.state()["watermark"] == before


@pytest.mark.usefixtures("short_ranges")
def test_a_list_that_only_promises_more_has_an_end(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(size=20, locales=ENGLISH)
    page = assets.page

    def promising(*args: Any, **options: Any) -> Page:
        return replace(page(*args, **options), more=True)

    monkeypatch.setattr(assets, "page", promising)

    run = lab.sync()

    assert run["rounds"] == settling.MOST_ROUNDS
    assert {one["code"] for one in run["errors"]} == {"listing_unfinished"}


def test_settling_is_tried_again_while_linkedin_is_down(make_lab: MakeLab) -> None:
    lab = make_lab(size=490, locales=ENGLISH, quirks={"total_capped_500": {}})
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {**planned, "number": number})
    lab.world.quirks.switch_on("down")

    with pytest.raises(RetryLater):
        catalog_sync.settle(lab.context, planned)


class TestASecondOpinion:
    def test_leaves_unlicensed_assets_out_and_finds_what_has_no_topic(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=520, locales=ENGLISH, quirks={"total_capped_500": {}})
        catalogue = lab.world.catalogue
        first = next(asset for asset in catalogue.handles() if catalogue.urn(asset) in lab.truth())
        element = catalogue.element(first)
        bare = element | {"urn": "urn:li:lyndaCourse:9", "details": element["details"] | {"classifications": []}}
        catalogue.put(bare)

        run = lab.sync()

        assert run["clean"]
        assert lab.active() == lab.truth()
        assert "urn:li:lyndaCourse:9" in lab.active()
        assert lab.truth(licensed=False)
        assert not lab.active() & lab.truth(licensed=False)

    def test_of_a_listing_of_everything_is_not_to_be_had_and_said_so(self, make_lab: MakeLab) -> None:
        one = ranges.listing_range(Listing("COURSE"), 0, 10, number=0, status="done", total=1000)
        lab = make_lab(size=4)

        assert settling.is_suspect([one])
        assert list(settling._second_opinions(lab.context, [one], set())) == []

    def test_of_curated_videos_goes_by_topic_alone(self) -> None:
        listing = Listing("VIDEO", "en", curated=True, licensed_only=False)

        planned = list(ranges.second_opinion(listing, 3000, [f"urn:{number}" for number in range(30)]))

        assert [one["kind"] for one in planned] == ["topics", "topics"]
        assert [urn for one in planned for urn in one["topics"]] == [f"urn:{number}" for number in range(30)]

    def test_of_a_topic_that_was_cut_itself_is_not_believed(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20, locales=ENGLISH)
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        listing = Listing("COURSE", "en")
        topics: Range = {**next(ranges.second_opinion(listing, 0, ["urn:1"])), "number": 50}
        lab.context.runs.add_ranges(planned["run_id"], [topics], lab.clock())

        with patch.object(pages, "SUSPECT_TOTALS", {0}):
            status = catalog_sync.work(lab.context, {**planned, "number": 50})["status"]

        assert status == "partial"
        assert lab.context.runs.range(planned["run_id"], 50)["problems"][0]["code"] == "total_suspect"

    def test_keeps_assets_whose_topics_cannot_be_read(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=4, locales=ENGLISH)
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        [rest] = ranges.second_opinion(Listing("COURSE", "en"), 0, [])
        lab.context.runs.add_ranges(planned["run_id"], [{**rest, "number": 50}], lab.clock())
        odd = ["details", {"classifications": {"a": 1}}, {"classifications": [{"associatedClassification": "urn:1"}]}]
        topic = {"classifications": [{"associatedClassification": {"urn": "urn:1", "type": "TOPIC"}}]}
        elements = [
            {"urn": f"urn:li:lyndaCourse:{number}", "type": "COURSE", "details": details}
            for number, details in enumerate([*odd, topic])
        ]

        def page(_client: object, _listing: object, start: int) -> Page:
            return read_page("COURSE", start, {"elements": [] if start else elements})

        with patch.object(assets, "page", page):
            status = catalog_sync.work(lab.context, {**planned, "number": 50})["status"]

        assert status == "done"
        assert lab.active() == {element["urn"] for element in elements[:-1]}

    def test_that_is_read_on_stays_one(self) -> None:
        [*_, last] = ranges.second_opinion(Listing("COURSE", "en"), 0, [])
        unfinished: Range = {**last, "number": 0, "status": "done", "ended": False, "position": 980}

        [further] = settling._continuations([unfinished], rounds=0)

        assert (further["opinion"], further["topicless_only"], further["start"]) == ("second", True, 980)

    def test_where_licences_do_not_matter_is_the_other_finder_alone(self) -> None:
        planned = list(ranges.second_opinion(Listing("COURSE", "en", licensed_only=False), 2000, ["urn:1"]))

        assert {one["listing"]["finder"] for one in planned} == {"localeAndType"}
        assert [one["start"] for one in planned] == [0, 980, 1960]
        assert not any(one["topicless_only"] for one in planned)

    def test_that_was_cut_itself_leaves_the_run_unclean(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=20, locales=ENGLISH)
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
            lab.context.runs.change_range(planned["run_id"], number, total=1000)

        catalog_sync.finished(lab.context, planned)

        run = lab.context.runs.get(planned["run_id"])
        assert run["clean"] is False
        assert run["errors"][0]["code"] == "total_suspect"


class TestCuratedVideos:
    WANTED: ClassVar = {"asset_types": ["VIDEO"], "curated_videos_only": True, "languages": ["en"]}

    def test_are_the_only_ones_that_come_in(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=60, locales=ENGLISH, filters=self.WANTED)

        lab.sync()

        videos = [lab.context.courses.get(urn) for urn in lab.active()]
        assert videos
        assert all(video is not None and video.course["curated"] for video in videos)
        assert len(videos) < len(lab.truth("VIDEO")) / 10

    def test_remain_known_as_such_when_all_videos_are_read_again(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=60, locales=ENGLISH, filters=self.WANTED)
        lab.sync()
        curated = lab.active()
        lab.changes(filters={"asset_types": ["VIDEO"], "languages": ["en"]})

        run = lab.sync()

        assert run["counts"]["unchanged"] == len(curated)
        assert lab.active() == lab.truth("VIDEO")

    @pytest.mark.parametrize("asked", [archiving.ASKED_ONE_BY_ONE, 0], ids=["asked one by one", "too many to ask"])
    def test_without_a_topic_stay_where_the_list_is_cut_short(
        self, make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, asked: int
    ) -> None:
        lab = make_lab(size=60, locales=ENGLISH, filters=self.WANTED, archive_limit_percent=100)
        [videos] = listed(lab, lab.sync()["id"])
        before = lab.active()
        bare, gone, *_ = sorted(before)
        stored = lab.context.courses.get_active(bare)
        course: Course = {**stored.course, "classifications": []}
        body = pack(json_text.canonical(dict(course)))
        lab.context.courses.write([Write(replace(stored, body=body), course, None)])
        lab.world.catalogue.remove(lab.world.catalogue.find(gone))  # type: ignore[arg-type]
        read = assets.page

        def page_without(client: LinkedInClient, listing: Listing, start: int, **options: int) -> Page:
            page = read(client, listing, start, **options)
            return replace(page, elements=[element for element in page.elements if element["urn"] != bare])

        monkeypatch.setattr(assets, "page", page_without)
        monkeypatch.setattr(pages, "SUSPECT_TOTALS", {videos["total"] - 1})
        monkeypatch.setattr(archiving, "ASKED_ONE_BY_ONE", asked)

        runs = [lab.sync(), lab.sync()]

        assert [run["status"] for run in runs] == ["succeeded", "succeeded"]
        assert before - lab.active() == {gone}


class TestLookingForWhatIsMissing:
    def lab(self, make_lab: MakeLab) -> tuple[Lab, dict[str, Any]]:
        lab = make_lab(size=40, locales=ENGLISH)
        lab.sync()
        lab.step(remove=2)
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
        return lab, planned

    def test_is_tried_again_while_linkedin_is_down(self, make_lab: MakeLab) -> None:
        lab, planned = self.lab(make_lab)
        lab.world.quirks.switch_on("down")

        with pytest.raises(RetryLater):
            catalog_sync.finished(lab.context, planned)

    def test_is_given_up_where_linkedin_refuses_and_archives_nothing(self, make_lab: MakeLab) -> None:
        lab, planned = self.lab(make_lab)
        lab.world.quirks.switch_on("throttle_day")

        catalog_sync.finished(lab.context, planned)

        run = lab.context.runs.get(planned["run_id"])
        assert run["clean"] is False
        assert run["errors"][0]["code"] == "linkedin_day_limit"
        assert run["counts"]["archived"] == 0

    def test_finds_what_was_retired_meanwhile(self, make_lab: MakeLab) -> None:
        lab = make_lab(size=40, locales=ENGLISH)
        lab.sync()
        [urn] = lab.step(remove=1)["removed"]
        planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
        for number in planned["ranges"]:
            catalog_sync.work(lab.context, {**planned, "number": number})
        asset = lab.world.catalogue.find(urn, removed_too=True)
        assert asset is not None
        lab.world.catalogue.restore(asset, 1_700_000_000_000)
        lab.world.catalogue.retire(asset, 1_700_000_000_000)

        catalog_sync.finished(lab.context, planned)

        stored = lab.context.courses.get(urn)
        assert stored is not None
        assert stored.archived_reason == "retired"

    def test_is_left_out_where_too_much_is_missing(self, make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("coursebridge.catalog.sync.archiving.ASKED_ONE_BY_ONE", 1)
        lab, planned = self.lab(make_lab)
        lab.world.requests.reset()

        catalog_sync.finished(lab.context, planned)

        assert lab.calls() == 0
        assert lab.context.runs.get(planned["run_id"])["counts"]["archived"] == 2


def test_an_unusable_asset_among_the_included_ones_is_told(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, locales=ENGLISH)
    wanted = sorted(lab.truth("LEARNING_PATH"))[:2]
    lab.changes(filters={"include_urns": wanted})
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    lab.world.quirks.switch_on("error_in_200", {"share": 1.0, "path": "/v2/learningAssets/"})
    for number in planned["ranges"]:
        catalog_sync.work(lab.context, {**planned, "number": number})

    assert [one["status"] for one in lab.context.runs.ranges(planned["run_id"]) if one["kind"] == "urns"] == ["partial"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"status": 400, "message": "this is no asset"}), "linkedin_refused"),
        ((403, {"status": 403, "message": "Not enough permissions"}), "linkedin_refused"),
        ((200, {}), "linkedin_unusable_answer"),
        ((200, {"urn": "urn:li:lyndaCourse:1"}), "linkedin_unusable_answer"),
    ],
)
def test_an_included_urn_that_linkedin_gives_no_asset_for_is_named_and_the_others_are_read(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, dict[str, Any]], code: str
) -> None:
    lab = make_lab(size=24, locales=ENGLISH)
    wanted = min(lab.truth("LEARNING_PATH"))
    lab.changes(filters={"include_urns": ["urn:li:odd:1", wanted]})
    status, body = answer
    get = lab.http.get

    def odd(path: str, **options: Any) -> httpx.Response:
        return httpx.Response(status, json=body) if "odd" in path else get(path, **options)

    monkeypatch.setattr(lab.http, "get", odd)

    run = lab.sync()

    assert wanted in lab.active()
    assert (run["status"], run["clean"]) == ("succeeded", False)
    assert [(one["code"], "urn:li:odd:1" in one["detail"]) for one in run["errors"]] == [(code, True)]


def test_classifications_that_cannot_be_read_do_not_hold_up_the_courses(make_lab: MakeLab) -> None:
    lab = make_lab(size=24, locales=ENGLISH)
    lab.world.quirks.switch_on("error_in_200", {"share": 1.0, "path": "/v2/learningClassifications"})

    run = lab.sync()

    assert lab.active() == lab.truth()
    assert run["clean"] is False
    assert run["errors"][0]["code"] == "linkedin_unusable_answer"


def test_a_run_for_an_integration_that_was_deactivated_fails(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    run = lab.control.begin("full", "admin").run
    lab.changes(status="inactive")

    assert catalog_sync.plan(lab.context, {"run_id": run["id"]})["goes_on"] is False
    assert lab.context.runs.get(run["id"])["status"] == "failed"


def test_no_run_is_left_open_when_a_scheduled_plan_dies(make_lab: MakeLab) -> None:
    lab = make_lab(size=4)
    lab.control.begin("full", "schedule", "execution-1")

    catalog_sync.failed(lab.context, {"execution": "execution-2", "error": "x"})
    assert lab.context.runs.lock() is not None
    catalog_sync.failed(lab.context, {"execution": "execution-1", "error": "x"})

    assert lab.context.runs.lock() is None


def test_what_was_never_worked_off_is_asked_for_again(make_lab: MakeLab) -> None:
    lab = make_lab(size=20, locales=ENGLISH)
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    done, *left = planned["ranges"]
    catalog_sync.work(lab.context, {"run_id": planned["run_id"], "number": done})

    assert catalog_sync.settle(lab.context, {"run_id": planned["run_id"]})["ranges"] == left


def test_a_range_that_is_settled_stays_so_whatever_is_told_of_it_later(make_lab: MakeLab) -> None:
    lab = make_lab(size=20, locales=ENGLISH)
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})
    first = {"run_id": planned["run_id"], "number": planned["ranges"][0]}
    settled = catalog_sync.work(lab.context, first)
    progress = lab.context.runs.get(planned["run_id"])["progress"]

    assert catalog_sync.range_failed(lab.context, first) == settled == {"status": "done"}
    open_still: Range = {**lab.context.runs.range(first["run_id"], first["number"]), "settled": False}
    assert (
        working.RangeWork(lab.context, lab.linkedin(), lab.context.runs.get(first["run_id"]), open_still).run()
        == "done"
    )
    assert working.give_up(lab.context, first["run_id"], open_still, task_died("COURSE en")) == "failed"
    assert lab.context.runs.get(planned["run_id"])["progress"] == progress


def test_another_list_that_has_no_more_changes_nothing(make_lab: MakeLab) -> None:
    lab = make_lab(size=20, locales=ENGLISH)

    assert list(settling._second_opinion(lab.context, Listing("COURSE", "en"), [{"total": 20_000}])) == []


def test_an_error_about_one_range_stops_no_other(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = make_lab(size=20, locales=ENGLISH)
    planned = catalog_sync.plan(lab.context, {"mode": "full", "trigger": "test"})

    def gone(*_: Any) -> None:
        raise NoSuchEntity("there is no such list")

    with monkeypatch.context() as without:
        without.setattr(assets, "page", gone)
        first = catalog_sync.work(lab.context, {"run_id": planned["run_id"], "number": planned["ranges"][0]})

    assert first == {"status": "failed"}
    assert "stopped" not in lab.context.runs.get(planned["run_id"])


@pytest.mark.parametrize(
    ("totals", "suspect"),
    [([500], True), ([1000], True), ([499, 500], True), ([500, 501], False), ([1500], False), ([], False)],
)
def test_a_listing_is_suspect_whose_highest_total_is_one_at_which_linkedin_cuts(
    totals: list[int], suspect: bool
) -> None:
    assert settling.is_suspect([{"total": total} for total in totals]) is suspect


def test_ranges_of_a_second_opinion_that_keep_only_what_has_no_topic_are_not_compared() -> None:
    listing = Listing("COURSE", "en", finder="localeAndType")
    ends = [(0, b"012345678"), (980, b"876543210")]
    apart = [ranges.listing_range(listing, start, 10, outcomes=outcomes, status="done") for start, outcomes in ends]

    assert list(settling.tears(apart)) == [tuple(apart)]
    assert list(settling.tears([one | {"topicless_only": True} for one in apart])) == []
