"""Whatever quirks LinkedIn has, a sync ends with the courses it really holds."""

from typing import Any

import pytest

from catalog_lab import MakeLab

SIZE = 130
"""More than one page."""
SEVERAL_PAGES = {"shifting_pages": 450, "empty_page_in_middle": 210, "all": 450}
HARMLESS: dict[str, dict[str, Any]] = {
    "early_revocation": {"calls": 3},
    "missing_next": {},
    "prev_only_links": {},
    "short_pages": {"every": 7},
    "empty_page_in_middle": {"start": 60, "length": 100},
    "other_types_on_overrun": {"count": 5},
    "wrong_type_elements": {},
    "shifting_pages": {"by": 1},
    "absent_details": {"share": 0.5},
    "country_absent": {"share": 0.5},
    "indonesian_in": {"share": 0.5},
    "unknown_enum_values": {"share": 0.5},
    "duplicate_classifications": {"share": 0.5},
    "unknown_classification": {"share": 0.5},
    "changed_owner_urn": {"share": 0.5},
    "html_descriptions": {"share": 0.5},
    "throttle_short": {"times": 3},
    "error_in_200": {"share": 0.05},
    "not_json_200": {"share": 0.05},
    "html_error_body": {"share": 0.05},
    "plain_error_body": {"share": 0.05},
    "server_errors": {"share": 0.05},
    "down": {"times": 3},
}


@pytest.mark.parametrize("quirk", sorted(HARMLESS))
def test_one_quirk_alone_changes_nothing_about_the_courses(make_lab: MakeLab, quirk: str) -> None:
    size = SEVERAL_PAGES.get(quirk, SIZE)
    lab = make_lab(size=size, locales=("en_US",), quirks={quirk: HARMLESS[quirk]})

    run = lab.sync()

    assert run["status"] == "succeeded", run["errors"]
    assert run["errors"] == []
    assert lab.active() == lab.truth()
    assert run["counts"]["created"] == size
    assert run["counts"]["read"] == sum(number for name, number in run["counts"].items() if name != "read")


def test_all_quirks_together_change_nothing_about_the_courses(make_lab: MakeLab) -> None:
    lab = make_lab(
        size=SEVERAL_PAGES["all"],
        locales=("en_US",),
        quirks={name: quirk for name, quirk in HARMLESS.items() if name != "early_revocation"},
    )

    run = lab.sync()

    assert run["status"] == "succeeded", run["errors"]
    assert lab.active() == lab.truth()
    assert run["counts"]["created"] == SEVERAL_PAGES["all"]


@pytest.mark.parametrize("quirk", sorted(HARMLESS))
def test_a_quirk_archives_nothing_in_a_second_sync(make_lab: MakeLab, quirk: str) -> None:
    lab = make_lab(size=SIZE, locales=("en_US",))
    lab.sync()
    lab.world.quirks.switch_on(quirk, HARMLESS[quirk])

    run = lab.sync()

    assert run["counts"]["archived"] == 0
    assert lab.active() == lab.truth()


@pytest.mark.parametrize("cap", [500])
def test_a_total_that_was_cut_is_read_in_another_way(make_lab: MakeLab, cap: int) -> None:
    lab = make_lab(size=cap + 60, locales=("en_US",), quirks={f"total_capped_{cap}": {}})

    run = lab.sync()

    assert run["status"] == "succeeded", run["errors"]
    assert lab.active() == lab.truth()
    assert run["errors"] == []


def test_a_total_of_exactly_500_that_is_true_is_believed(make_lab: MakeLab) -> None:
    lab = make_lab(size=490, locales=("en_US",), filters={"licensed_only": False})
    assert len(lab.truth(licensed=None, retired=None)) != 500

    run = lab.sync()

    assert run["clean"]
    assert lab.active() == lab.truth(licensed=None)
