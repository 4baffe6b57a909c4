"""xAPI 1.0.3, Data 2.3.1: which differences count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.xapi.comparison import ERASED, digest, says_the_same
from xapi_builders import PROGRESS, changed, statement

BASE = statement(
    context={
        "registration": "6a9fefbb-3517-4b92-9d5e-5710aaba924f",
        "contextActivities": {"parent": [{"id": "https://example.com/p"}]},
        "team": {
            "objectType": "Group",
            "member": [{"mbox": "mailto:a@example.com"}, {"mbox": "mailto:b@example.com"}],
        },
    }
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "other"),
        ("stored", "2021-08-22T20:00:00Z"),
        ("authority", {"mbox": "mailto:other@example.com"}),
        ("version", "1.0.3"),
        ("verb.display", {"de": "abgeschlossen"}),
        ("object.definition", ...),
        ("actor.mbox", "mailto:learner@EXAMPLE.com"),
        ("actor.mbox", "MAILTO:learner@example.com"),
        ("context.registration", "6A9FEFBB-3517-4B92-9D5E-5710AABA924F"),
        ("context.contextActivities.parent", {"id": "https://example.com/p", "definition": {}}),
        ("context.team.member", [{"mbox": "mailto:b@example.com"}, {"mbox": "mailto:a@example.com"}]),
    ],
)
def test_these_differences_are_none(path: str, value: object) -> None:
    assert digest(changed(BASE, path, value)) == digest(BASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verb.id", "http://adlnet.gov/expapi/verbs/progressed"),
        ("object.id", "urn:li:lyndaCourse:253"),
        ("object.objectType", ...),
        ("actor.mbox", "mailto:LEARNER@example.com"),
        ("actor.name", "A Learner"),
        ("result.duration", "PT270S"),
        ("result.completion", False),
        ("result.extensions", {PROGRESS: "99"}),
        ("attachments", []),
        ("extra", 1),
    ],
)
def test_these_differences_count(path: str, value: object) -> None:
    assert digest(changed(BASE, path, value)) != digest(BASE)


def test_a_number_has_one_value_however_it_is_written() -> None:
    written = [changed(BASE, "result.extensions", {PROGRESS: number}) for number in (39, 39.0)]

    assert digest(written[0]) == digest(written[1])


def test_the_time_within_a_sub_statement_is_an_instant() -> None:
    def about(timestamp: str) -> str:
        return digest(statement(object={"objectType": "SubStatement", "timestamp": timestamp}))

    assert about("2021-08-22T19:49:27Z") == about("2021-08-22T21:49:27+02:00") != about("then") != about("later")


KEPT = {"digest": "d", "timestamp": "2021-08-22T19:49:27.605Z", "stored_at": "2021-08-22T20:00:00.000Z"}
KEPT_WITHOUT = {**KEPT, "timestamp": KEPT["stored_at"]}


@pytest.mark.parametrize(
    ("kept", "other_digest", "other_timestamp", "same"),
    [
        (KEPT, "d", KEPT["timestamp"], True),
        (KEPT, "e", KEPT["timestamp"], False),
        (KEPT, "d", "2021-08-22T19:49:28.000Z", False),
        (KEPT, "d", None, False),
        (KEPT_WITHOUT, "d", None, True),
        (KEPT_WITHOUT, "d", KEPT["stored_at"], True),
        ({**KEPT, "digest": ERASED}, "e", "2021-08-22T19:49:28.000Z", True),
    ],
)
def test_the_time_counts_beside_the_digest(
    kept: dict[str, Any], other_digest: str, other_timestamp: str | None, same: bool
) -> None:
    assert says_the_same(kept, other_digest, other_timestamp) is same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["member", "mbox"]), inner, max_size=3)
    ),
)


@given(st.dictionaries(st.text() | st.sampled_from(["actor", "context", "parent", "member"]), JSON))
def test_any_object_has_a_digest_that_its_order_does_not_change(value: dict[str, Any]) -> None:
    assert digest(value) == digest(dict(reversed(list(json.loads(json.dumps(value)).items()))))
