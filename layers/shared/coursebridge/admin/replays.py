"""Replays held statements: those held for one reason, and those that changed settings may settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.apply.judge import HELD_REASONS
from coursebridge.apply.release import held, release
from coursebridge.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.statement_outcomes import HeldReason
    from coursebridge.storage.table import Table

WHO_REASONS = tuple(reason for reason in HELD_REASONS if reason != "course_unknown")


def release_held(table: Table, integration_id: str, reason: HeldReason, time_is_up: Callable[[], bool]) -> int:
    """Replay what is held for a reason, until time is up; return how many.

    Of statements that wait for the same thing, the oldest come first.
    """
    waiting = (item["statement_id"] for item in held(table, integration_id, reason))
    return release(table, integration_id, waiting, utc_now(), time_is_up=time_is_up)


def release_after_change(table: Table, integration_id: str, time_is_up: Callable[[], bool]) -> int:
    """Replay everything but what waits for a course, after a change in how learners are matched; return how many."""
    return sum(release_held(table, integration_id, reason, time_is_up) for reason in WHO_REASONS)
