from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.xapi import values

JSON_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("39", 39),
        (39, 39),
        (39.0, 39),
        ("39.0", 39),
        (" 39 ", 39),
        (39.99, 39),
        ("99.99", 99),
        (0, 0),
        ("100", 100),
        (100.0, 100),
    ],
)
def test_progress_is_a_percentage_rounded_down(sent: object, read: int) -> None:
    assert values.progress(sent) == read


@pytest.mark.parametrize(
    "odd", ["", "abc", "39%", "-1", -1, 101, "1_0", "1e1", True, None, [], {}, float("inf"), float("nan")]
)
def test_progress_that_is_no_percentage_is_not_read(odd: object) -> None:
    assert values.progress(odd) is None


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("PT4M30S", 270),
        ("PT0S", 0),
        ("PT1H", 3600),
        ("PT270.9S", 270),
        ("PT4,5S", 4),
        ("P1D", 86400),
        ("P2W", 1209600),
        ("P0Y0M0DT5M", 300),
        ("P1DT1H1M1S", 90061),
    ],
)
def test_a_duration_is_read_in_whole_seconds(sent: str, seconds: int) -> None:
    assert values.duration_seconds(sent) == seconds


@pytest.mark.parametrize(
    "odd", ["", "P", "PT", "4:30", "P1Y", "P2M", "-PT5S", "PT" + "9" * 400 + "S", "P9999D", 270, None]
)
def test_a_duration_without_a_length_of_its_own_is_not_read(odd: object) -> None:
    assert values.duration_seconds(odd) is None


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2021-08-18T04:44:23.764Z", datetime(2021, 8, 18, 4, 44, 23, 764000, UTC)),
        ("2021-08-18t04:44:23.764z", datetime(2021, 8, 18, 4, 44, 23, 764000, UTC)),
        ("2021-08-18T06:44:23+02:00", datetime(2021, 8, 18, 4, 44, 23, 0, UTC)),
        ("2021-08-18T04:44:23", datetime(2021, 8, 18, 4, 44, 23, 0, UTC)),
        ("2021-08-18", datetime(2021, 8, 18, tzinfo=UTC)),
        (1629261863764, datetime(2021, 8, 18, 4, 44, 23, 764000, UTC)),
    ],
)
def test_a_time_is_read_in_every_spelling(sent: object, moment: datetime) -> None:
    assert values.instant(sent) == moment


@pytest.mark.parametrize("odd", ["", "yesterday", "0001-01-01T00:00:00+23:00", 10**30, True, None, 1.5, {}])
def test_what_is_no_time_is_not_read(odd: object) -> None:
    assert values.instant(odd) is None


@pytest.mark.parametrize(
    ("sent", "read"),
    [(True, True), (False, False), ("TRUE", True), ("false", False), (" true ", True), (1, None), ("yes", None)],
)
def test_truth_may_be_a_word(sent: object, read: bool | None) -> None:
    assert values.truth(sent) is read


@given(JSON_LEAVES)
def test_readers_answer_to_anything(value: object) -> None:
    assert values.progress(value) in {None, *range(101)}
    assert (values.duration_seconds(value) or 0) >= 0
    assert values.truth(value) in {None, True, False}
    moment = values.instant(value)
    assert moment is None or moment.tzinfo is UTC
