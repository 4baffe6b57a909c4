"""Whom an identifier means, depending on who held it when and how they came to lose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.records.identifiers import normalised
from coursebridge.storage.identities import IdentityItem

if TYPE_CHECKING:
    from collections.abc import Sequence

Step = tuple[str, str]
"""What happens, and to whom: ``give``, ``replace`` (they get another instead) or ``take`` (it is taken away)."""

# The steps, and whom the identifier means after each of them.
MEANT: dict[str, tuple[list[Step], list[set[str]]]] = {
    "one that is held": ([("give", "ada")], [{"ada"}]),
    "one that was replaced": ([("give", "ada"), ("replace", "ada")], [{"ada"}, {"ada"}]),
    "one that was taken away": ([("give", "ada"), ("take", "ada")], [{"ada"}, set()]),
    "one that was replaced and then taken away": (
        [("give", "ada"), ("replace", "ada"), ("take", "ada")], [{"ada"}, set(), set()]),
    "one that was replaced, and given to another later": (
        [("give", "ada"), ("replace", "ada"), ("give", "bob")], [{"ada"}, {"ada"}, {"bob"}]),
    "one that was taken away, and given to another later": (
        [("give", "ada"), ("take", "ada"), ("give", "bob")], [{"ada"}, {"bob"}, {"bob"}]),
    "one that was replaced by both, one after the other": (
        [("give", "ada"), ("replace", "ada"), ("give", "bob"), ("replace", "bob")],
        [{"ada"}, {"ada"}, {"bob"}, {"bob"}]),
    "one that another had last, from whom it was taken": (
        [("give", "ada"), ("replace", "ada"), ("give", "bob"), ("take", "bob")],
        [{"ada"}, {"ada"}, {"bob"}, set()]),
    "one that was shared until one of both replaced it": (
        [("give", "ada"), ("give", "bob"), ("replace", "ada")], [{"ada"}, {"bob"}, {"bob"}]),
    "one that they took up again": (
        [("give", "ada"), ("replace", "ada"), ("give", "ada")], [{"ada"}, {"ada"}, {"ada"}]),
}  # fmt: skip


def after(steps: Sequence[Step]) -> IdentityItem:
    """Return an identifier after these steps, one an hour."""
    identity = IdentityItem("acme", normalised("email", "info@example.com"))
    for hour, (step, learner) in enumerate(steps, 1):
        if step == "give":
            identity = identity.held_by(learner, at(hour))
        else:
            identity = identity.left_by(learner, at(hour), replaced=step == "replace")
    return identity


def at(hour: float) -> str:
    return f"2026-01-{1 + int(hour) // 24:02d}T{int(hour) % 24:02d}:{int(hour % 1 * 60):02d}:00.000Z"


def learners(identity: IdentityItem, hour: float) -> set[str]:
    return {meant.learner for meant in identity.meant(at(hour))}


@pytest.mark.parametrize("name", MEANT)
def test_an_identifier_means_by_the_time(name: str) -> None:
    steps, expected = MEANT[name]
    identity = after(steps)

    assert [learners(identity, hour + 0.5) for hour in range(1, len(steps) + 1)] == expected
    assert set(identity.meant_now) == expected[-1]


@given(st.lists(st.tuples(st.sampled_from(["give", "replace", "take"]), st.sampled_from("abc")), max_size=20))
def test_it_means_who_hold_it_or_else_whoever_replaced_it_last_until_it_is_taken_away(steps: list[Step]) -> None:
    holding: set[str] = set()
    last: set[str] = set()
    for step, learner in steps:
        if step == "give":
            holding, last = holding | {learner}, set()
        elif learner in holding:
            holding = holding - {learner}
            last = {learner} if step == "replace" and not holding else set()
        elif step == "take":
            last -= {learner}

    identity = after(steps)

    assert set(identity.live) == holding
    assert set(identity.meant_now) == (holding or last) == learners(identity, len(steps) + 1)
    assert identity.never_held == ("give" not in {step for step, _ in steps})


@given(st.lists(st.tuples(st.sampled_from(["give", "replace", "take"]), st.sampled_from("abc")), max_size=20))
def test_what_is_kept_means_the_same_when_it_is_read_again(steps: list[Step]) -> None:
    identity = after(steps)

    assert IdentityItem.from_item(identity.to_item()) == identity
